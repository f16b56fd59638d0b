// Policies, quotas, retries, routes.
#include "core/refusals.h"
#include "relay/retry_schedule.h"
#include "relay/route.h"
#include "submission/quota.h"
#include "submission/recipient_policy.h"
#include "submission/reply.h"
#include "submission/sender_policy.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

#include <gtest/gtest.h>

namespace postern::submission {
namespace {

auth::Principal principal(Environment environment, AccountMode mode, std::vector<std::string> domains = {}) {
  auth::Principal p;
  p.environment = environment;
  p.account_mode = mode;
  p.from_domains = std::move(domains);
  return p;
}

TEST(RecipientPolicy, FollowsTheTableOfTheContract) {
  struct Case {
    const char* name;
    Environment environment;
    AccountMode mode;
    RecipientFacts facts;
    Mailbox to;
    int code;
  };
  constexpr const char* kSimulator = "simulator.postern.test";
  const Mailbox someone{"someone", "example.net"};
  const Case cases[] = {
      {"test key, sandbox", Environment::Test, AccountMode::Sandbox, {false, false, kSimulator}, someone, 0},
      {"test key, production", Environment::Test, AccountMode::Production, {false, false, kSimulator}, someone, 0},
      {"test key, rejected", Environment::Test, AccountMode::Sandbox, {false, true, kSimulator}, {"rejected", kSimulator}, 550},
      {"test key, smtp-452",
       Environment::Test,
       AccountMode::Sandbox,
       {false, true, kSimulator},
       {"smtp-452-4.2.2+x", kSimulator},
       452},
      {"live, sandbox, listed", Environment::Live, AccountMode::Sandbox, {true, true, kSimulator}, someone, 0},
      {"live, sandbox, not listed", Environment::Live, AccountMode::Sandbox, {false, true, kSimulator}, someone, 550},
      {"live, production", Environment::Live, AccountMode::Production, {false, true, kSimulator}, someone, 0},
      {"live, no route", Environment::Live, AccountMode::Production, {false, false, kSimulator}, someone, 451},
      {"test key, address literal", Environment::Test, AccountMode::Sandbox, {false, false, kSimulator}, {"a", "[127.0.0.1]"}, 501},
      {"live, address literal", Environment::Live, AccountMode::Production, {false, true, kSimulator}, {"a", "[127.0.0.1]"}, 501},
  };
  for (const Case& c : cases) {
    const Decision decision = judge_recipient(principal(c.environment, c.mode), Recipient{c.to, {}, {}}, c.facts);
    EXPECT_EQ(decision.is_accepted() ? 0 : reply_of(decision).status().code, c.code) << c.name;
  }
}

TEST(SenderPolicy, KeepsAKeyToItsDomains) {
  const auth::Principal bound = principal(Environment::Live, AccountMode::Production, {"example.org"});
  EXPECT_TRUE(judge_reverse_path(bound, Mailbox{"a", "EXAMPLE.org"}).is_accepted());
  EXPECT_FALSE(judge_reverse_path(bound, Mailbox{"a", "sub.example.org"}).is_accepted());
  EXPECT_FALSE(judge_reverse_path(bound, Mailbox{"a", "example.org.evil.example"}).is_accepted());
  EXPECT_TRUE(judge_reverse_path(bound, std::nullopt).is_accepted());
  EXPECT_EQ(refuse_from(bound, mime::read_from_field("a@example.org")), std::nullopt);
  EXPECT_EQ(refuse_from(principal(Environment::Live, AccountMode::Production), std::nullopt), std::nullopt);
  const auth::Principal all_below = principal(Environment::Live, AccountMode::Production, {".example.org"});
  EXPECT_TRUE(judge_reverse_path(all_below, Mailbox{"root", "host1.example.org"}).is_accepted());
  EXPECT_EQ(refuse_from(all_below, mime::read_from_field("root@host1.example.org (Cron Daemon)")), std::nullopt);
}

TEST(SenderPolicy, SaysWhichSenderWasFoundAndWhatIsAllowed) {
  const auth::Principal bound = principal(Environment::Live, AccountMode::Production, {"a.example", "b.example"});
  EXPECT_EQ(format_status(reply_of(judge_reverse_path(bound, Mailbox{"x", "Host1.Example"})).status()),
            "550 5.7.1 sender_not_allowed: the envelope's sender is of host1.example, and this API key sends as a.example, "
            "b.example only");
  constexpr const char* kAllowed = ", and this API key sends as a.example, b.example only";
  const auto refusal = [&](std::string_view from) { return refuse_from(bound, mime::read_from_field(from)).value(); };
  EXPECT_EQ(refuse_from(bound, std::nullopt).value(), std::string("the message has no From field") + kAllowed);
  EXPECT_EQ(refusal(""), std::string("the From field is empty") + kAllowed);
  EXPECT_EQ(refusal("root (Cron Daemon)"), std::string("the From field names an address without a domain") + kAllowed);
  EXPECT_EQ(refusal("x@victim.example"), std::string("the From field names victim.example") + kAllowed);
  EXPECT_EQ(refusal("<x@a.example> y").substr(0, 51), "the From field is malformed or can be read in two w");
  const auth::Principal many = principal(Environment::Live, AccountMode::Production, {"a", "b", "c", "d", "e"});
  EXPECT_EQ(refuse_from(many, std::nullopt).value(),
            "the message has no From field, and this API key sends as a, b, c and 2 more only");
}

// A Postfix null client with Debian's default myorigin, the machine's own name: what it makes of mail that it could not deliver.
TEST(SenderPolicy, LetsAnAutomaticNoticeThroughToTheAccountsOwnPeople) {
  const auth::Principal bound = principal(Environment::Live, AccountMode::Production, {"acme.example"});
  const auto passes = [&](std::optional<Mailbox> reverse_path, std::string_view from, std::vector<Mailbox> to,
                          std::string_view client = "host1.acme.example") {
    Envelope envelope;
    envelope.reverse_path = std::move(reverse_path);
    for (Mailbox& mailbox : to) envelope.recipients.push_back({std::move(mailbox), {}, {}});
    return is_automatic_notice(bound, envelope, mime::read_from_field(from), client);
  };
  constexpr const char* kDaemon = " MAILER-DAEMON@host1.acme.example (Mail Delivery System)";
  EXPECT_TRUE(passes({}, kDaemon, {{"app", "acme.example"}}));
  EXPECT_TRUE(passes({}, kDaemon, {{"root", "host1.acme.example"}}));
  EXPECT_TRUE(passes({}, "postmaster@host1.acme.example", {{"app", "acme.example"}}));
  EXPECT_TRUE(passes({}, "mailer-daemon@build7.local", {{"app", "acme.example"}}, "build7.local")) << "the client's own name";
  EXPECT_FALSE(passes({}, "mailer-daemon@build7.local", {{"app", "acme.example"}})) << "some other name";
  EXPECT_FALSE(passes({}, kDaemon, {{"app", "acme.example"}, {"x", "victim.example"}})) << "a recipient elsewhere";
  EXPECT_FALSE(passes({}, kDaemon, {{"x", "xacme.example"}}));
  EXPECT_FALSE(passes(Mailbox{"app", "acme.example"}, kDaemon, {{"app", "acme.example"}})) << "has a sender who can be told";
  EXPECT_FALSE(passes({}, "ceo@host1.acme.example", {{"app", "acme.example"}})) << "a person";
  EXPECT_FALSE(passes({}, "MAILER-DAEMON@victim.example", {{"app", "acme.example"}}));
  EXPECT_FALSE(passes({}, "\"ceo@victim.example\" <MAILER-DAEMON@host1.acme.example>", {{"app", "acme.example"}}));
}

TEST(SenderPolicy, SuspensionComesFirst) {
  auth::Principal suspended = principal(Environment::Test, AccountMode::Sandbox);
  suspended.account_state = store::AccountState::Suspended;
  const Decision decision = judge_reverse_path(suspended, Mailbox{"a", "example.org"});
  ASSERT_TRUE(decision.refused());
  EXPECT_EQ(decision.refused()->refusal, Refusal::AccountSuspended);
}

class Quota : public ::testing::Test {
 protected:
  test::FakeClock clock_;
  test::FakeRandom random_;
  AccountId account_ = make_account_id(random_);
  KeyId key_ = make_key_id(random_);
  std::uint64_t stored_ = 0;
  QuotaTable table_{[this](const AccountId&, store::CounterPeriod, Instant) { return stored_; }};

