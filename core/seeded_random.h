// Chance that comes of a seed: the same for the same seed, wherever it is asked.
#pragma once

#include "core/random.h"

#include <cstdint>
#include <span>

namespace postern {

// One thread. Not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> octets) override;

 private:
  std::uint64_t state_;
};

}  // namespace postern
