#include "submission/reply.h"

#include <gtest/gtest.h>

namespace postern::submission {
namespace {

TEST(Reply, WordsEveryDecisionOnce) {
  struct Case {
    const char* name;
    Decision decision;
    std::string reply;  // empty: the protocol words it
    bool ends_session;
  };
  const Case cases[] = {
      {"accepted", {}, "", false},
      {"refused", Refused{Refusal::NoRoute},
       "451 4.4.4 no_route: no route leads to this recipient's domain: the operator has to "
       "configure one",
       false},
      {"with its own words",
       Refused{Refusal::InvalidRecipient, "address literals are not relayed to"},
       "501 5.1.3 invalid_recipient: address literals are not relayed to", false},
      {"with a wait",
       Refused{Refusal::RateLimited, "too many messages a second", std::chrono::seconds(3), 10},
       "450 4.7.1 rate_limited: too many messages a second: wait 3 s", false},
      {"a key that died in the session", Refused{Refusal::RevokedKey},
       "550 5.7.1 revoked_key: this API key was revoked: use its successor or create a new one",
       true},
      {"keys that cannot be looked up", Refused{Refusal::AuthUnavailable},
       "454 4.7.0 auth_unavailable: keys cannot be checked at the moment: try again later", false},
      {"made up", Simulated{Status{452, EnhancedCode{4, 2, 2}, "simulated reply"}},
       "452 4.2.2 simulated reply", false},
      {"made up and positive", Simulated{Status{252, EnhancedCode{2, 5, 2}, "x"}}, "252 2.5.2 x",
       false},
  };
  for (const Case& c : cases) {
    const smtp::Verdict verdict = reply_of(c.decision);
    EXPECT_EQ(verdict.is_accepted(), c.decision.is_accepted()) << c.name;
    EXPECT_EQ(verdict.has_status() ? format_status(verdict.status()) : "", c.reply) << c.name;
    EXPECT_EQ(verdict.ends_session(), c.ends_session) << c.name;
  }
}

TEST(Reply, EndsASessionThatFailedToAuthenticateTooOften) {
  EXPECT_TRUE(reply_to_credential(Refusal::TooManyFailures).ends_session());
  EXPECT_FALSE(reply_to_credential(Refusal::RevokedKey).ends_session());
  EXPECT_EQ(reply_to_credential(Refusal::RevokedKey).status().code, 535);
}

TEST(Reply, TellsWhoOnlyAsksWhatRecipientsAreTold) {
  EXPECT_EQ(format_status(reply_to_recipient({})), "250 2.1.5 Recipient accepted");
  EXPECT_EQ(reply_to_recipient(Refused{Refusal::NoRoute}).code, 451);
}

}  // namespace
}  // namespace postern::submission
