// Last use: the latest wins, once per key, bounded.
#include "auth/usage_tracker.h"

#include "tests/support/fake_random.h"

#include <thread>

namespace postern::auth {
namespace {

constexpr Instant kStart{std::chrono::seconds{1'767'607'200}};

store::KeyUsage usage(int second, std::string helo = "client.example.org") {
  return {kStart + std::chrono::seconds(second), *parse_ip_address("192.0.2.1"), std::move(helo)};
}

KeyId key(std::uint32_t n) {
  KeyId id;
  for (std::size_t i = 0; i < 4; ++i) id.octets[i] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
  return id;
}

TEST(UsageTracker, GivesTheLatestUseOfEachKeyOnce) {
  UsageTracker tracker;
  tracker.record(key(1), usage(1, "one"));
  tracker.record(key(2), usage(2, "two"));
  tracker.record(key(1), usage(3, "three"));
  const auto taken = tracker.take_unsaved();
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0], std::make_pair(key(1), usage(3, "three")));
  EXPECT_EQ(taken[1], std::make_pair(key(2), usage(2, "two")));
  EXPECT_TRUE(tracker.take_unsaved().empty());
}

TEST(UsageTracker, KeepsItsBound) {
  UsageTracker tracker;
  for (std::uint32_t n = 0; n <= kMaxTrackedKeys; ++n) tracker.record(key(n), usage(0));
  tracker.record(key(0), usage(9));
  const auto taken = tracker.take_unsaved();
  ASSERT_EQ(taken.size(), kMaxTrackedKeys);
  EXPECT_EQ(taken.front().second, usage(9)) << "a key that is remembered goes on being updated";
}

TEST(UsageTracker, SumsWhatAKeySentOnADay) {
  UsageTracker tracker;
  const AccountId account{};
  const Instant day = std::chrono::floor<std::chrono::days>(kStart);
  tracker.count_sent(account, key(1), kStart, 2);
  tracker.count_sent(account, key(1), kStart + std::chrono::minutes(1), 3);
  tracker.count_sent(account, key(2), kStart, 1);
  tracker.count_sent(account, key(1), kStart + std::chrono::hours(24), 1);
  const auto taken = tracker.take_unsaved_sent();
  ASSERT_EQ(taken.size(), 3U);
  EXPECT_EQ(taken[0].day, day);
  EXPECT_EQ(taken[0].messages, 2U);
  EXPECT_EQ(taken[0].recipients, 5U);
  EXPECT_EQ(taken[1].day, day + std::chrono::days(1));
  EXPECT_EQ(taken[2].key, key(2));
  EXPECT_TRUE(tracker.take_unsaved_sent().empty());
}

TEST(UsageTracker, AddsWhatWasPutBackToWhatCameMeanwhile) {
  UsageTracker tracker;
  tracker.count_sent({}, key(1), kStart, 2);
  const auto taken = tracker.take_unsaved_sent();
  tracker.count_sent({}, key(1), kStart, 5);
  tracker.put_back_sent(taken);
  const auto again = tracker.take_unsaved_sent();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].messages, 2U);
  EXPECT_EQ(again[0].recipients, 7U);
}

TEST(UsageTracker, LosesNothingBetweenThreads) {
  UsageTracker tracker;
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&tracker, t] {
      for (std::uint32_t i = 0; i < 200; ++i) tracker.record(key(t * 1'000 + i), usage(0));
    });
  }
  std::size_t taken = 0;
  for (int i = 0; i < 50; ++i) taken += tracker.take_unsaved().size();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken + tracker.take_unsaved().size(), 800U);
}

}  // namespace
}  // namespace postern::auth
