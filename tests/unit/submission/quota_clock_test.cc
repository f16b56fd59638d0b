// The clock is set forward and back by an hour: quotas give no more than they should, and take nothing.
#include "submission/quota.h"

#include <gtest/gtest.h>

#include <future>

namespace postern::submission {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST(QuotaClock, GivesNoMoreThanOneBurstAfterAnyJump) {
  QuotaTable table([](auto&&...) { return std::uint64_t{0}; });
  store::Plan plan;
  plan.per_second = 5;
  const AccountId account{};
  const KeyId key{};
  Instant now = Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + hours(12));
  const auto granted = [&] {
    int count = 0;
    while (count < 100 && table.take_message(account, plan, key, std::nullopt, now).kind == QuotaAnswer::Kind::Granted) ++count;
    return count;
  };
  EXPECT_EQ(granted(), 5);
  now += hours(1);
  EXPECT_EQ(granted(), 5);
  now -= hours(1);
  EXPECT_EQ(granted(), 0) << "a clock that was set back gives nothing";
  now += seconds(1);
  EXPECT_EQ(granted(), 5) << "and takes nothing";
}

TEST(QuotaClock, SaysWhatIsLeftOfTheTighterRate) {
  QuotaTable table([](auto&&...) { return std::uint64_t{0}; });
  store::Plan plan;
  const AccountId account{};
  const KeyId key{};
  Instant now = Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + hours(12));
  EXPECT_FALSE(table.rate_left(account, plan, key, std::nullopt, now));
  plan.per_second = 10;
  const auto left = [&](std::optional<std::uint32_t> key_rate) {
    const auto rate = table.rate_left(account, plan, key, key_rate, now);
    return std::pair(rate->limit, rate->left);
  };
  EXPECT_EQ(left(4), std::pair(4U, 4U));
  EXPECT_EQ(table.take_message(account, plan, key, 4, now, 3).kind, QuotaAnswer::Kind::Granted);
  EXPECT_EQ(left(4), std::pair(4U, 1U));
  EXPECT_EQ(left(std::nullopt), std::pair(10U, 7U));
  now += std::chrono::milliseconds(250);
  EXPECT_EQ(left(4), std::pair(4U, 2U));
  EXPECT_EQ(table.take_message(account, plan, key, 4, now, 50).kind, QuotaAnswer::Kind::Granted);
  EXPECT_EQ(left(4), std::pair(4U, 0U)) << "more was taken than there was";
}

TEST(QuotaClock, KeepsTheDaysCountWithinTheDay) {
  QuotaTable table([](auto&&...) { return std::uint64_t{0}; });
  store::Plan plan;
  plan.per_day = 10;
  const AccountId account{};
  const Instant noon = Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + hours(12));
  EXPECT_EQ(table.reserve(account, plan, 10, noon).kind, QuotaAnswer::Kind::Granted);
  EXPECT_EQ(table.reserve(account, plan, 1, noon + hours(1)).kind, QuotaAnswer::Kind::QuotaExceeded);
  EXPECT_EQ(table.reserve(account, plan, 1, noon - hours(1)).kind, QuotaAnswer::Kind::QuotaExceeded);
}

TEST(QuotaTable, ReadsTheStoreWithoutItsLock) {
  QuotaTable* asked = nullptr;
  int loads = 0;
  QuotaTable table([&](const AccountId& account, store::CounterPeriod, Instant) {
    ++loads;
    // Another account's session meanwhile, on another thread.
    if (asked != nullptr) std::async(std::launch::async, [&] { asked->release(account, 0); }).get();
    return std::uint64_t{3};
  });
  asked = &table;
  store::Plan plan;
  plan.per_day = 5;
  const Instant now = Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 21));
  EXPECT_EQ(table.reserve(AccountId{}, plan, 2, now).kind, QuotaAnswer::Kind::Granted);
  EXPECT_EQ(table.reserve(AccountId{}, plan, 1, now).kind, QuotaAnswer::Kind::QuotaExceeded) << "what was stored counts";
  EXPECT_EQ(loads, 2) << "day and month, once";
}

}  // namespace
}  // namespace postern::submission
