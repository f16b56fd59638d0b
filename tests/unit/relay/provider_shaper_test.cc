// What a provider may be given, by its limits and by what it said.
#include "relay/provider_shaper.h"

#include <gtest/gtest.h>

namespace postern::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Instant kStart{std::chrono::sys_days{std::chrono::January / 1 / 2027}};
const Status kRate{421, EnhancedCode{4, 7, 28}, "unusual rate"};

std::shared_ptr<const Shaping> shaping_of(ShapingLimits limits, std::vector<ShapingRule> rules = {}) {
  ShapingFile file;
  file.providers = {{.name = "big", .mx = {".big.example"}, .limits = limits}};
  file.rules = std::move(rules);
  return std::make_shared<const Shaping>(std::move(file));
}

// How many messages are granted in `time`, asked for every 100 ms.
int granted(ProviderShaper& shaper, Instant from, Duration time) {
  int count = 0;
  for (Instant at = from; at < from + time; at += std::chrono::milliseconds(100)) count += shaper.admit_message(at) ? 0 : 1;
  return count;
}

TEST(ProviderShaper, GivesSoManyMessagesAMinute) {
  ProviderShaper shaper(shaping_of({.messages_per_minute = 60}), 0);
  EXPECT_EQ(granted(shaper, kStart, minutes(1)), 65) << "a tenth of a minute's at once, then one a second";
  EXPECT_EQ(granted(shaper, kStart + minutes(1), minutes(10)), 600);
  const auto wait = shaper.admit_message(kStart + minutes(11));
  ASSERT_FALSE(wait.has_value());
  const auto next = shaper.admit_message(kStart + minutes(11));
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->why, Restraint::Messages);
  EXPECT_FALSE(shaper.admit_message(kStart + minutes(11) + next->time).has_value()) << "it says when";
}

TEST(ProviderShaper, GivesOneAMinuteAndNotOneAtOnceMore) {
  ProviderShaper shaper(shaping_of({.messages_per_minute = 1}), 0);
  EXPECT_EQ(granted(shaper, kStart, minutes(10)), 10);
}

TEST(ProviderShaper, ForgetsWhatAClockThatIsSetBackOwes) {
  ProviderShaper shaper(shaping_of({.messages_per_minute = 1}), 0);
  EXPECT_FALSE(shaper.admit_message(kStart + hours(5)).has_value());
  EXPECT_FALSE(shaper.admit_message(kStart).has_value());
}

TEST(ProviderShaper, CountsConnectionsWhileTheyLive) {
  const auto shaper = std::make_shared<ProviderShaper>(shaping_of({.max_connections = 2}), 0);
  std::vector<std::unique_ptr<CountedConnection>> open;
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(shaper->admit_connection(kStart).has_value());
    open.push_back(std::make_unique<CountedConnection>(shaper));
  }
  ASSERT_TRUE(shaper->admit_connection(kStart).has_value());
  EXPECT_EQ(shaper->admit_connection(kStart)->why, Restraint::Connections);
  open.pop_back();
  EXPECT_FALSE(shaper->admit_connection(kStart).has_value());
}

TEST(ProviderShaper, OpensSoManyConnectionsAMinute) {
  ProviderShaper shaper(shaping_of({.connects_per_minute = 10}), 0);
  EXPECT_FALSE(shaper.admit_connection(kStart).has_value());
  EXPECT_EQ(shaper.admit_connection(kStart).value().why, Restraint::Connects);
  EXPECT_FALSE(shaper.admit_connection(kStart + seconds(6)).has_value());
}

TEST(ProviderShaper, SuspendsForAsLongAsTheRuleSays) {
  ProviderShaper shaper(shaping_of({}, {{.says = "unusual rate", .suspends = true, .duration = minutes(30)}}), 0);
  EXPECT_TRUE(shaper.heard(Status{451, EnhancedCode{4, 3, 0}, "later"}, kStart).empty());
  EXPECT_EQ(shaper.heard(kRate, kStart).size(), 1U);
  EXPECT_EQ(shaper.admit_message(kStart).value().time, minutes(30));
  EXPECT_EQ(shaper.admit_connection(kStart + minutes(29)).value().why, Restraint::Suspended);
  EXPECT_EQ(shaper.suspended_until(kStart), kStart + minutes(30));
  EXPECT_FALSE(shaper.admit_message(kStart + minutes(30)).has_value());
}

TEST(ProviderShaper, SlowsDownAndIsAsBeforeWhenTheTimeIsOver) {
  const ShapingRule rule{.says = "unusual", .slow = {.max_connections = 1, .messages_per_minute = 1}, .duration = minutes(30)};
  ProviderShaper shaper(shaping_of({.max_connections = 5}, {rule}), 0);
  EXPECT_EQ(shaper.heard(kRate, kStart).front().until, kStart + minutes(30));
  EXPECT_EQ(shaper.limits(kStart + minutes(29)), (ShapingLimits{.max_connections = 1, .messages_per_minute = 1}));
  EXPECT_EQ(shaper.limits(kStart + minutes(30)), (ShapingLimits{.max_connections = 5}));
}

TEST(ProviderShaper, WaitsUntilItIsSaidOftenEnoughWithinAnHour) {
  const ShapingRule rule{.says = "unusual", .suspends = true, .duration = minutes(1), .times_an_hour = 2};
  ProviderShaper shaper(shaping_of({}, {rule}), 0);
  EXPECT_TRUE(shaper.heard(kRate, kStart).empty());
  EXPECT_TRUE(shaper.heard(kRate, kStart + minutes(61)).empty()) << "that is not twice an hour";
  EXPECT_EQ(shaper.heard(kRate, kStart + minutes(120)).size(), 1U);
}

TEST(ProviderShapers, AreSharedByTheDomainsOfAProviderAndOfNobodyElse) {
  ProviderShapers shapers(shaping_of({.max_connections = 1}));
  EXPECT_EQ(shapers.of_host("mx1.big.example"), shapers.of_host("mx2.big.example"));
  EXPECT_NE(shapers.of_host("mx.small.example"), shapers.of_host("mx.small.example"));
}

TEST(ProviderShapers, KeepWhatAProviderSaidWhenTheRulesAreReadAgain) {
  const ShapingRule rule{.says = "unusual", .suspends = true, .duration = minutes(30)};
  ProviderShapers shapers(shaping_of({.max_connections = 1}, {rule}));
  const auto shaper = shapers.of_host("mx1.big.example");
  (void)shaper->heard(kRate, kStart);
  shapers.use(shaping_of({.max_connections = 7}, {rule}));
  EXPECT_TRUE(shaper->suspended_until(kStart).has_value());
  EXPECT_EQ(shaper->limits(kStart).max_connections, 7U);
}

}  // namespace
}  // namespace postern::relay
