// Guessing keys gets slow: failures are counted by client address, an IPv6 /64 being one. Never by account or key, or a stranger
// could lock an owner out; and a right key is let in however many wrong ones came from its address, since 250 random bits are not
// guessed. Passwords are another matter: auth/password_throttle.h. Pure but for its lock; the time is an argument.
#pragma once

#include "auth/failure_counts.h"
#include "core/clock.h"
#include "core/ip_address.h"

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace postern::auth {

struct ThrottleLimits {
  std::uint32_t free_failures = 3;      // typing slips and a stale password in a mail client's settings
  std::uint32_t max_failures = 10;      // within the window: then every further one is told too_many_failures for its rest
  Duration window = std::chrono::minutes(10);
  Duration first_delay = std::chrono::milliseconds(250);  // of the answer, doubled with every further failure
  Duration longest_delay = std::chrono::seconds(4);       // below what clients wait for
  std::size_t max_addresses = 65'536;   // bounds the table; the one whose window ends first goes first
};

struct ThrottleDecision {
  bool is_blocked = false;  // what is wrong is answered too_many_failures
  Duration delay{0};        // before a refusal is said; a right key is answered at once
  Duration blocked_for{0};  // where it is blocked: until its window ends
};

// What an address with so many failures, until its window ends, is to expect.
ThrottleDecision judge_failures(const ThrottleLimits& limits, std::uint32_t failures, Duration until_end);

class AuthThrottle {
 public:
  explicit AuthThrottle(ThrottleLimits limits) : limits_(limits), failures_(limits.window, limits.max_addresses) {}

  // Any thread.
  ThrottleDecision decide(const IpAddress& client, Instant now);
  void record_failure(const IpAddress& client, Instant now);
  // Halves the failures: one right key among many wrong ones forgives little.
  void record_success(const IpAddress& client, Instant now);
  // Addresses and networks remembered.
  std::size_t size() const;

 private:
  const ThrottleLimits limits_;
  mutable std::mutex mutex_;
  FailureCounts<IpAddress> failures_;
};

}  // namespace postern::auth
