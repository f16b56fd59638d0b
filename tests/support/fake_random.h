// Chance that repeats: octets of a counter-driven mix, the same for the same seed.
#pragma once

#include "core/random.h"

#include <atomic>

namespace postern::test {

class FakeRandom final : public Random {
 public:
  explicit FakeRandom(std::uint64_t seed = 1) : state_(seed) {}

  void fill(std::span<std::uint8_t> octets) override {
    for (auto& octet : octets) {
      std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      octet = static_cast<std::uint8_t>(z >> 56);
    }
  }

 private:
  std::atomic<std::uint64_t> state_;
};

}  // namespace postern::test
