// BodyRoom: how many octets of bodies a server's connections hold together. One key may open many connections and send a big
// body on each: without a bound on the sum, who may send at all could take all memory. Any thread.
#pragma once

#include <atomic>
#include <cstddef>

namespace postern::http {

class BodyRoom {
 public:
  explicit BodyRoom(std::size_t most) : left_(most) {}
  BodyRoom(const BodyRoom&) = delete;
  BodyRoom& operator=(const BodyRoom&) = delete;

  // False: so much is not left, and nothing is taken.
  [[nodiscard]] bool take(std::size_t octets) {
    std::size_t left = left_.load(std::memory_order_relaxed);
    do {
      if (octets > left) return false;
    } while (!left_.compare_exchange_weak(left, left - octets, std::memory_order_relaxed));
    return true;
  }
  void give_back(std::size_t octets) { left_.fetch_add(octets, std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> left_;
};

}  // namespace postern::http
