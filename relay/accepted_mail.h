// What other threads tell the queue: messages that were accepted, and that something changed. Any
// thread.
#pragma once

#include "store/records.h"

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace postern::relay {

class AcceptedMail {
 public:
  static constexpr std::size_t kMax =
      8'192;  // that wait to be looked at; beyond it they are found in the index

  void add(const store::DueEntry& entry) {
    const std::lock_guard lock(mutex_);
    if (entries_.size() < kMax) {
      entries_.push_back(entry);
    } else {
      is_more_ = true;
    }
  }
  // Something is due that nobody named.
  void say_more() { is_more_ = true; }
  std::vector<store::DueEntry> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(entries_, {});
  }
  bool take_more() { return is_more_.exchange(false); }

  // True: the queue is to be woken, and nobody has done so since it last looked.
  bool wants_wake() { return !is_woken_.exchange(true); }
  // To be called before the queue looks: what comes in between wakes it again.
  void woke() { is_woken_ = false; }

 private:
  std::mutex mutex_;
  std::vector<store::DueEntry> entries_;
  std::atomic<bool> is_more_{false};
  std::atomic<bool> is_woken_{false};
};

}  // namespace postern::relay
