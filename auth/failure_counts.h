// Failures by whatever they are counted by, each within a window of its own, of a bounded number of keys. Every call costs
// O(log n), also when it is full: whoever has many keys must not make it slow for the others. Not for several threads at once.
#pragma once

#include "core/clock.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace postern::auth {

template <class Key>
class FailureCounts {
 public:
  struct Entry {
    std::uint32_t failures = 0;
    Instant window_ends;
  };

  FailureCounts(Duration window, std::size_t max_keys) : window_(window), max_keys_(max_keys) {}

  // nullptr: no failure in the window. Valid until the next call.
  Entry* find(const Key& key, Instant now) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    if (!is_over(found->second.window_ends, now)) return &found->second;
    erase(found);
    return nullptr;
  }
  // Where it is full the one whose window ends first goes first.
  Entry& find_or_insert(const Key& key, Instant now) {
    if (Entry* const entry = find(key, now)) return *entry;
    while (!by_end_.empty() && (entries_.size() >= max_keys_ || is_over(by_end_.begin()->first, now))) {
      erase(entries_.find(by_end_.begin()->second));
    }
    Entry& entry = entries_[key];
    entry.window_ends = now + window_;
    by_end_.emplace(entry.window_ends, key);
    return entry;
  }
  std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::map<Key, Entry>;

  // A clock set back must not lengthen a window.
  bool is_over(Instant window_ends, Instant now) const { return now >= window_ends || window_ends - now > window_; }
  void erase(typename Entries::iterator entry) {
    by_end_.erase({entry->second.window_ends, entry->first});
    entries_.erase(entry);
  }

  const Duration window_;
  const std::size_t max_keys_;
  Entries entries_;
  std::set<std::pair<Instant, Key>> by_end_;  // the same keys, the one whose window ends first in front
};

}  // namespace postern::auth
