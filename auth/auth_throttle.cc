#include "auth/auth_throttle.h"

#include <algorithm>

namespace postern::auth {

AuthThrottle::Entry* AuthThrottle::find(const IpAddress& group, Instant now) {
  const auto found = entries_.find(group);
  if (found == entries_.end()) return nullptr;
  // A clock set back must not lengthen a block beyond its window.
  const bool is_over = now >= found->second.window_ends || found->second.window_ends - now > limits_.window;
  if (!is_over) return &found->second;
  entries_.erase(found);
  return nullptr;
}

ThrottleDecision AuthThrottle::decide(const IpAddress& client, Instant now) {
  const std::lock_guard lock(mutex_);
  const Entry* entry = find(limit_group(client), now);
  if (entry == nullptr || entry->failures < limits_.free_failures) return {};
  if (entry->failures >= limits_.max_failures) return {true, Duration(0)};
  Duration delay = limits_.first_delay;
  for (std::uint32_t i = limits_.free_failures; i < entry->failures && delay < limits_.longest_delay; ++i) delay *= 2;
  return {false, std::min(delay, limits_.longest_delay)};
}

void AuthThrottle::record_failure(const IpAddress& client, Instant now) {
  const std::lock_guard lock(mutex_);
  const IpAddress group = limit_group(client);
  Entry* entry = find(group, now);
  if (entry == nullptr) {
    make_room();
    entry = &entries_[group];
    entry->window_ends = now + limits_.window;
  }
  ++entry->failures;
}

void AuthThrottle::record_success(const IpAddress& client, Instant now) {
  const std::lock_guard lock(mutex_);
  if (Entry* entry = find(limit_group(client), now)) entry->failures /= 2;
}

void AuthThrottle::make_room() {
  if (entries_.size() < limits_.max_addresses || entries_.empty()) return;
  entries_.erase(std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
    return a.second.window_ends < b.second.window_ends;
  }));
}

}  // namespace postern::auth
