// What the HTTP service keeps in the directory: users, domains, suppressions, webhooks, usage, production requests.
#include "store/directory.h"

#include "store/leftovers.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

using test::TempStore;

class DirectoryHttpTest : public testing::Test {
 protected:
  AccountId put_account(const std::string& name) {
    AccountRecord account;
    account.id = make_account_id(random_);
    account.name = name;
    account.created = clock_.now();
    write([&](DirectoryWriter& writer) { return writer.put_account(account); }).value();
    return account.id;
  }
  UserRecord make_user(const AccountId& account, const std::string& email) {
    return {.id = make_user_id(random_), .account = account, .email = email, .password_hash = "hash", .created = clock_.now()};
  }
  DomainRecord make_domain(const AccountId& account, const std::string& name) {
    DomainRecord domain;
    domain.id = make_domain_id(random_);
    domain.account = account;
    domain.name = name;
    domain.created = clock_.now();
    return domain;
  }
  WebhookRecord make_webhook(const AccountId& account) {
    WebhookRecord webhook;
    webhook.id = make_webhook_id(random_);
    webhook.account = account;
    webhook.url = "https://hooks.example/";
    webhook.secret = "secret octets";
    webhook.created = clock_.now();
    return webhook;
  }
  Result<void> write(const std::function<Result<void>(DirectoryWriter&)>& change) { return directory_.write(change); }
  Result<void> put(const UserRecord& user) { return write([&](DirectoryWriter& w) { return w.put_user(user); }); }
  Result<void> put(const DomainRecord& domain) { return write([&](DirectoryWriter& w) { return w.put_domain(domain); }); }
  Result<void> put(const WebhookRecord& webhook) { return write([&](DirectoryWriter& w) { return w.put_webhook(webhook); }); }
  Result<void> suppress(const AccountId& account, const std::string& address) {
    const SuppressionRecord record{.address = address, .reason = SuppressionReason::Bounce, .at = clock_.now(), .message = {}};
    return write([&](DirectoryWriter& w) { return w.put_suppression(account, record); });
  }

  test::FakeClock clock_;
  test::FakeRandom random_;
  TempStore store_;
  Directory& directory_ = store_.directory();
};

TEST_F(DirectoryHttpTest, FindsAUserByIdByAddressAndByAccount) {
  const AccountId account = put_account("acme");
  const UserRecord user = make_user(account, "ann@acme.example");
  ASSERT_TRUE(put(user));
  EXPECT_EQ(directory_.find_user(user.id).value(), user);
  EXPECT_EQ(directory_.find_user_by_email("ann@acme.example").value(), user);
  EXPECT_EQ(directory_.find_user_by_email("").value(), std::nullopt);
  EXPECT_EQ(directory_.list_users(account).value(), std::vector<UserRecord>{user});
  EXPECT_TRUE(directory_.list_users(put_account("other")).value().empty());
}

TEST_F(DirectoryHttpTest, GivesAnAddressToOneUserAndFreesTheOldOne) {
  const AccountId account = put_account("acme");
  UserRecord user = make_user(account, "ann@acme.example");
  ASSERT_TRUE(put(user));
  EXPECT_EQ(put(make_user(account, "ann@acme.example")).error().code(), ErrorCode::AlreadyExists);
  user.email = "anna@acme.example";
  ASSERT_TRUE(put(user));
  EXPECT_TRUE(put(make_user(account, "ann@acme.example")));
  EXPECT_EQ(put(make_user(make_account_id(random_), "lost@acme.example")).error().code(), ErrorCode::NotFound);
}

TEST_F(DirectoryHttpTest, KeepsDomainsByNameWithinAnAccount) {
  const AccountId account = put_account("acme");
  const AccountId other = put_account("other");
  const DomainRecord domain = make_domain(account, "acme.example");
  ASSERT_TRUE(put(domain));
  ASSERT_TRUE(put(make_domain(other, "acme.example")));
  EXPECT_EQ(put(make_domain(account, "acme.example")).error().code(), ErrorCode::AlreadyExists);
  EXPECT_EQ(directory_.find_domain_named(account, "acme.example").value(), domain);
  EXPECT_EQ(directory_.list_domains(account).value(), std::vector<DomainRecord>{domain});
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.remove_domain(domain.id); }));
  EXPECT_EQ(directory_.find_domain_named(account, "acme.example").value(), std::nullopt);
  EXPECT_EQ(directory_.list_domains(other).value().size(), 1U);
}

