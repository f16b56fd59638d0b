// The judge as tables: what stands in the directory, and what is decided by it.
#include "submission/judge.h"

#include "relay/suppression.h"
#include "tests/support/submission_parts.h"

#include <gtest/gtest.h>

namespace postern::submission {
namespace {

using test::recipient_at;

constexpr const char* kSimulatorDomain = "simulator.postern.test";

// "accept", the refusal's token, or a made-up code.
std::string shown(const Decision& decision) {
  if (const Refused* const refused = decision.refused()) {
    return std::string(refusal_row(refused->refusal).token);
  }
  const Simulated* const simulated = decision.simulated();
  return simulated ? "simulated " + std::to_string(simulated->status.code) : "accept";
}

TEST(Judge, FollowsTheTableOfTheContractForEachRecipient) {
  struct Case {
    const char* name;
    AccountMode mode;
    Environment environment;
    Recipient to;
    std::string decision;
  };
  constexpr auto kBoxed = AccountMode::Sandbox;
  constexpr auto kFree = AccountMode::Production;
  const Case cases[] = {
      {"live, production", kFree, Environment::Live, recipient_at("a", "example.net"), "accept"},
      {"live, production, no route", kFree, Environment::Live, recipient_at("a", "example.com"),
       "no_route"},
      {"live, sandbox, listed", kBoxed, Environment::Live, recipient_at("friend", "EXAMPLE.net"),
       "accept"},
      {"live, sandbox, not listed", kBoxed, Environment::Live, recipient_at("a", "example.net"),
       "recipient_not_whitelisted"},
      {"live, address literal", kFree, Environment::Live, recipient_at("a", "[192.0.2.1]"),
       "invalid_recipient"},
      {"test, anybody", kBoxed, Environment::Test, recipient_at("a", "example.com"), "accept"},
      {"test, address literal", kFree, Environment::Test, recipient_at("a", "[192.0.2.1]"),
       "invalid_recipient"},
      {"test, rejected", kBoxed, Environment::Test, recipient_at("rejected", kSimulatorDomain),
       "simulated 550"},
      {"test, a reply", kBoxed, Environment::Test, recipient_at("smtp-452-4.2.2", kSimulatorDomain),
       "simulated 452"},
      {"test, a rehearsal", kBoxed, Environment::Test,
       recipient_at("rate_limited", kSimulatorDomain), "simulated 450"},
  };
  for (const Case& c : cases) {
    test::SubmissionParts parts;
    parts.use_account(c.mode);
    parts.use_key(c.environment);
    ASSERT_TRUE(parts.accounts.allow(parts.account, "friend@example.net"));
    Judge judge(parts.context, parts.submitter);
    EXPECT_EQ(shown(judge.judge_sender(Mailbox{"a", "example.org"})), "accept") << c.name;
    EXPECT_EQ(shown(judge.judge_recipient(c.to)), c.decision) << c.name;
  }
}

TEST(Judge, NamesTheRefusalThatATestKeyRehearses) {
  test::SubmissionParts parts;
  parts.use_key(Environment::Test);
  Judge judge(parts.context, parts.submitter);
  ASSERT_TRUE(judge.judge_sender(std::nullopt).is_accepted());
  const Decision rehearsal =
      judge.judge_recipient(recipient_at("quota_exceeded", kSimulatorDomain));
  ASSERT_TRUE(rehearsal.simulated());
  EXPECT_EQ(rehearsal.simulated()->rehearsed, Refusal::QuotaExceeded);
  const Decision other = judge.judge_recipient(recipient_at("rejected", kSimulatorDomain));
  ASSERT_TRUE(other.simulated());
  EXPECT_FALSE(other.simulated()->rehearsed);
}

TEST(Judge, LooksTheKeyAndItsAccountUpAfreshAtEachSender) {
  test::SubmissionParts parts;
  parts.use_key(Environment::Live, {"example.org"});
  const auto judged = [&](std::optional<Mailbox> reverse_path) {
    Judge judge(parts.context, parts.submitter);
    return shown(judge.judge_sender(reverse_path));
  };
  EXPECT_EQ(judged(Mailbox{"a", "example.org"}), "accept");
  EXPECT_EQ(judged(Mailbox{"a", "example.com"}), "sender_not_allowed");
  EXPECT_EQ(judged(std::nullopt), "accept");
  ASSERT_TRUE(parts.accounts.set_state(parts.account, store::AccountState::Suspended));
  EXPECT_EQ(judged(Mailbox{"a", "example.org"}), "account_suspended");
  ASSERT_TRUE(parts.accounts.set_state(parts.account, store::AccountState::Active));
  ASSERT_TRUE(parts.keys.revoke(parts.submitter.key));
  EXPECT_EQ(judged(Mailbox{"a", "example.org"}), "revoked_key");
}

TEST(Judge, HoldsAMessageForAsLongAsItMay) {
  struct Case {
    const char* name;
    Hold hold;
    std::string decision;
    std::optional<std::chrono::seconds> held;
  };
  const Instant now = test::FakeClock().now();
  const Case cases[] = {
      {"a minute", std::chrono::seconds(60), "accept", std::chrono::seconds(60)},
      {"until then", now + std::chrono::hours(1), "accept", std::chrono::hours(1)},
      {"the longest", now + std::chrono::days(30), "accept", std::chrono::days(30)},
      {"longer", now + std::chrono::days(30) + std::chrono::seconds(1), "hold_too_long", {}},
      {"for longer", std::chrono::seconds(999'999'999), "hold_too_long", {}},
      {"a time that has passed", now - std::chrono::hours(1), "accept", {}},
      {"long ago", Instant{}, "accept", {}},
  };
  for (const Case& c : cases) {
    test::SubmissionParts parts;
    Judge judge(parts.context, parts.submitter);
    EXPECT_EQ(shown(judge.judge_sender(std::nullopt, c.hold)), c.decision) << c.name;
    EXPECT_EQ(judge.release_at(), c.held ? std::optional(now + *c.held) : std::nullopt) << c.name;
  }
}

TEST(Judge, HidesASandboxAccountsSenderThatNobodyHasAgreedTo) {
  struct Case {
    const char* name;
    AccountMode mode;
    Environment environment;
    std::optional<Mailbox> reverse_path;
    bool is_hidden;
  };
  const Case cases[] = {
      {"a stranger's", AccountMode::Sandbox, Environment::Live, Mailbox{"x", "victim.example"},
       true},
      {"on the whitelist", AccountMode::Sandbox, Environment::Live,
       Mailbox{"friend", "example.net"}, false},
      {"none", AccountMode::Sandbox, Environment::Live, std::nullopt, false},
      {"of a test key", AccountMode::Sandbox, Environment::Test, Mailbox{"x", "victim.example"},
       false},
      {"of production", AccountMode::Production, Environment::Live, Mailbox{"x", "victim.example"},
       false},
  };
  for (const Case& c : cases) {
    test::SubmissionParts parts;
    parts.use_account(c.mode);
    parts.use_key(c.environment);
    ASSERT_TRUE(parts.accounts.allow(parts.account, "friend@example.net"));
    Judge judge(parts.context, parts.submitter);
    ASSERT_TRUE(judge.judge_sender(c.reverse_path).is_accepted()) << c.name;
    EXPECT_EQ(judge.hides_reverse_path(), c.is_hidden) << c.name;
  }
}

TEST(Judge, LooksAheadToTheRouteAndTheSuppressionList) {
  test::SubmissionParts parts;
  ASSERT_TRUE(relay::suppress(parts.store.directory(), parts.account, "Gone@example.net",
                              parts.clock.now()));
  Judge judge(parts.context, parts.submitter);
  ASSERT_TRUE(judge.judge_sender(std::nullopt).is_accepted());
  const Outlook plain = judge.look_ahead(recipient_at("a", "example.net"));
  ASSERT_NE(plain.route, nullptr);
  EXPECT_EQ(plain.route->name, "net");
  EXPECT_FALSE(plain.is_suppressed);
  EXPECT_TRUE(judge.look_ahead(recipient_at("gone", "example.net")).is_suppressed);

  parts.use_key(Environment::Test);
  Judge tester(parts.context, parts.submitter);
  ASSERT_TRUE(tester.judge_sender(std::nullopt).is_accepted());
  const Outlook simulated = tester.look_ahead(recipient_at("gone", "example.net"));
  EXPECT_EQ(simulated.route, nullptr);
  EXPECT_FALSE(simulated.is_suppressed);
}

}  // namespace
}  // namespace postern::submission
