// The brake on guessing: when it bites, whom, and for how long.
#include "auth/auth_throttle.h"

#include <string>
#include <thread>

namespace postern::auth {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kStart{seconds{1'767'607'200}};

IpAddress address(std::string_view text) { return *parse_ip_address(text); }

// The n-th address of a network that is as large as one likes.
IpAddress numbered(std::uint32_t n) {
  IpAddress made = address("2001:db8::1");
  for (std::size_t i = 0; i < 4; ++i) made.octets[4 + i] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
  return made;
}

void fail(AuthThrottle& throttle, const IpAddress& client, int times, Instant now = kStart) {
  for (int i = 0; i < times; ++i) throttle.record_failure(client, now);
}

struct DelayCase {
  int failures;
  bool is_blocked;
  milliseconds delay;
};

constexpr DelayCase kDelays[] = {
    {0, false, milliseconds(0)},    {2, false, milliseconds(0)},    {3, false, milliseconds(250)}, {4, false, milliseconds(500)},
    {5, false, milliseconds(1000)}, {6, false, milliseconds(2000)}, {7, false, milliseconds(4000)}, {8, false, milliseconds(4000)},
    {9, false, milliseconds(4000)}, {10, true, milliseconds(0)},    {500, true, milliseconds(0)},
};

TEST(AuthThrottle, ForgivesSlipsThenSlowsThenBlocks) {
  for (const DelayCase& c : kDelays) {
    AuthThrottle throttle({});
    fail(throttle, address("192.0.2.1"), c.failures);
    const ThrottleDecision decision = throttle.decide(address("192.0.2.1"), kStart);
    EXPECT_EQ(decision.is_blocked, c.is_blocked) << c.failures;
    EXPECT_EQ(decision.delay, Duration(c.delay)) << c.failures;
  }
}

TEST(AuthThrottle, EndsABlockWithItsWindow) {
  AuthThrottle throttle({});
  fail(throttle, address("192.0.2.1"), 10);
  EXPECT_EQ(throttle.decide(address("192.0.2.1"), kStart + minutes(4)).blocked_for, minutes(6));
  EXPECT_TRUE(throttle.decide(address("192.0.2.1"), kStart + minutes(10) - Duration(1)).is_blocked);
  EXPECT_FALSE(throttle.decide(address("192.0.2.1"), kStart + minutes(10)).is_blocked);
  EXPECT_EQ(throttle.decide(address("192.0.2.1"), kStart + minutes(10)).delay, Duration(0));
}

TEST(AuthThrottle, IsNotProlongedByTryingOn) {
  AuthThrottle throttle({});
  fail(throttle, address("192.0.2.1"), 10);
  fail(throttle, address("192.0.2.1"), 100, kStart + minutes(9));
  EXPECT_FALSE(throttle.decide(address("192.0.2.1"), kStart + minutes(10)).is_blocked);
}

TEST(AuthThrottle, CountsAnIpv4AddressByItself) {
  AuthThrottle throttle({});
  fail(throttle, address("192.0.2.1"), 10);
  EXPECT_TRUE(throttle.decide(address("::ffff:192.0.2.1"), kStart).is_blocked);
  EXPECT_FALSE(throttle.decide(address("192.0.2.2"), kStart).is_blocked);
}

TEST(AuthThrottle, CountsAnIpv6NetworkOf64BitsAsOne) {
  AuthThrottle throttle({});
  for (int i = 0; i < 10; ++i) throttle.record_failure(address("2001:db8:1:2::" + std::to_string(i)), kStart);
  EXPECT_TRUE(throttle.decide(address("2001:db8:1:2:ffff:ffff:ffff:ffff"), kStart).is_blocked);
  EXPECT_FALSE(throttle.decide(address("2001:db8:1:3::1"), kStart).is_blocked);
}

TEST(AuthThrottle, ForgivesHalfAfterASuccess) {
  AuthThrottle throttle({});
  fail(throttle, address("192.0.2.1"), 9);
  throttle.record_success(address("192.0.2.1"), kStart);
  EXPECT_EQ(throttle.decide(address("192.0.2.1"), kStart).delay, Duration(milliseconds(500)));  // 4 failures
  fail(throttle, address("192.0.2.1"), 6);
  EXPECT_TRUE(throttle.decide(address("192.0.2.1"), kStart).is_blocked);
}

TEST(AuthThrottle, RemembersNothingOfAStrangersSuccess) {
  AuthThrottle throttle({});
  fail(throttle, address("192.0.2.1"), 10);
  throttle.record_success(address("192.0.2.2"), kStart);
  EXPECT_TRUE(throttle.decide(address("192.0.2.1"), kStart).is_blocked);
}

TEST(AuthThrottle, DoesNotBlockLongerWhenTheClockIsSetBack) {
  AuthThrottle throttle({});
  fail(throttle, address("192.0.2.1"), 10);
  EXPECT_FALSE(throttle.decide(address("192.0.2.1"), kStart - minutes(1)).is_blocked);
}

TEST(AuthThrottle, SaysForHowLong) {
  AuthThrottle throttle({});
  fail(throttle, address("192.0.2.1"), 10, kStart);
  EXPECT_EQ(throttle.decide(address("192.0.2.1"), kStart + minutes(4)).blocked_for, minutes(6));
  EXPECT_EQ(throttle.decide(address("192.0.2.2"), kStart).blocked_for, Duration(0));
}

TEST(AuthThrottle, ForgetsTheOldestWhereTheTableIsFull) {
  ThrottleLimits limits;
  limits.max_addresses = 4;
  AuthThrottle throttle(limits);
  for (std::uint32_t n = 0; n < 4; ++n) fail(throttle, numbered(n), 10, kStart + seconds(n));
  fail(throttle, numbered(4), 10, kStart + seconds(4));
  EXPECT_FALSE(throttle.decide(numbered(0), kStart + seconds(5)).is_blocked);
  for (std::uint32_t n = 1; n <= 4; ++n) EXPECT_TRUE(throttle.decide(numbered(n), kStart + seconds(5)).is_blocked) << n;
}

TEST(AuthThrottle, KeepsItsBoundUnderAFloodOfAddresses) {
  AuthThrottle throttle({});
  const std::uint32_t bound = static_cast<std::uint32_t>(ThrottleLimits{}.max_addresses);
  for (std::uint32_t n = 0; n < 3 * bound; ++n) throttle.record_failure(numbered(n), kStart + Duration(n));
  EXPECT_EQ(throttle.size(), bound);
  // A new window makes room by itself.
  throttle.record_failure(numbered(0), kStart + minutes(20));
  EXPECT_EQ(throttle.size(), 1U);
}

TEST(AuthThrottle, CountsFailuresOfManyThreads) {
  ThrottleLimits limits;
  limits.max_failures = 1'000;
  AuthThrottle throttle(limits);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 250; ++i) {
        throttle.decide(address("192.0.2.1"), kStart);
        throttle.record_failure(address("192.0.2.1"), kStart);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(throttle.decide(address("192.0.2.1"), kStart).is_blocked);
}

}  // namespace
}  // namespace postern::auth
