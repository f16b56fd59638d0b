// Destinations that wait for their turn, each once. Pure.
#pragma once

#include "relay/due_reader.h"

#include <deque>
#include <optional>
#include <unordered_set>

namespace postern::relay {

class Turns {
 public:
  void join(HopId hop) {
    if (waiting_.insert(hop).second) order_.push_back(hop);
  }
  std::optional<HopId> next() {
    if (order_.empty()) return std::nullopt;
    const HopId hop = order_.front();
    order_.pop_front();
    waiting_.erase(hop);
    return hop;
  }
  bool is_empty() const { return order_.empty(); }
  void clear() {
    order_.clear();
    waiting_.clear();
  }

 private:
  std::deque<HopId> order_;
  std::unordered_set<HopId> waiting_;
};

}  // namespace postern::relay
