#include "sandbox/script.h"

#include <gtest/gtest.h>

namespace postern::sandbox {
namespace {

using std::chrono::seconds;

ScriptRule rule_at(Stage stage) {
  ScriptRule rule;
  rule.stage = stage;
  rule.reply = Status{451, EnhancedCode{4, 7, 1}, "later"};
  return rule;
}
ScriptQuestion asked(Stage stage, std::string_view to = "ann@example.org", std::uint32_t attempt = 1) {
  return {.stage = stage, .from = "app@example.com", .to = to, .attempt = attempt, .message = 1, .at = Instant{seconds(1'000)}};
}

TEST(Script, TheFirstRuleThatFitsDecides) {
  Script script;
  script.rules = {rule_at(Stage::Rcpt), rule_at(Stage::Delivery), rule_at(Stage::Delivery)};
  script.rules[1].to = "bob@*";
  ScriptState state;
  EXPECT_EQ(state.decide(script, asked(Stage::Delivery), 1), 2U);
  EXPECT_EQ(state.decide(script, asked(Stage::Delivery, "bob@example.org"), 1), 1U);
  EXPECT_EQ(state.decide(script, asked(Stage::Mail), 1), std::nullopt);
}

TEST(Script, ARuleFitsWhereAllOfItDoes) {
  struct Row {
    const char* what;
    void (*set)(ScriptRule&);
    bool fits;
  };
  const Row rows[] = {
      {"nothing asked", [](ScriptRule&) {}, true},
      {"recipient", [](ScriptRule& rule) { rule.to = "*@example.org"; }, true},
      {"another recipient", [](ScriptRule& rule) { rule.to = "*@example.net"; }, false},
      {"sender", [](ScriptRule& rule) { rule.from = "app@*"; }, true},
      {"the null sender", [](ScriptRule& rule) { rule.from = ""; }, false},
      {"attempt",
       [](ScriptRule& rule) {
         rule.attempt = CountRange{2, 3};
       },
       true},
      {"a later attempt",
       [](ScriptRule& rule) {
         rule.attempt = CountRange{4, 9};
       },
       false},
      {"message",
       [](ScriptRule& rule) {
         rule.message = CountRange{1, 1};
       },
       true},
      {"another message",
       [](ScriptRule& rule) {
         rule.message = CountRange{2, 2};
       },
       false},
      {"never", [](ScriptRule& rule) { rule.chance = 0; }, false},
      {"above one a minute", [](ScriptRule& rule) { rule.above = 1; }, false},
  };
  for (const Row& row : rows) {
    Script script;
    script.rules = {rule_at(Stage::Delivery)};
    row.set(script.rules[0]);
    ScriptState state;
    EXPECT_EQ(state.decide(script, asked(Stage::Delivery, "ann@example.org", 2), 1).has_value(), row.fits) << row.what;
  }
}

TEST(Script, CountsTriesOfASenderForARecipientInTheSession) {
  Script script;
  script.rules = {rule_at(Stage::Rcpt)};
  script.rules[0].attempt = CountRange{1, 2};
  ScriptState state;
  EXPECT_TRUE(state.decide(script, asked(Stage::Rcpt), 1));
  EXPECT_TRUE(state.decide(script, asked(Stage::Rcpt), 1));
  EXPECT_TRUE(state.decide(script, asked(Stage::Rcpt, "bob@example.org"), 1)) << "another recipient begins anew";
  EXPECT_FALSE(state.decide(script, asked(Stage::Rcpt), 1));
}

TEST(Script, ActsSoOftenAtMost) {
  Script script;
  script.rules = {rule_at(Stage::Content)};
  script.rules[0].times = 2;
  ScriptState state;
  int matches = 0;
  for (int i = 0; i < 5; ++i) matches += state.decide(script, asked(Stage::Content), 1).has_value();
  EXPECT_EQ(matches, 2);
}

TEST(Script, ARateHoldsForAMinuteOfTheRunsTime) {
  Script script;
  script.rules = {rule_at(Stage::Mail)};
  script.rules[0].above = 3;
  ScriptState state;
  const auto at = [&](int second) {
    ScriptQuestion question = asked(Stage::Mail);
    question.at = Instant{seconds(second)};
    return state.decide(script, question, 1).has_value();
  };
  EXPECT_FALSE(at(0) || at(1) || at(2));
  EXPECT_TRUE(at(3));
  EXPECT_TRUE(at(59)) << "five within a minute";
  EXPECT_FALSE(at(125)) << "a minute later they are forgotten";
}

TEST(Script, ChanceIsTheSeedsAndRepeats) {
  Script script;
  script.rules = {rule_at(Stage::Delivery)};
  script.rules[0].chance = 0.3;
  const auto play = [&](std::uint64_t seed) {
    ScriptState state;
    std::string outcome;
    for (std::uint32_t attempt = 1; attempt <= 1'000; ++attempt) {
      outcome += state.decide(script, asked(Stage::Delivery, "ann@example.org", attempt), seed) ? '1' : '0';
    }
    return outcome;
  };
  const std::string first = play(1);
  EXPECT_EQ(first, play(1));
  EXPECT_NE(first, play(2));
  const auto ones = std::count(first.begin(), first.end(), '1');
  EXPECT_NEAR(static_cast<double>(ones), 300, 60);
}

TEST(Script, NamesItsStagesBothWays) {
  for (const Stage stage :
       {Stage::Connect, Stage::Ehlo, Stage::Auth, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Content, Stage::Delivery}) {
    EXPECT_EQ(parse_stage(stage_name(stage)), stage);
  }
  EXPECT_EQ(parse_stage("greeting"), std::nullopt);
}

}  // namespace
}  // namespace postern::sandbox
