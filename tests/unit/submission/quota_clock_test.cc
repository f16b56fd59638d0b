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
    if (asked != nullptr) std::async(std::launch::async, [&] { asked->release(account, 0, Instant()); }).get();
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

// What the other machines say, as the test has it.
struct FakeShared final : SharedQuotas {
  Standing standing = Standing::Granted;
  double share = 1;
  std::uint64_t taken = 0;

  Standing take(const Question& question, Instant) override {
    if (standing == Standing::Granted) taken += question.recipients;
    return standing;
  }
  Standing look(const Question&, Instant) override { return standing; }
  void give_back(const AccountId&, std::uint64_t recipients, Instant) override { taken -= recipients; }
  double share_of_rate(const std::array<std::uint8_t, 10>&, double) override { return share; }
};

TEST(QuotaTable, TakesOfWhatAllMachinesShare) {
  FakeShared shared;
  QuotaTable table([](auto&&...) { return std::uint64_t{0}; }, &shared);
  store::Plan plan;
  const Instant now = Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 21));
  shared.standing = SharedQuotas::Standing::DayUsedUp;
  EXPECT_EQ(table.reserve(AccountId{}, plan, 1, now).kind, QuotaAnswer::Kind::Granted) << "who has no quota shares none";
  plan.per_day = 5;
  struct Case {
    SharedQuotas::Standing standing;
    QuotaAnswer::Kind kind;
    bool is_ready;
  };
  for (const Case& c : {Case{SharedQuotas::Standing::Granted, QuotaAnswer::Kind::Granted, true},
                        Case{SharedQuotas::Standing::Pending, QuotaAnswer::Kind::Elsewhere, false},
                        Case{SharedQuotas::Standing::Elsewhere, QuotaAnswer::Kind::Elsewhere, true},
                        Case{SharedQuotas::Standing::DayUsedUp, QuotaAnswer::Kind::QuotaExceeded, true},
                        Case{SharedQuotas::Standing::MonthUsedUp, QuotaAnswer::Kind::QuotaExceeded, true}}) {
    shared.standing = c.standing;
    EXPECT_EQ(table.is_ready(AccountId{}, plan, now), c.is_ready);
    EXPECT_EQ(table.peek(AccountId{}, plan, 1, now).kind, c.kind);
    EXPECT_EQ(table.reserve(AccountId{}, plan, 1, now).kind, c.kind);
  }
  EXPECT_EQ(shared.taken, 1U);
  table.release(AccountId{}, 1, now);
  EXPECT_EQ(shared.taken, 0U);
}

TEST(QuotaTable, GivesOutItsShareOfARate) {
  FakeShared shared;
  QuotaTable table([](auto&&...) { return std::uint64_t{0}; }, &shared);
  store::Plan plan;
  plan.per_second = 30;
  Instant now = Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 21));
  const auto granted = [&] {
    int count = 0;
    while (table.take_message(AccountId{}, plan, KeyId{}, std::nullopt, now).kind == QuotaAnswer::Kind::Granted) ++count;
    return count;
  };
  EXPECT_EQ(granted(), 30);
  shared.share = 1.0 / 3;
  int count = 0;
  for (int second = 0; second < 30; ++second) {
    now += seconds(1);
    count += granted();
  }
  EXPECT_NEAR(count, 300, 2);
  shared.share = 0.000'1;
  now += seconds(1);
  EXPECT_EQ(granted(), 1);
  shared.share = 1;
  now += seconds(11);
  EXPECT_GT(granted(), 0) << "a message of a small share is paid off in ten seconds";
}

}  // namespace
}  // namespace postern::submission
