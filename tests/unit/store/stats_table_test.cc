#include "store/directory.h"
#include "store/statistics.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

using std::chrono::days;
using std::chrono::hours;

class StatsTableTest : public testing::Test {
 protected:
  StatsTableTest() {
    AccountRecord account;
    account.id = account_;
    account.name = "acme";
    directory_.write([&](DirectoryWriter& writer) { return writer.put_account(account); }).value();
  }
  void add(Instant start, std::uint64_t accepted, Environment environment = Environment::Live) {
    StatsRow row;
    row.environment = environment;
    row.start = start;
    row.totals.accepted = accepted;
    directory_.write([&](DirectoryWriter& writer) { return writer.add_stats(account_, row); }).value();
  }
  std::vector<std::uint64_t> accepted(StatsWidth width, Environment environment = Environment::Live) {
    std::vector<std::uint64_t> counts;
    for (const StatsRow& row : directory_.list_stats(account_, width, environment, day_ - days(1), day_ + days(9)).value()) {
      counts.push_back(row.totals.accepted);
    }
    return counts;
  }

  test::FakeRandom random_;
  test::TempStore store_;
  Directory& directory_ = store_.directory();
  const AccountId account_ = make_account_id(random_);
  const Instant day_ = Instant{} + days(18'262);
};

using Counts = std::vector<std::uint64_t>;

TEST_F(StatsTableTest, AddsAnHourToItsRowAndToThatOfItsDay) {
  add(day_ + hours(3), 1);
  add(day_ + hours(3), 2);
  add(day_ + hours(23), 4);
  add(day_ + hours(24), 8);
  add(day_ + hours(3), 16, Environment::Test);
  EXPECT_EQ(accepted(StatsWidth::Hour), (Counts{3, 4, 8}));
  EXPECT_EQ(accepted(StatsWidth::Day), (Counts{7, 8}));
  EXPECT_EQ(accepted(StatsWidth::Hour, Environment::Test), Counts{16});
  EXPECT_EQ(directory_.list_stats(account_, StatsWidth::Hour, Environment::Live, day_ + hours(4), day_ + hours(24)).value().size(),
            1U);
}

TEST_F(StatsTableTest, KeepsDaysLongerThanHours) {
  for (int day = 0; day < 3; ++day) add(day_ + days(day), 1);
  add(day_ + days(3), 1, Environment::Test);
  const auto expire = [&](Instant hours_before, Instant days_before, std::size_t limit) {
    std::size_t count = 0;
    directory_
        .write([&](DirectoryWriter& writer) -> Result<void> {
          const auto expired = writer.expire_stats(hours_before, days_before, limit);
          if (!expired) return expired.error();
          count = *expired;
          return {};
        })
        .value();
    return count;
  };
  EXPECT_EQ(expire(day_ + days(2), day_ + days(1), 2), 2U);
  EXPECT_EQ(expire(day_ + days(2), day_ + days(1), 9), 1U);
  EXPECT_EQ(expire(day_ + days(2), day_ + days(1), 9), 0U);
  EXPECT_EQ(accepted(StatsWidth::Hour), Counts{1});
  EXPECT_EQ(accepted(StatsWidth::Day), (Counts{1, 1}));
  EXPECT_EQ(accepted(StatsWidth::Day, Environment::Test), Counts{1});
}

TEST_F(StatsTableTest, GoWithTheirAccount) {
  add(day_, 1);
  directory_.write([&](DirectoryWriter& writer) { return writer.remove_account(account_); }).value();
  EXPECT_EQ(accepted(StatsWidth::Hour), Counts{});
}

}  // namespace
}  // namespace postern::store
