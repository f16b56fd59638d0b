// BodyRoom: how many octets of bodies a server's connections hold together, and those of one account among them. One key may open
// many connections and send a big body on each: without a bound on the sum, who may send at all could take all memory, or all
// that is given to bodies. Any thread.
#pragma once

#include "core/ids.h"

#include <cstddef>
#include <map>
#include <mutex>

namespace postern::http {

class BodyRoom {
 public:
  BodyRoom(std::size_t most, std::size_t most_of_one) : left_(most), most_of_one_(most_of_one) {}
  BodyRoom(const BodyRoom&) = delete;
  BodyRoom& operator=(const BodyRoom&) = delete;

  // False: so much is not left, and nothing is taken.
  [[nodiscard]] bool take(const AccountId& account, std::size_t octets) {
    if (octets == 0) return true;
    const std::lock_guard lock(mutex_);
    if (octets > left_ || octets > most_of_one_) return false;
    std::size_t& held = held_[account];
    if (octets > most_of_one_ - held) return false;
    held += octets;
    left_ -= octets;
    return true;
  }
  void give_back(const AccountId& account, std::size_t octets) {
    if (octets == 0) return;
    const std::lock_guard lock(mutex_);
    left_ += octets;
    const auto held = held_.find(account);
    held->second -= octets;
    if (held->second == 0) held_.erase(held);
  }

 private:
  std::mutex mutex_;
  std::size_t left_;
  const std::size_t most_of_one_;
  std::map<AccountId, std::size_t> held_;  // of those that hold anything
};

}  // namespace postern::http
