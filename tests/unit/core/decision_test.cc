#include "core/decision.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Decision, IsAcceptedUnlessItRefusesOrPlaysARefusal) {
  struct Case {
    const char* name;
    Decision decision;
    bool is_accepted;
  };
  const Case cases[] = {
      {"nothing said", {}, true},
      {"refused", Refused{Refusal::NoRoute}, false},
      {"a made-up 252", Simulated{Status{252, EnhancedCode{2, 5, 2}, "x"}}, true},
      {"a made-up 451", Simulated{Status{451, EnhancedCode{4, 7, 1}, "x"}}, false},
      {"a made-up 550", Simulated{Status{550, EnhancedCode{5, 1, 1}, "x"}}, false},
  };
  for (const Case& c : cases) EXPECT_EQ(c.decision.is_accepted(), c.is_accepted) << c.name;
}

TEST(Decision, SaysInWordsWhatIsWrongAndHowLongToWait) {
  EXPECT_EQ(words_of({Refusal::NoRoute}), refusal_row(Refusal::NoRoute).text);
  EXPECT_EQ(words_of({Refusal::InvalidMessage, "two From fields"}), "two From fields");
  EXPECT_EQ(words_of({Refusal::QuotaExceeded, "the quota is used up", std::chrono::seconds(7), 3}),
            "the quota is used up: wait 7 s");
}

}  // namespace
}  // namespace postern
