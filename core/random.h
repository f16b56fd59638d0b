// Chance as a value that tests can script.
#pragma once

#include <cstdint>
#include <span>

namespace postern {

class Random {
 public:
  virtual ~Random() = default;
  // Fills with unpredictable octets. Any thread. Never fails: SystemRandom aborts where the kernel gives none.
  virtual void fill(std::span<std::uint8_t> octets) = 0;

  // Uniform in [0, bound), without modulo bias. Requires: bound > 0.
  std::uint64_t below(std::uint64_t bound);
};

// getrandom(2); a few octets at a time come from a pool of the thread's own. Not for a process that forks without exec.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> octets) override;
};

}  // namespace postern
