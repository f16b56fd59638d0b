// Providers by the names of their hosts, what replies set off, and what is wrong with a file.
#include "relay/shaping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::relay {
namespace {

using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ShapingRule suspend(std::string provider, std::string says, Duration duration = minutes(5)) {
  return {.provider = std::move(provider), .says = std::move(says), .suspends = true, .duration = duration};
}

ShapingFile two_providers() {
  ShapingFile file;
  file.usual.max_connections = 10;
  file.providers = {{.name = "google", .mx = {".google.com"}, .limits = {.max_connections = 5}, .line = 3},
                    {.name = "example", .mx = {"mx.example.net", ".mail.example"}, .limits = {}, .line = 9}};
  return file;
}

std::vector<std::string> problems_of(const ShapingFile& file) {
  std::vector<std::string> texts;
  for (const ShapingProblem& problem : check_shaping(file)) texts.push_back(std::to_string(problem.line) + " " + problem.what);
  return texts;
}

TEST(Shaping, KnowsAProviderByTheNamesOfItsHosts) {
  const Shaping shaping(two_providers());
  const struct {
    const char* host;
    const char* provider;
  } kCases[] = {{"alt1.aspmx.l.google.com", "google"}, {"google.com", "other"},       {"notgoogle.com", "other"},
                {"mx.example.net", "example"},         {"a.mx.example.net", "other"}, {"mx1.mail.example", "example"}};
  for (const auto& row : kCases) EXPECT_EQ(shaping.name_of(shaping.find_provider(row.host)), row.provider) << row.host;
  EXPECT_EQ(shaping.limits_of(shaping.find_provider("mx1.google.com")).max_connections, 5U);
  EXPECT_EQ(shaping.limits_of(Shaping::kNoProvider).max_connections, 10U);
  EXPECT_EQ(shaping.find_named("nobody"), Shaping::kNoProvider);
}

TEST(Shaping, FindsTheRulesThatAReplySetsOff) {
  ShapingFile file = two_providers();
  file.rules = {suspend("google", "unusual rate"), suspend("example", "unusual rate"), suspend("", "^421 .*busy")};
  const Shaping shaping(std::move(file));
  const std::size_t google = shaping.find_named("google");
  const Status rate{421, EnhancedCode{4, 7, 28}, "Our system has detected an UNUSUAL RATE of mail"};
  EXPECT_THAT(shaping.rules_said(google, rate), ElementsAre(0U));
  EXPECT_THAT(shaping.rules_said(shaping.find_named("example"), rate), ElementsAre(1U));
  EXPECT_THAT(shaping.rules_said(Shaping::kNoProvider, rate), IsEmpty());
  EXPECT_THAT(shaping.rules_said(Shaping::kNoProvider, Status{421, EnhancedCode{4, 3, 2}, "too busy"}), ElementsAre(2U));
  EXPECT_THAT(shaping.rules_said(google, Status{451, EnhancedCode{4, 3, 2}, "too busy"}), IsEmpty());
}

TEST(Shaping, HasNoProblemsWhereItDoesWhatItSays) {
  ShapingFile file = two_providers();
  file.rules = {suspend("google", "rate"), suspend("", "busy"), suspend("google", "busy", minutes(50))};
  EXPECT_THAT(problems_of(file), IsEmpty());
}

TEST(Shaping, NamesWhatWouldNeverApply) {
  struct Case {
    const char* name;
    void (*change)(ShapingFile&);
    const char* problem;
  };
  const Case kCases[] = {
      {"a provider without hosts", [](ShapingFile& f) { f.providers[1].mx.clear(); }, "9 provider example: no mail host is its"},
      {"a name twice", [](ShapingFile& f) { f.providers[1].name = "google"; }, "9 provider google: there is another one"},
      {"hosts that are all another's", [](ShapingFile& f) { f.providers[1].mx = {"a.google.com", ".l.google.com"}; },
       "9 provider example: its mail hosts are all those of providers above"},
      {"a rule for nobody", [](ShapingFile& f) { f.rules = {suspend("gmail", "rate")}; }, "there is no provider gmail"},
      {"a rule that is no pattern", [](ShapingFile& f) { f.rules = {suspend("", "(")}; }, "is no regular expression"},
      {"a rule that says nothing", [](ShapingFile& f) { f.rules = {suspend("", "")}; }, "is no regular expression"},
      {"a rule that does nothing", [](ShapingFile& f) { f.rules = {{.says = "x", .duration = minutes(1)}}; },
       "neither suspends nor slows down"},
      {"a rule for no time", [](ShapingFile& f) { f.rules = {suspend("", "x", Duration{0})}; }, "lasts for no time"},
      {"a rule behind its like", [](ShapingFile& f) { f.rules = {suspend("", "x"), suspend("google", "x")}; },
       "the rule of line 0 says all of that"},
      {"a rule behind one for all", [](ShapingFile& f) { f.rules = {suspend("", ".*"), suspend("google", "x")}; },
       "the rule of line 0 says all of that"}};
  for (const Case& row : kCases) {
    ShapingFile file = two_providers();
    row.change(file);
    EXPECT_THAT(problems_of(file), ElementsAre(HasSubstr(row.problem))) << row.name;
  }
}

TEST(Shaping, TakesTheStricterOfTwoBounds) {
  EXPECT_EQ(stricter({.max_connections = 5, .messages_per_minute = 10}, {.max_connections = 1, .connects_per_minute = 3}),
            (ShapingLimits{.max_connections = 1, .connects_per_minute = 3, .messages_per_minute = 10}));
  EXPECT_EQ(describe_limits({}), "no bounds");
  EXPECT_EQ(describe_limits({.max_connections = 5, .messages_per_connection = 50}), "5 connections, 50 messages a connection");
}

}  // namespace
}  // namespace postern::relay
