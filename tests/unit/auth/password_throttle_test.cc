// The brake on guessing passwords: by client_at, by person, and whom it must not lock out.
#include "auth/password_throttle.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::auth {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kFirst{seconds{1'767'607'200}};
constexpr std::string_view kAda = "ada@example.org";

IpAddress client_at(std::string_view text) { return *parse_ip_address(text); }
IpAddress elsewhere(int n) { return client_at("198.51." + std::to_string(n / 250) + "." + std::to_string(n % 250)); }

TEST(PasswordThrottle, BlocksAnAddressAfterTenWrongPasswordsWhoeverTheyAreOf) {
  PasswordThrottle throttle({});
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(throttle.begin(client_at("192.0.2.1"), "p" + std::to_string(i) + "@example.org", kFirst).is_blocked) << i;
  }
  const ThrottleDecision decision = throttle.begin(client_at("192.0.2.1"), kAda, kFirst + minutes(4));
  EXPECT_TRUE(decision.is_blocked);
  EXPECT_EQ(decision.blocked_for, minutes(6));
  EXPECT_TRUE(throttle.begin(client_at("192.0.2.1"), {}, kFirst).is_blocked) << "signing up is no way round it";
  EXPECT_FALSE(throttle.begin(client_at("192.0.2.2"), kAda, kFirst).is_blocked);
  EXPECT_FALSE(throttle.begin(client_at("192.0.2.1"), kAda, kFirst + minutes(10)).is_blocked);
}

TEST(PasswordThrottle, EndsGuessingAtOnePersonFromManyAddresses) {
  PasswordThrottle throttle({});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(throttle.begin(elsewhere(i), kAda, kFirst).is_blocked) << i;
  EXPECT_TRUE(throttle.begin(elsewhere(100), kAda, kFirst).is_blocked);
  EXPECT_TRUE(throttle.begin(elsewhere(101), "ADA@Example.ORG", kFirst).is_blocked) << "the same person";
  EXPECT_FALSE(throttle.begin(elsewhere(102), "bob@example.org", kFirst).is_blocked) << "another";
  EXPECT_FALSE(throttle.begin(elsewhere(103), kAda, kFirst + minutes(10)).is_blocked) << "the window is over";
}

TEST(PasswordThrottle, LocksNobodyOutOfWhereHeHasSignedInFrom) {
  PasswordThrottle throttle({});
  throttle.begin(client_at("192.0.2.1"), kAda, kFirst);
  throttle.succeeded(client_at("192.0.2.1"), kAda, kFirst);
  for (int i = 0; i < 200; ++i) throttle.begin(elsewhere(i), kAda, kFirst);
  EXPECT_FALSE(throttle.begin(client_at("192.0.2.1"), kAda, kFirst).is_blocked);
  EXPECT_TRUE(throttle.begin(client_at("192.0.2.2"), kAda, kFirst).is_blocked);
}

TEST(PasswordThrottle, ForgivesNoGuessForASuccess) {
  PasswordThrottle throttle({});
  for (int i = 0; i < 10; ++i) {
    throttle.begin(client_at("192.0.2.1"), kAda, kFirst);
    if (throttle.begin(client_at("192.0.2.1"), "own@example.org", kFirst).is_blocked) break;
    throttle.succeeded(client_at("192.0.2.1"), "own@example.org", kFirst);
  }
  EXPECT_TRUE(throttle.begin(client_at("192.0.2.1"), kAda, kFirst).is_blocked);
}

TEST(PasswordThrottle, TakesBackWhatWasNoGuess) {
  PasswordThrottle throttle({});
  throttle.withdraw(client_at("192.0.2.1"), kAda, kFirst);
  for (int i = 0; i < 200; ++i) {
    EXPECT_FALSE(throttle.begin(client_at("192.0.2.1"), kAda, kFirst).is_blocked) << i;
    throttle.withdraw(client_at("192.0.2.1"), kAda, kFirst);
  }
}

}  // namespace
}  // namespace postern::auth
