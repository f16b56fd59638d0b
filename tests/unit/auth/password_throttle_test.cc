// The brake on guessing passwords: by address, by person, and whom it must not lock out.
#include "auth/password_throttle.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::auth {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kStart{seconds{1'767'607'200}};
constexpr std::string_view kAda = "ada@example.org";

IpAddress address(std::string_view text) { return *parse_ip_address(text); }
IpAddress elsewhere(int n) { return address("198.51." + std::to_string(n / 250) + "." + std::to_string(n % 250)); }

TEST(PasswordThrottle, BlocksAnAddressAfterTenWrongPasswordsWhoeverTheyAreOf) {
  PasswordThrottle throttle({});
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(throttle.begin(address("192.0.2.1"), "p" + std::to_string(i) + "@example.org", kStart).is_blocked) << i;
  }
  const ThrottleDecision decision = throttle.begin(address("192.0.2.1"), kAda, kStart + minutes(4));
  EXPECT_TRUE(decision.is_blocked);
  EXPECT_EQ(decision.blocked_for, minutes(6));
  EXPECT_TRUE(throttle.begin(address("192.0.2.1"), {}, kStart).is_blocked) << "signing up is no way round it";
  EXPECT_FALSE(throttle.begin(address("192.0.2.2"), kAda, kStart).is_blocked);
  EXPECT_FALSE(throttle.begin(address("192.0.2.1"), kAda, kStart + minutes(10)).is_blocked);
}

TEST(PasswordThrottle, EndsGuessingAtOnePersonFromManyAddresses) {
  PasswordThrottle throttle({});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(throttle.begin(elsewhere(i), kAda, kStart).is_blocked) << i;
  EXPECT_TRUE(throttle.begin(elsewhere(100), kAda, kStart).is_blocked);
  EXPECT_TRUE(throttle.begin(elsewhere(101), "ADA@Example.ORG", kStart).is_blocked) << "the same person";
  EXPECT_FALSE(throttle.begin(elsewhere(102), "bob@example.org", kStart).is_blocked) << "another";
  EXPECT_FALSE(throttle.begin(elsewhere(103), kAda, kStart + minutes(10)).is_blocked) << "the window is over";
}

TEST(PasswordThrottle, LocksNobodyOutOfWhereHeHasSignedInFrom) {
  PasswordThrottle throttle({});
  throttle.begin(address("192.0.2.1"), kAda, kStart);
  throttle.succeeded(address("192.0.2.1"), kAda, kStart);
  for (int i = 0; i < 200; ++i) throttle.begin(elsewhere(i), kAda, kStart);
  EXPECT_FALSE(throttle.begin(address("192.0.2.1"), kAda, kStart).is_blocked);
  EXPECT_TRUE(throttle.begin(address("192.0.2.2"), kAda, kStart).is_blocked);
}

TEST(PasswordThrottle, ForgivesNoGuessForASuccess) {
  PasswordThrottle throttle({});
  for (int i = 0; i < 10; ++i) {
    throttle.begin(address("192.0.2.1"), kAda, kStart);
    if (throttle.begin(address("192.0.2.1"), "own@example.org", kStart).is_blocked) break;
    throttle.succeeded(address("192.0.2.1"), "own@example.org", kStart);
  }
  EXPECT_TRUE(throttle.begin(address("192.0.2.1"), kAda, kStart).is_blocked);
}

TEST(PasswordThrottle, TakesBackWhatWasNoGuess) {
  PasswordThrottle throttle({});
  throttle.withdraw(address("192.0.2.1"), kAda, kStart);
  for (int i = 0; i < 200; ++i) {
    EXPECT_FALSE(throttle.begin(address("192.0.2.1"), kAda, kStart).is_blocked) << i;
    throttle.withdraw(address("192.0.2.1"), kAda, kStart);
  }
}

}  // namespace
}  // namespace postern::auth