TEST_F(DirectoryHttpTest, ListsSuppressionsInPagesAndForgetsOneThatIsRemoved) {
  const AccountId account = put_account("acme");
  for (const char* address : {"c@x.example", "a@x.example", "b@x.example"}) ASSERT_TRUE(suppress(account, address));
  EXPECT_TRUE(directory_.is_suppressed(account, "b@x.example", clock_.now()).value());
  EXPECT_FALSE(directory_.is_suppressed(put_account("other"), "b@x.example", clock_.now()).value());
  const std::vector<SuppressionRecord> page = directory_.list_suppressions(account, "", 2).value();
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].address, "a@x.example");
  EXPECT_EQ(directory_.list_suppressions(account, page[1].address, 2).value().front().address, "c@x.example");
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.remove_suppression(account, "b@x.example"); }));
  EXPECT_FALSE(directory_.is_suppressed(account, "b@x.example", clock_.now()).value());
  EXPECT_EQ(write([&](DirectoryWriter& w) { return w.remove_suppression(account, "b@x.example"); }).error().code(),
            ErrorCode::NotFound);
}

TEST_F(DirectoryHttpTest, SuppressesOneStreamAndNotTheOthers) {
  const AccountId account = put_account("acme");
  const auto put = [&](std::string stream) {
    return write([&](DirectoryWriter& w) {
      return w.put_suppression(account, {.address = "ann@x.example", .reason = SuppressionReason::Unsubscribe, .at = clock_.now(),
                                         .message = {}, .stream = std::move(stream)});
    });
  };
  ASSERT_TRUE(put("News"));
  ASSERT_TRUE(put("offers"));
  const auto is_suppressed = [&](std::string_view stream) {
    return directory_.is_suppressed(account, suppression_entry("Ann@x.example", stream), clock_.now()).value();
  };
  EXPECT_TRUE(is_suppressed("news"));
  EXPECT_TRUE(is_suppressed("OFFERS"));
  EXPECT_FALSE(is_suppressed("new"));
  EXPECT_FALSE(is_suppressed(""));
  const auto page = directory_.list_suppressions(account, "", 1).value();
  ASSERT_EQ(page.size(), 1U);
  EXPECT_EQ(page[0].stream, "news");
  const auto rest = directory_.list_suppressions(account, suppression_entry(page[0].address, page[0].stream), 10).value();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].stream, "offers");
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.remove_suppression(account, "ann@x.example NEWS"); }));
  EXPECT_FALSE(is_suppressed("news"));
  EXPECT_TRUE(is_suppressed("offers"));
}

TEST_F(DirectoryHttpTest, ComparesSuppressedAddressesWithoutRegardToCase) {
  const AccountId account = put_account("acme");
  ASSERT_TRUE(suppress(account, "User.Name@example.com"));
  ASSERT_TRUE(suppress(account, "J\xC3\x9CRGEN@example.com"));
  for (const char* address : {"User.Name@example.com", "user.name@example.com", "USER.NAME@example.com"}) {
    EXPECT_TRUE(directory_.is_suppressed(account, address, clock_.now()).value()) << address;
    EXPECT_EQ(directory_.find_suppression(account, address).value()->address, "user.name@example.com") << address;
  }
  EXPECT_TRUE(directory_.is_suppressed(account, "j\xC3\xBCrgen@example.com", clock_.now()).value());
  EXPECT_FALSE(directory_.is_suppressed(account, "username@example.com", clock_.now()).value());
  ASSERT_TRUE(suppress(account, "USER.name@example.com"));
  EXPECT_EQ(directory_.list_suppressions(account, "", 10).value().size(), 2U) << "one and the same";
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.remove_suppression(account, "uSER.nAME@example.com"); }));
  EXPECT_FALSE(directory_.is_suppressed(account, "user.name@example.com", clock_.now()).value());
}

TEST_F(DirectoryHttpTest, SuppressesForATimeAndNeverShortensIt) {
  const AccountId account = put_account("acme");
  SuppressionRecord record{.address = "a@x.example", .reason = SuppressionReason::Bounce, .at = clock_.now(), .message = {}};
  record.until = clock_.now() + std::chrono::days(3);
  const auto put = [&] { write([&](DirectoryWriter& w) { return w.put_suppression(account, record); }).value(); };
  put();
  EXPECT_TRUE(directory_.is_suppressed(account, "a@x.example", *record.until - Duration(1)).value());
  EXPECT_FALSE(directory_.is_suppressed(account, "a@x.example", *record.until).value());
  record.until.reset();
  put();
  record.until = clock_.now() + std::chrono::days(1);
  put();
  EXPECT_TRUE(directory_.is_suppressed(account, "a@x.example", clock_.now() + std::chrono::days(999)).value());
}

