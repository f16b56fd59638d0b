#include "auth/auth_throttle.h"

#include <algorithm>

namespace postern::auth {

ThrottleDecision judge_failures(const ThrottleLimits& limits, std::uint32_t failures, Duration until_end) {
  if (failures < limits.free_failures) return {};
  if (failures >= limits.max_failures) return {true, Duration(0), until_end};
  Duration delay = limits.first_delay;
  for (std::uint32_t i = limits.free_failures; i < failures && delay < limits.longest_delay; ++i) delay *= 2;
  return {false, std::min(delay, limits.longest_delay), Duration(0)};
}

ThrottleDecision AuthThrottle::decide(const IpAddress& client, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto* entry = failures_.find(limit_group(client), now);
  return entry == nullptr ? ThrottleDecision{} : judge_failures(limits_, entry->failures, entry->window_ends - now);
}

void AuthThrottle::record_failure(const IpAddress& client, Instant now) {
  const std::lock_guard lock(mutex_);
  ++failures_.find_or_insert(limit_group(client), now).failures;
}

void AuthThrottle::record_success(const IpAddress& client, Instant now) {
  const std::lock_guard lock(mutex_);
  if (auto* entry = failures_.find(limit_group(client), now)) entry->failures /= 2;
}

std::size_t AuthThrottle::size() const {
  const std::lock_guard lock(mutex_);
  return failures_.size();
}

}  // namespace postern::auth
