// When a deferred recipient is tried again, and when it is given up. Pure.
#pragma once

#include "core/clock.h"
#include "core/random.h"

#include <optional>

namespace postern::relay {

struct RetrySchedule {
  Duration first = std::chrono::minutes(1);
  Duration longest = std::chrono::hours(1);
  Duration lifetime = std::chrono::days(5);  // RFC 5321 §4.5.4.1: at least 4 to 5 days

  // `attempts` so far (>= 1): doubles from `first` up to `longest`, 20 % of jitter either way so that a burst does not stay one.
  // nullopt: the message is older than its lifetime.
  std::optional<Instant> next_attempt(unsigned attempts, Instant accepted_at, Instant now, Random& random) const;
  // No attempt after `attempts` failed ones is further ahead than that.
  Duration longest_wait(unsigned attempts) const;

 private:
  Duration wait_after(unsigned attempts) const;  // without jitter
};

// `delay` moved by up to 20 % either way.
Duration with_jitter(Duration delay, Random& random);

}  // namespace postern::relay
