// Guessing keys gets slow: failures are counted by client address, an IPv6 /64 being one. Never by account or key, or a stranger
// could lock an owner out. Pure but for its lock; the time is an argument.
#pragma once

#include "core/clock.h"
#include "core/ip_address.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace postern::auth {

struct ThrottleLimits {
  std::uint32_t free_failures = 3;      // typing slips and a stale password in a mail client's settings
  std::uint32_t max_failures = 10;      // within the window: then nothing is checked any more for its rest
  Duration window = std::chrono::minutes(10);
  Duration first_delay = std::chrono::milliseconds(250);  // of the answer, doubled with every further failure
  Duration longest_delay = std::chrono::seconds(4);       // below what clients wait for
  std::size_t max_addresses = 65'536;   // bounds the table; the one that failed longest ago goes first
};

struct ThrottleDecision {
  bool is_blocked = false;  // answer too_many_failures, do not look at the key
  Duration delay{0};        // before a refusal is said; a right key is answered at once
};

class AuthThrottle {
 public:
  explicit AuthThrottle(ThrottleLimits limits) : limits_(limits) {}

  // Any thread.
  ThrottleDecision decide(const IpAddress& client, Instant now);
  void record_failure(const IpAddress& client, Instant now);
  // Halves the count: one right key among many wrong ones forgives little.
  void record_success(const IpAddress& client, Instant now);

 private:
  struct Entry {
    std::uint32_t failures = 0;
    Instant window_ends;
  };
  Entry* find(const IpAddress& group, Instant now);
  void make_room();

  ThrottleLimits limits_;
  std::mutex mutex_;
  std::map<IpAddress, Entry> entries_;
};

}  // namespace postern::auth
