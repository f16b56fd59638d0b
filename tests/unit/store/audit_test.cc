#include "store/audit.h"

#include "store/directory.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

using std::chrono::days;

class AuditTest : public testing::Test {
 protected:
  AuditTest() {
    record_.id = make_account_id(random_);
    record_.name = "acme";
    record_.created = clock_.now();
    as(ActorKind::CommandLine, [this](DirectoryWriter& writer) { return writer.put_account(record_); });
  }

  void as(ActorKind kind, const std::function<Result<void>(DirectoryWriter&)>& change) {
    clock_.advance(std::chrono::seconds(1));
    const ActorScope scope({.kind = kind, .id = "usr_1", .name = "ann@acme.example", .address = {}, .at = clock_.now()});
    directory_.write(change).value();
  }
  // "action target", the newest first.
  std::vector<std::string> actions(const std::optional<AccountId>& account, std::size_t limit = 100) {
    std::vector<std::string> found;
    for (const PlacedAudit& placed : directory_.list_audit(account, {}, limit).value()) {
      found.push_back(placed.entry.action + ' ' + placed.entry.target_name + (placed.entry.detail.empty() ? "" : ": ") +
                      placed.entry.detail);
    }
    return found;
  }
  KeyRecord make_key(const std::string& name) {
    KeyRecord key;
    key.id = make_key_id(random_);
    key.account = record_.id;
    key.name = name;
    random_.fill(key.digest);
    key.created = clock_.now();
    return key;
  }

  test::FakeClock clock_;
  test::FakeRandom random_;
  test::TempStore store_;
  Directory& directory_ = store_.directory();
  AccountRecord record_;
};

using Texts = std::vector<std::string>;

TEST_F(AuditTest, HasAnEntryOfEachChangeInItsOwnTransaction) {
  KeyRecord key = make_key("shop");
  const auto put = [&](DirectoryWriter& writer) { return writer.put_key(key); };
  as(ActorKind::User, put);
  key.name = "web shop";
  as(ActorKind::User, put);
  key.successor = make_key_id(random_);
  as(ActorKind::User, put);
  key.revoked_at = clock_.now();
  as(ActorKind::User, put);
  as(ActorKind::User, put);  // nothing of it changed
  as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.remove_key(key.id); });
  record_.mode = AccountMode::Production;
  record_.state = AccountState::Suspended;
  as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.put_account(record_); });
  EXPECT_EQ(actions(record_.id),
            (Texts{"account.suspended acme", "account.mode_changed acme: sandbox to production", "key.deleted web shop",
                   "key.revoked web shop", "key.rotated web shop: to " + format_id(*key.successor), "key.changed web shop",
                   "key.created shop: live, sending_access", "account.created acme"}));
  const AuditRecord newest = directory_.list_audit(record_.id, {}, 1).value().front().entry;
  EXPECT_EQ(newest.actor_kind, ActorKind::User);
  EXPECT_EQ(newest.actor_name, "ann@acme.example");
  EXPECT_EQ(newest.at, clock_.now());
}

TEST_F(AuditTest, HasNoEntryOfAChangeThatFailed) {
  const Texts before = actions(record_.id);
  const Result<void> failed = directory_.write([&](DirectoryWriter& writer) -> Result<void> {
    if (auto put = writer.put_key(make_key("lost")); !put) return put;
    return Error(ErrorCode::Conflict);
  });
  EXPECT_FALSE(failed);
  EXPECT_EQ(actions(record_.id), before);
}

TEST_F(AuditTest, LeavesBouncesToTheEventsAndNamesWhatPeopleSuppress) {
  const auto suppress = [&](const std::string& address) {
    return [this, address](DirectoryWriter& writer) {
      return writer.put_suppression(record_.id,
                                    {.address = address, .reason = SuppressionReason::Manual, .at = clock_.now(), .message = {}});
    };
  };
  as(ActorKind::System, suppress("bounced@example.net"));
  as(ActorKind::Key, suppress("by-hand@example.net"));
  EXPECT_EQ(actions(record_.id, 1), Texts{"suppression.added by-hand@example.net"});
  as(ActorKind::Key, [&](DirectoryWriter& writer) { return writer.remove_suppression(record_.id, "by-hand@example.net"); });
  EXPECT_EQ(actions(record_.id, 1), Texts{"suppression.removed by-hand@example.net"});
}

