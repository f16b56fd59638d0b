// How many lines a second one party can cause in the log: nobody fills the disk, or hides among his own lines what others did.
#pragma once

#include "core/recent_map.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace postern {

// Parties remembered; the longest quiet one goes first.
inline constexpr std::size_t kMaxLogParties = 65'536;

template <class Party>
class LogBudget {
 public:
  explicit LogBudget(std::uint32_t lines_per_second) : lines_per_second_(lines_per_second) {}

  // Whether the line is written; one that is not is counted. `second`: of any clock that only goes forth. Any thread.
  bool take(const Party& party, std::int64_t second) {
    const std::lock_guard lock(mutex_);
    const auto [entry, is_new] = entries_.touch(party);
    if (is_new) entries_.shrink_to(kMaxLogParties);
    if (entry.second != second) {
      entry.second = second;
      entry.lines = 0;
    }
    if (entry.lines < lines_per_second_) {
      ++entry.lines;
      return true;
    }
    ++left_out_[party];
    return false;
  }

  // Who had lines left out since the last call, and how many.
  std::vector<std::pair<Party, std::uint64_t>> take_left_out() {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<Party, std::uint64_t>> taken(left_out_.begin(), left_out_.end());
    left_out_.clear();
    return taken;
  }

 private:
  struct Entry {
    std::int64_t second = 0;
    std::uint32_t lines = 0;
  };

  const std::uint32_t lines_per_second_;
  std::mutex mutex_;
  RecentMap<Party, Entry> entries_;
  std::map<Party, std::uint64_t> left_out_;  // between two calls of take_left_out(): as many as write that often
};

}  // namespace postern
