// A bounded map that forgets what was longest untouched. Every call costs O(log n), also when it is full: whoever fills it must not
// make it slow for the others. Not for several threads at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <list>
#include <map>
#include <utility>

namespace postern {

template <class Key, class Value>
class RecentMap {
 public:
  using Entries = std::list<std::pair<Key, Value>>;

  // The key's value, made if there was none (the second is true then); it is the most recent one now. Valid until it is forgotten.
  std::pair<Value&, bool> touch(const Key& key) {
    const auto [found, is_new] = index_.try_emplace(key);
    if (is_new) {
      entries_.emplace_front(key, Value{});
      found->second = entries_.begin();
    } else {
      entries_.splice(entries_.begin(), entries_, found->second);
    }
    return {found->second->second, is_new};
  }

  // nullptr: there is none. Touches nothing.
  Value* find(const Key& key) {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &found->second->second;
  }

  // Forgets the longest untouched ones beyond `most`. Where `may_go` (a value → bool) keeps one, it is touched, so that the next
  // call looks at others; a call looks at a few only, so that there may be more than `most` for a while. The most recent one
  // stays.
  template <class Predicate>
  void shrink_to(std::size_t most, Predicate may_go) {
    const std::size_t others = entries_.empty() ? 0 : entries_.size() - 1;
    for (std::size_t left = std::min(kMaxLookedAt, others); left > 0 && entries_.size() > most; --left) {
      const auto oldest = std::prev(entries_.end());
      if (may_go(oldest->second)) {
        index_.erase(oldest->first);
        entries_.erase(oldest);
      } else {
        entries_.splice(entries_.begin(), entries_, oldest);
      }
    }
  }
  void shrink_to(std::size_t most) {
    shrink_to(most, [](const Value&) { return true; });
  }

  std::size_t size() const { return entries_.size(); }
  typename Entries::iterator begin() { return entries_.begin(); }
  typename Entries::iterator end() { return entries_.end(); }

 private:
  static constexpr std::size_t kMaxLookedAt = 8;  // more than are added between two calls, so that it comes down to `most` again

  Entries entries_;  // the most recent one first
  std::map<Key, typename Entries::iterator> index_;
};

}  // namespace postern