TEST_F(AuditTest, TellsPeopleDomainsWebhooksAndTheSandbox) {
  UserRecord user{
      .id = make_user_id(random_), .account = record_.id, .email = "bob@acme.example", .password_hash = "h", .created = {}};
  as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.put_user(user); });
  user.password_hash = "the same, hashed again";
  as(ActorKind::System, [&](DirectoryWriter& writer) { return writer.put_user(user); });
  as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.note_password_change(user); });
  DomainRecord domain;
  domain.id = make_domain_id(random_);
  domain.account = record_.id;
  domain.name = "acme.example";
  as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.put_domain(domain); });
  domain.state = DomainState::Verified;
  as(ActorKind::System, [&](DirectoryWriter& writer) { return writer.put_domain(domain); });
  as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.remove_domain(domain.id); });
  as(ActorKind::User, [&](DirectoryWriter& writer) {
    return writer.add_to_whitelist(record_.id, {"x@acme.example", clock_.now()});
  });
  as(ActorKind::User, [&](DirectoryWriter& writer) {
    return writer.put_production_request({record_.id, clock_.now(), "receipts"});
  });
  as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.remove_production_request(record_.id); });
  as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.remove_user(user.id); });
  EXPECT_EQ(actions(record_.id, 9),
            (Texts{"member.removed bob@acme.example", "production.declined acme", "production.requested : receipts",
                   "whitelist.added x@acme.example", "domain.removed acme.example", "domain.verified acme.example",
                   "domain.added acme.example", "password.changed bob@acme.example", "member.added bob@acme.example"}));
}

TEST_F(AuditTest, GoesOnBehindAPlaceAndShowsAnAccountItsOwnOnly) {
  AccountRecord other;
  other.id = make_account_id(random_);
  other.name = "other";
  as(ActorKind::CommandLine, [&](DirectoryWriter& writer) { return writer.put_account(other); });
  for (const char* name : {"a", "b", "c"})
    as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.put_key(make_key(name)); });
  const auto page = directory_.list_audit(record_.id, {}, 2).value();
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[1].entry.target_name, "b");
  const auto next = directory_.list_audit(record_.id, page[1].place, 9).value();
  ASSERT_EQ(next.size(), 2U);
  EXPECT_EQ(next[0].entry.target_name, "a");
  EXPECT_EQ(next[1].entry.action, "account.created");
  EXPECT_EQ(actions(other.id), Texts{"account.created other"});
  EXPECT_EQ(actions(std::nullopt).size(), 5U);
}

TEST_F(AuditTest, KeepsWhatHappensAtOnceApart) {
  const ActorScope scope({.kind = ActorKind::User, .at = clock_.now()});
  directory_
      .write([&](DirectoryWriter& writer) -> Result<void> {
        for (int i = 0; i < 3; ++i) {
          if (auto put = writer.put_key(make_key("k")); !put) return put;
        }
        return {};
      })
      .value();
  EXPECT_EQ(actions(record_.id).size(), 4U);
}

TEST_F(AuditTest, ForgetsWhatIsOldAndItsRows) {
  as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.put_key(make_key("old")); });
  clock_.advance(days(400));
  as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.put_key(make_key("new")); });
  const auto expire = [&](std::size_t limit) {
    std::size_t count = 0;
    directory_
        .write([&](DirectoryWriter& writer) -> Result<void> {
          const auto expired = writer.expire_audit(clock_.now() - days(30), limit);
          if (!expired) return expired.error();
          count = *expired;
          return {};
        })
        .value();
    return count;
  };
  EXPECT_EQ(expire(1), 1U);
  EXPECT_EQ(expire(9), 1U);
  EXPECT_EQ(expire(9), 0U);
  EXPECT_EQ(actions(record_.id), Texts{"key.created new: live, sending_access"});
  EXPECT_EQ(directory_.examine().value(), Texts{});
}

TEST_F(AuditTest, RemovesTheOldestOfAnAccountThatHasTooMany) {
  directory_
      .write([&](DirectoryWriter& writer) -> Result<void> {
        for (std::size_t i = 0; i < kMaxAuditOfAccount + 2; ++i) {
          if (auto noted = writer.note_password_change(
                  {.id = {}, .account = record_.id, .email = std::to_string(i), .password_hash = {}, .created = {}});
              !noted)
            return noted;
        }
        return {};
      })
      .value();
  const auto all = directory_.list_audit(record_.id, {}, 2 * kMaxAuditOfAccount).value();
  ASSERT_EQ(all.size(), kMaxAuditOfAccount);
  EXPECT_EQ(directory_.examine().value(), Texts{});
}

TEST_F(AuditTest, SaysTheAccountsEndAndNotThatOfEverythingInIt) {
  as(ActorKind::User, [&](DirectoryWriter& writer) { return writer.put_key(make_key("k")); });
  as(ActorKind::CommandLine, [&](DirectoryWriter& writer) { return writer.remove_account(record_.id); });
  EXPECT_EQ(actions(std::nullopt, 2), (Texts{"account.removed acme", "key.created k: live, sending_access"}));
}

TEST(ActorScope, NamesWhoActsWhileItLivesAndNests) {
  EXPECT_EQ(current_actor(), Actor{});
  {
    const ActorScope outer({.kind = ActorKind::CommandLine, .name = "root"});
    {
      const ActorScope inner({.kind = ActorKind::Key, .name = "shop"});
      EXPECT_EQ(current_actor().name, "shop");
    }
    EXPECT_EQ(current_actor().name, "root");
  }
  EXPECT_EQ(current_actor(), Actor{});
}

}  // namespace
}  // namespace postern::store
