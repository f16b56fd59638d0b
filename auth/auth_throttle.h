// Guessing keys gets slow: failures are counted by client address, an IPv6 /64 being one. Never by account or key, or a stranger
// could lock an owner out. Pure but for its lock; the time is an argument. Every call costs O(log n), also when the table is full:
// whoever has many addresses must not make it slow for the others.
#pragma once

#include "core/clock.h"
#include "core/ip_address.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace postern::auth {

struct ThrottleLimits {
  std::uint32_t free_failures = 3;      // typing slips and a stale password in a mail client's settings
  std::uint32_t max_failures = 10;      // within the window: then nothing is checked any more for its rest
  Duration window = std::chrono::minutes(10);
  Duration first_delay = std::chrono::milliseconds(250);  // of the answer, doubled with every further failure
  Duration longest_delay = std::chrono::seconds(4);       // below what clients wait for
  std::size_t max_addresses = 65'536;   // bounds the table; the one whose window ends first goes first
};

struct ThrottleDecision {
  bool is_blocked = false;  // answer too_many_failures, do not look at the key
  Duration delay{0};        // before a refusal is said; a right key is answered at once
  Duration blocked_for{0};  // where it is blocked: until its window ends
};

class AuthThrottle {
 public:
  explicit AuthThrottle(ThrottleLimits limits) : limits_(limits) {}

  // Any thread.
  ThrottleDecision decide(const IpAddress& client, Instant now);
  void record_failure(const IpAddress& client, Instant now);
  // Halves the failures: one right key among many wrong ones forgives little.
  void record_success(const IpAddress& client, Instant now);
  // A guess at a password, or whether an address has an account. People choose those, so they can be guessed, and whoever
  // guesses may have a key of his own: no success forgives a guess, it ends with the window. It counts like a failure.
  // Recorded before the check, which takes long, so that many at once count as many.
  void record_guess(const IpAddress& client, Instant now);
  // Takes back one that turned out to be none.
  void withdraw_guess(const IpAddress& client, Instant now);
  // Addresses and networks remembered.
  std::size_t size() const;

 private:
  struct Entry {
    std::uint32_t failures = 0;
    std::uint32_t guesses = 0;
    std::uint32_t count() const { return failures + guesses; }
    Instant window_ends;
  };
  using Entries = std::map<IpAddress, Entry>;

  Entry* find(const IpAddress& group, Instant now);
  Entry& find_or_insert(const IpAddress& client, Instant now);
  Entry& insert(const IpAddress& group, Instant now);
  bool is_over(Instant window_ends, Instant now) const;
  void erase(Entries::iterator entry);

  ThrottleLimits limits_;
  mutable std::mutex mutex_;
  Entries entries_;
  std::set<std::pair<Instant, IpAddress>> by_end_;  // the same groups, the one whose window ends first in front
};

}  // namespace postern::auth
