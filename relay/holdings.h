// What all destinations hold together, and the part of each. Pure.
#pragma once

#include <algorithm>
#include <cstddef>

namespace postern::relay {

class Holdings {
 public:
  // Of what all may hold, however many share it.
  static constexpr std::size_t kLeastShare = 32;

  explicit Holdings(std::size_t most) : most_(most) {}

  // An equal part for each that holds anything, and one for who comes next.
  std::size_t share() const { return std::max(most_ / (holders_ + 1), kLeastShare); }
  bool is_full() const { return weight_ >= most_; }
  // Beyond which no account's reserve goes.
  bool is_brimful() const { return weight_ >= 2 * most_; }

  // A destination, which held nothing before if `is_first`, holds so much more.
  void took(std::size_t weight, bool is_first) {
    weight_ += weight;
    holders_ += is_first ? 1 : 0;
  }
  // It holds so much less, nothing if `is_last`. True: there is room again.
  bool lost(std::size_t weight, bool is_last) {
    if (weight == 0) return false;
    const bool was_full = is_full();
    weight_ -= weight;
    holders_ -= is_last ? 1 : 0;
    return was_full && !is_full();
  }

 private:
  std::size_t most_;
  std::size_t weight_ = 0;
  std::size_t holders_ = 0;  // destinations that hold anything
};

}  // namespace postern::relay
