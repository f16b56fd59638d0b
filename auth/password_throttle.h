// Guessing passwords gets slow, and ends: people choose those, so they can be guessed. Attempts are counted by client address and
// by the person whose password is tried, apart from those at keys. Pure but for its lock; the time is an argument.
#pragma once

#include "auth/auth_throttle.h"
#include "auth/sha256.h"
#include "core/recent_map.h"

#include <cstdint>
#include <mutex>
#include <string_view>
#include <utility>

namespace postern::auth {

// Wrong passwords of one person within the window, from wherever: ten addresses' worth. Beyond it only addresses that the person
// has signed in from are listened to, so that guessing from many places ends and locks nobody out.
inline constexpr std::uint32_t kMaxFailuresOfPerson = 100;

class PasswordThrottle {
 public:
  // `limits` as they are for keys; their max_addresses bounds each of the tables.
  explicit PasswordThrottle(ThrottleLimits limits);

  // Before a password is checked: counts it as wrong, so that many at once count as many, unless it is blocked. `email` as it was
  // typed, whether or not somebody has it; empty for a sign-up, which tells whether an address has an account. Any thread.
  ThrottleDecision begin(const IpAddress& client, std::string_view email, Instant now);
  // It was no guess after all (busy, malformed).
  void withdraw(const IpAddress& client, std::string_view email, Instant now);
  // The password was right. Forgives itself only: whoever guesses may have an account of his own.
  void succeeded(const IpAddress& client, std::string_view email, Instant now);

 private:
  using Person = Sha256Digest;
  using Home = std::pair<Person, IpAddress>;

  void take_back(const IpAddress& group, const Person* person, Instant now);

  const ThrottleLimits limits_;
  std::mutex mutex_;
  FailureCounts<IpAddress> by_address_;
  FailureCounts<Person> by_person_;
  RecentMap<Home, char> homes_;  // where people have signed in from
};

}  // namespace postern::auth
