#include "store/statistics.h"

#include "tests/support/fake_random.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

const Instant kNoon = Instant{} + hours(24 * 365 * 50 + 12);

class TallyTest : public testing::Test {
 protected:
  test::FakeRandom random_;
  const Tally::Whose live_{make_account_id(random_), Environment::Live};
  const KeyId key_ = make_key_id(random_);
  Tally tally_;
};

TEST_F(TallyTest, CountsByHourAccountAndEnvironment) {
  tally_.count_accepted(live_, key_, {"example.net", "example.com"}, kNoon + minutes(5));
  tally_.count_accepted(live_, key_, {"example.net"}, kNoon + minutes(59));
  tally_.count_accepted(live_, key_, {}, kNoon + minutes(60));
  tally_.count_accepted({live_.account, Environment::Test}, key_, {}, kNoon);
  tally_.count_refused(live_, key_, "rate_limited", kNoon);
  using enum Tally::Outcome;
  for (const auto outcome : {Delivered, Deferred, Deferred, Bounced, Suppressed, Complained}) {
    tally_.count_outcome(live_, "example.net", outcome, milliseconds(150), kNoon);
  }
  const auto taken = tally_.take();
  ASSERT_EQ(taken.size(), 3U);
  const StatsRow& row = taken[0].row;
  EXPECT_EQ(taken[0].account, live_.account);
  EXPECT_EQ(row.start, kNoon);
  EXPECT_EQ(
      row.totals,
      (StatsCounts{.accepted = 2, .delivered = 1, .deferred = 2, .bounced = 1, .refused = 1, .suppressed = 1, .complained = 1}));
  EXPECT_EQ(row.keys, (std::vector<KeyStats>{{key_, 2, 1}}));
  EXPECT_EQ(row.domains, (std::vector<DomainStats>{{"example.net", 2, 1, 2, 1}, {"example.com", 1, 0, 0, 0}}));
  EXPECT_EQ(row.refusals, (std::vector<RefusalStats>{{"rate_limited", 1}}));
  EXPECT_EQ(row.delays[delay_class(milliseconds(150))], 1U);
  EXPECT_TRUE(tally_.take().empty());
}

TEST_F(TallyTest, CountsWhatIsBeyondItsBoundWithoutAName) {
  for (std::size_t i = 0; i < kMaxStatsNames + 10; ++i) {
    tally_.count_accepted(live_, make_key_id(random_), {std::to_string(i) + ".example"}, kNoon);
  }
  const StatsRow row = tally_.take().at(0).row;
  EXPECT_EQ(row.totals.accepted, kMaxStatsNames + 10);
  ASSERT_EQ(row.domains.size(), kMaxStatsNames + 1);
  EXPECT_EQ(row.domains.back(), (DomainStats{"", 10, 0, 0, 0}));
  EXPECT_EQ(row.keys.back(), (KeyStats{KeyId{}, 10, 0}));
}

TEST_F(TallyTest, TakesBackWhatCouldNotBeWritten) {
  tally_.count_accepted(live_, key_, {"a.example"}, kNoon);
  const auto taken = tally_.take();
  tally_.count_accepted(live_, key_, {"a.example"}, kNoon);
  tally_.put_back(taken);
  const StatsRow row = tally_.take().at(0).row;
  EXPECT_EQ(row.totals.accepted, 2U);
  EXPECT_EQ(row.keys, (std::vector<KeyStats>{{key_, 2, 0}}));
}

TEST(Statistics, KeepTheNamesThatTheSumHasAndCountTheOthersTogether) {
  StatsRow sum;
  sum.domains = {{"a.example", 1, 0, 0, 0}, {"b.example", 1, 0, 0, 0}};
  StatsRow more;
  more.domains = {{"c.example", 4, 0, 0, 0}, {"b.example", 2, 0, 0, 0}, {"", 8, 0, 0, 0}};
  add_stats(sum, more, 2);
  EXPECT_EQ(sum.domains, (std::vector<DomainStats>{{"a.example", 1, 0, 0, 0}, {"b.example", 3, 0, 0, 0}, {"", 12, 0, 0, 0}}));
}

struct DelayCase {
  const char* name;
  std::vector<std::uint64_t> classes;
  double share;
  std::uint64_t ms;
};

TEST(Statistics, TellADelayWithinTheBoundsOfItsClass) {
  std::vector<std::uint64_t> slow(kDelayBounds.size() + 1);
  slow.back() = 3;
  const DelayCase cases[] = {
      {"none", {}, 0.5, 0},
      {"all in the first class", {10}, 0.5, 25},
      {"in the second", {5, 5}, 0.95, 95},
      {"the border", {5, 5}, 0.5, 50},
      {"longer than the last bound", slow, 0.5, 86'400'000},
  };
  for (const DelayCase& row : cases) EXPECT_EQ(delay_quantile(row.classes, row.share), row.ms) << row.name;
  EXPECT_EQ(delay_class(milliseconds(-5)), 0U);
  EXPECT_EQ(delay_class(milliseconds(50)), 0U);
  EXPECT_EQ(delay_class(milliseconds(51)), 1U);
  EXPECT_EQ(delay_class(hours(25)), kDelayBounds.size());
}

}  // namespace
}  // namespace postern::store