TEST_F(DirectoryHttpTest, KeepsTheLastRefusalOfAKeyThatIsThere) {
  const AccountId account = put_account("acme");
  KeyRecord key;
  key.id = make_key_id(random_);
  key.account = account;
  key.name = "old";
  const KeyRefusal refusal{{clock_.now(), *parse_ip_address("192.0.2.1"), "app.example"}, "revoked_key"};
  const auto put = [&] { return write([&](DirectoryWriter& w) { return w.put_key_refusal(key.id, refusal); }); };
  ASSERT_TRUE(put()) << "a key that is gone";
  EXPECT_EQ(directory_.find_key_refusal(key.id).value(), std::nullopt);
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.put_key(key); }));
  ASSERT_TRUE(put());
  EXPECT_EQ(directory_.find_key_refusal(key.id).value(), refusal);
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.remove_key(key.id); }));
  EXPECT_EQ(directory_.find_key_refusal(key.id).value(), std::nullopt);
}

TEST_F(DirectoryHttpTest, KeepsConfirmationsByAddressTillTheyAreAnsweredOrTheAccountGoes) {
  const AccountId account = put_account("acme");
  Confirmation asked{.account = account, .kind = ConfirmationKind::Whitelist, .address = "a@x.example", .code_digest = {{1}},
                     .asked = clock_.now(), .expires_at = clock_.now() + std::chrono::days(3)};
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.put_confirmation(asked); }));
  EXPECT_EQ(directory_.find_confirmation(account, ConfirmationKind::Whitelist, "a@x.example").value(), asked);
  EXPECT_EQ(directory_.find_confirmation(account, ConfirmationKind::User, "a@x.example").value(), std::nullopt);
  asked.code_digest = {{2}};
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.put_confirmation(asked); }));
  EXPECT_EQ(directory_.list_confirmations(account).value(), std::vector<Confirmation>{asked});
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.remove_account(account); }));
  EXPECT_TRUE(directory_.list_confirmations(account).value().empty());
}

TEST_F(DirectoryHttpTest, KeepsAWebhookWithItsProgressAndPendingEventsTillItIsRemoved) {
  const WebhookRecord webhook = make_webhook(put_account("acme"));
  ASSERT_TRUE(put(webhook));
  ASSERT_TRUE(write([&](DirectoryWriter& w) -> Result<void> {
    for (const std::uint64_t sequence : {9U, 5U, 7U}) {
      const PendingWebhookEvent event{.sequence = sequence, .message = {}, .first_attempt = {}, .due = {}, .attempts = 1};
      if (Result<void> put = w.put_pending_event(webhook.id, event); !put) return put;
    }
    return w.put_webhook_progress(webhook.id, {.cursor = 9, .failing_since = clock_.now(), .delivered = 3, .given_up = 0});
  }));
  EXPECT_EQ(directory_.webhook_progress(webhook.id).value().cursor, 9U);
  const std::vector<PendingWebhookEvent> pending = directory_.list_pending_events(webhook.id, 5, 10).value();
  ASSERT_EQ(pending.size(), 2U);
  EXPECT_EQ(pending[0].sequence, 7U);
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.remove_webhook(webhook.id); }));
  EXPECT_TRUE(directory_.list_pending_events(webhook.id, 0, 10).value().empty());
  EXPECT_EQ(directory_.webhook_progress(webhook.id).value(), WebhookProgress{});
}

TEST_F(DirectoryHttpTest, StoresNothingForAWebhookThatIsGone) {
  const WebhookId gone = make_webhook_id(random_);
  ASSERT_TRUE(write([&](DirectoryWriter& w) {
    return w.put_pending_event(gone, {.sequence = 1, .message = {}, .first_attempt = {}, .due = {}, .attempts = 0});
  }));
  EXPECT_TRUE(directory_.list_pending_events(gone, 0, 10).value().empty());
}

TEST_F(DirectoryHttpTest, BoundsTheWebhooksOfAnAccount) {
  const AccountId account = put_account("acme");
  for (std::size_t i = 0; i < kMaxWebhooksPerAccount; ++i) ASSERT_TRUE(put(make_webhook(account)));
  EXPECT_EQ(put(make_webhook(account)).error().code(), ErrorCode::LimitExceeded);
}

TEST_F(DirectoryHttpTest, AddsUsagePerDayAndKeyAndForgetsOldDays) {
  const AccountId account = put_account("acme");
  const KeyId key = make_key_id(random_);
  const Instant today = clock_.now();
  const Instant tomorrow = today + std::chrono::days(1);
  for (const Instant at : {today, today, tomorrow}) {
    ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.add_usage(account, key, at, 1, 3); }));
  }
  EXPECT_EQ(directory_.list_usage(account, today, tomorrow + std::chrono::days(1), 1).value().size(), 1U);
  const std::vector<UsageRow> rows = directory_.list_usage(account, today, tomorrow + std::chrono::days(1), 100).value();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].messages, 2U);
  EXPECT_EQ(rows[0].recipients, 6U);
  EXPECT_EQ(rows[1].messages, 1U);
  ASSERT_TRUE(write([&](DirectoryWriter& w) -> Result<void> {
    Result<std::size_t> dropped = w.expire_usage(tomorrow, 10);
    if (!dropped) return dropped.error();
    EXPECT_EQ(*dropped, 1U);
    return {};
  }));
  EXPECT_EQ(directory_.list_usage(account, today, tomorrow + std::chrono::days(1), 100).value().size(), 1U);
}