  QuotaAnswer::Kind take(std::optional<std::uint32_t> plan, std::optional<std::uint32_t> key = {}) {
    return table_.take_message(account_, {"p", plan, {}, {}}, key_, key, clock_.now()).kind;
  }
};

TEST_F(Quota, GrantsAPlansMessagesEachSecondAndNoMore) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(take(10), QuotaAnswer::Kind::Granted) << i;
  const QuotaAnswer refused = table_.take_message(account_, {"p", 10, {}, {}}, key_, {}, clock_.now());
  EXPECT_EQ(refused.kind, QuotaAnswer::Kind::RateLimited);
  EXPECT_EQ(refused.wait, std::chrono::seconds(1));
  EXPECT_EQ(refused.limit, 10U);
  clock_.advance(std::chrono::milliseconds(100));
  EXPECT_EQ(take(10), QuotaAnswer::Kind::Granted);
  EXPECT_EQ(take(10), QuotaAnswer::Kind::RateLimited);
  clock_.advance(std::chrono::hours(-1));
  EXPECT_EQ(take(10), QuotaAnswer::Kind::RateLimited) << "a clock set back gives nothing";
}

TEST_F(Quota, ZeroIsZeroAndUnlimitedIsUnlimited) {
  EXPECT_EQ(take(0), QuotaAnswer::Kind::RateLimited);
  for (int i = 0; i < 5'000; ++i) ASSERT_EQ(take(std::nullopt), QuotaAnswer::Kind::Granted);
  EXPECT_EQ(take(std::nullopt, 0), QuotaAnswer::Kind::RateLimited) << "the key's own rate";
}

TEST_F(Quota, CountsRecipientsOfTheDayAndSaysHowLongToWait) {
  const store::Plan plan{"p", {}, 3, {}};
  stored_ = 1;
  EXPECT_EQ(table_.reserve(account_, plan, 2, clock_.now()).kind, QuotaAnswer::Kind::Granted);
  const QuotaAnswer refused = table_.reserve(account_, plan, 1, clock_.now());
  EXPECT_EQ(refused.kind, QuotaAnswer::Kind::QuotaExceeded);
  EXPECT_EQ(refused.wait, std::chrono::hours(14)) << "10:00 UTC to midnight";
  EXPECT_EQ(refused.limit, 3U);
  table_.release(account_, 1, clock_.now());
  EXPECT_EQ(table_.reserve(account_, plan, 1, clock_.now()).kind, QuotaAnswer::Kind::Granted);
  clock_.advance(std::chrono::hours(14));
  EXPECT_EQ(table_.reserve(account_, plan, 3, clock_.now()).kind, QuotaAnswer::Kind::Granted) << "a new day";
}

TEST_F(Quota, LetsABatchThroughAndHoldsBackWhatFollows) {
  const store::Plan plan{"p", 10, {}, {}};
  EXPECT_EQ(table_.take_message(account_, plan, key_, {}, clock_.now(), 100).kind, QuotaAnswer::Kind::Granted);
  const QuotaAnswer refused = table_.take_message(account_, plan, key_, {}, clock_.now());
  EXPECT_EQ(refused.kind, QuotaAnswer::Kind::RateLimited);
  EXPECT_EQ(refused.wait, std::chrono::seconds(10)) << "91 messages at 10 a second, rounded up";
  clock_.advance(std::chrono::seconds(10));
  EXPECT_EQ(take(10), QuotaAnswer::Kind::Granted);
}

TEST_F(Quota, KeepsTheNewestAccountWhenAllOthersAreNotSavedYet) {
  const store::Plan plan{"p", {}, 10, {}};
  for (std::size_t i = 0; i <= kMaxQuotaEntries + 1; ++i) {
    ASSERT_EQ(table_.reserve(make_account_id(random_), plan, 1, clock_.now()).kind, QuotaAnswer::Kind::Granted) << i;
  }
  EXPECT_EQ(table_.peek(make_account_id(random_), plan, 1, clock_.now()).kind, QuotaAnswer::Kind::Granted);
  EXPECT_EQ(table_.take_unsaved().size(), kMaxQuotaEntries + 2);
}

TEST_F(Quota, LooksAheadWithoutTakingAnything) {
  const store::Plan plan{"p", 1, 2, {}};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(table_.peek_message(account_, plan, key_, {}, clock_.now()).kind, QuotaAnswer::Kind::Granted) << i;
    EXPECT_EQ(table_.peek(account_, plan, 2, clock_.now()).kind, QuotaAnswer::Kind::Granted) << i;
  }
  EXPECT_EQ(table_.peek(account_, plan, 3, clock_.now()).kind, QuotaAnswer::Kind::QuotaExceeded);
  EXPECT_EQ(take(1), QuotaAnswer::Kind::Granted);
  EXPECT_EQ(table_.peek_message(account_, plan, key_, {}, clock_.now()).kind, QuotaAnswer::Kind::RateLimited);
}

TEST_F(Quota, HandsOutWhatWasNotWrittenOnceAndWithItsPeriod) {
  const store::Plan plan{"p", {}, {}, 100};
  (void)table_.reserve(account_, plan, 5, clock_.now());
  const Instant first_day = clock_.now();
  clock_.advance(std::chrono::hours(24));
  (void)table_.reserve(account_, plan, 2, clock_.now());
  auto unsaved = table_.take_unsaved();
  ASSERT_EQ(unsaved.size(), 2U);
  EXPECT_EQ(unsaved[0].recipients, 5U);
  EXPECT_EQ(unsaved[0].at, first_day);
  EXPECT_EQ(unsaved[1].recipients, 2U);
  EXPECT_TRUE(table_.take_unsaved().empty());
  table_.put_back(unsaved);
  EXPECT_EQ(table_.take_unsaved().size(), 2U);
}

TEST_F(Quota, KeepsOneCountOfAnAccountsDayHoweverOftenItCannotBeWritten) {
  const store::Plan plan{"p", {}, {}, 100};
  for (int second = 0; second < 3; ++second) {
    (void)table_.reserve(account_, plan, 2, clock_.now());
    clock_.advance(std::chrono::seconds(1));
    table_.put_back(table_.take_unsaved());
  }
  const auto unsaved = table_.take_unsaved();
  ASSERT_EQ(unsaved.size(), 1U);
  EXPECT_EQ(unsaved[0].recipients, 6U);
}

TEST(RetrySchedule, DoublesWithJitterUpToItsLongestAndThenGivesUp) {
  const relay::RetrySchedule schedule{std::chrono::minutes(1), std::chrono::hours(1), std::chrono::days(5)};
  test::FakeClock clock;
  test::FakeRandom random;
  const Instant accepted = clock.now();
  for (unsigned attempt = 1; attempt < 40; ++attempt) {
    const auto next = schedule.next_attempt(attempt, accepted, clock.now(), random);
    ASSERT_TRUE(next);
    const Duration plain = std::min<Duration>(std::chrono::minutes(1) * (1LL << std::min(attempt - 1, 10U)), std::chrono::hours(1));
    EXPECT_GE(*next - clock.now(), plain * 4 / 5) << attempt;
    EXPECT_LE(*next - clock.now(), plain * 6 / 5) << attempt;
  }
  clock.advance(std::chrono::days(5) - std::chrono::minutes(1));
  EXPECT_EQ(schedule.next_attempt(40, accepted, clock.now(), random), accepted + std::chrono::days(5)) << "a last try at the end";
  clock.advance(std::chrono::minutes(1));
  EXPECT_FALSE(schedule.next_attempt(41, accepted, clock.now(), random));
}

TEST(RouteTable, TakesTheFirstThatMatches) {
  std::vector<relay::Route> routes(3);
  routes[0].name = "exact";
  routes[0].domains = {"example.org"};
  routes[1].name = "below";
  routes[1].domains = {".example.net"};
  routes[2].name = "all";
  routes[2].domains = {"*"};
  const relay::RouteTable table(routes);
  EXPECT_EQ(table.find("example.org")->name, "exact");
  EXPECT_EQ(table.find("sub.example.org")->name, "all");
  EXPECT_EQ(table.find("a.b.example.net")->name, "below");
  EXPECT_EQ(table.find("example.net")->name, "below");
  EXPECT_EQ(table.find("badexample.net")->name, "all");
  EXPECT_EQ(relay::RouteTable().find("example.org"), nullptr);
}

}  // namespace
}  // namespace postern::submission
