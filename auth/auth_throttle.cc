#include "auth/auth_throttle.h"

#include <algorithm>

namespace postern::auth {

AuthThrottle::Entry* AuthThrottle::find(const IpAddress& group, Instant now) {
  const auto found = entries_.find(group);
  if (found == entries_.end()) return nullptr;
  if (!is_over(found->second.window_ends, now)) return &found->second;
  erase(found);
  return nullptr;
}

ThrottleDecision AuthThrottle::decide(const IpAddress& client, Instant now) {
  const std::lock_guard lock(mutex_);
  const Entry* entry = find(limit_group(client), now);
  if (entry == nullptr || entry->count() < limits_.free_failures) return {};
  if (entry->count() >= limits_.max_failures) return {true, Duration(0), entry->window_ends - now};
  Duration delay = limits_.first_delay;
  for (std::uint32_t i = limits_.free_failures; i < entry->count() && delay < limits_.longest_delay; ++i) delay *= 2;
  return {false, std::min(delay, limits_.longest_delay), Duration(0)};
}

void AuthThrottle::record_failure(const IpAddress& client, Instant now) {
  const std::lock_guard lock(mutex_);
  ++find_or_insert(client, now).failures;
}

void AuthThrottle::record_success(const IpAddress& client, Instant now) {
  const std::lock_guard lock(mutex_);
  if (Entry* entry = find(limit_group(client), now)) entry->failures /= 2;
}

void AuthThrottle::record_guess(const IpAddress& client, Instant now) {
  const std::lock_guard lock(mutex_);
  ++find_or_insert(client, now).guesses;
}

void AuthThrottle::withdraw_guess(const IpAddress& client, Instant now) {
  const std::lock_guard lock(mutex_);
  if (Entry* entry = find(limit_group(client), now); entry != nullptr && entry->guesses > 0) --entry->guesses;
}

std::size_t AuthThrottle::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

// A clock set back must not lengthen a block beyond its window.
bool AuthThrottle::is_over(Instant window_ends, Instant now) const {
  return now >= window_ends || window_ends - now > limits_.window;
}

AuthThrottle::Entry& AuthThrottle::find_or_insert(const IpAddress& client, Instant now) {
  const IpAddress group = limit_group(client);
  Entry* const entry = find(group, now);
  return entry == nullptr ? insert(group, now) : *entry;
}

AuthThrottle::Entry& AuthThrottle::insert(const IpAddress& group, Instant now) {
  while (!by_end_.empty() && (entries_.size() >= limits_.max_addresses || is_over(by_end_.begin()->first, now))) {
    erase(entries_.find(by_end_.begin()->second));
  }
  Entry& entry = entries_[group];
  entry.window_ends = now + limits_.window;
  by_end_.emplace(entry.window_ends, group);
  return entry;
}

void AuthThrottle::erase(Entries::iterator entry) {
  by_end_.erase({entry->second.window_ends, entry->first});
  entries_.erase(entry);
}

}  // namespace postern::auth