TEST_F(DirectoryHttpTest, KeepsOneProductionRequestForEachAccount) {
  const AccountId account = put_account("acme");
  for (const char* text : {"first", "second"}) {
    const ProductionRequest request{.account = account, .at = clock_.now(), .use_case = text};
    ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.put_production_request(request); }));
  }
  ASSERT_EQ(directory_.list_production_requests().value().size(), 1U);
  EXPECT_EQ(directory_.find_production_request(account).value()->use_case, "second");
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.remove_production_request(account); }));
  EXPECT_EQ(directory_.find_production_request(account).value(), std::nullopt);
}

TEST_F(DirectoryHttpTest, RemovesAnAccountWithAllThatHttpGaveIt) {
  const AccountId account = put_account("acme");
  const UserRecord user = make_user(account, "ann@acme.example");
  const DomainRecord domain = make_domain(account, "acme.example");
  const WebhookRecord webhook = make_webhook(account);
  ASSERT_TRUE(put(user));
  ASSERT_TRUE(put(domain));
  ASSERT_TRUE(put(webhook));
  ASSERT_TRUE(suppress(account, "a@x.example"));
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.add_usage(account, make_key_id(random_), clock_.now(), 1, 1); }));
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.remove_account(account); }));
  EXPECT_EQ(directory_.find_user_by_email(user.email).value(), std::nullopt);
  EXPECT_EQ(directory_.find_domain(domain.id).value(), std::nullopt);
  EXPECT_EQ(directory_.find_webhook(webhook.id).value(), std::nullopt);
  EXPECT_FALSE(directory_.is_suppressed(account, "a@x.example", clock_.now()).value());
  EXPECT_TRUE(directory_.list_usage(account, clock_.now(), clock_.now() + std::chrono::days(1), 100).value().empty());
}

// More than one commit should erase: what is left is nobody's, no finding of an examination, and still known after a restart.
TEST_F(DirectoryHttpTest, RemovesWhatALargeAccountHadInSlicesAlsoOverAReopening) {
  const AccountId account = put_account("acme");
  const AccountId other = put_account("other");
  const WebhookRecord webhook = make_webhook(account);
  KeyRecord key;
  ASSERT_TRUE(put(webhook));
  ASSERT_TRUE(suppress(other, "1@x.example"));
  ASSERT_TRUE(write([&](DirectoryWriter& w) -> Result<void> {
    for (std::size_t i = 0; i < 2 * kLeftoverSlice; ++i) {
      key.id = make_key_id(random_);
      key.account = account;
      key.name = "key";
      random_.fill(key.digest);
      SuppressionRecord suppression;
      suppression.address = std::to_string(i) + "@x.example";
      PendingWebhookEvent event;
      event.sequence = i + 1;
      if (Result<void> put = w.put_key(key); !put) return put;
      if (Result<void> put = w.put_suppression(account, suppression); !put) return put;
      if (Result<void> put = w.put_pending_event(webhook.id, event); !put) return put;
    }
    return {};
  }));
  ASSERT_TRUE(directory_.find_key_by_digest(key.digest).value().has_value());
  ASSERT_TRUE(write([&](DirectoryWriter& w) { return w.remove_account(account); }));
  EXPECT_EQ(directory_.find_key_by_digest(key.digest).value().has_value(), false) << "a key of nobody";
  EXPECT_TRUE(directory_.list_webhooks(account).value().empty());
  EXPECT_EQ(directory_.examine().value(), std::vector<std::string>());

  store_.reopen();
  Directory& directory = store_.directory();
  std::size_t slices = 1;
  for (bool has_more = true; has_more; ++slices) {
    EXPECT_EQ(directory.examine().value(), std::vector<std::string>());
    has_more = directory.remove_leftovers().value();
  }
  EXPECT_GE(slices, 6U);
  EXPECT_TRUE(directory.list_keys(account).value().empty());
  EXPECT_TRUE(directory.list_suppressions(account, "", 10).value().empty());
  EXPECT_TRUE(directory.list_pending_events(webhook.id, 0, 10).value().empty());
  EXPECT_EQ(directory.list_suppressions(other, "", 10).value().size(), 1U);
  EXPECT_FALSE(directory.remove_leftovers().value());
}

}  // namespace
}  // namespace postern::store
