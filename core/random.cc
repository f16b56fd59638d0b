#include "core/random.h"

#include "core/check.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

namespace postern {

std::uint64_t Random::below(std::uint64_t bound) {
  POSTERN_CHECK(bound > 0);
  // Values below `threshold` would make small results likelier: draw again.
  const std::uint64_t threshold = (0 - bound) % bound;
  for (;;) {
    std::uint8_t octets[8];
    fill(octets);
    std::uint64_t value = 0;
    std::memcpy(&value, octets, sizeof value);
    if (value >= threshold) return value % bound;
  }
}

void SystemRandom::fill(std::span<std::uint8_t> octets) {
  std::size_t done = 0;
  while (done < octets.size()) {
    const ssize_t got = getrandom(octets.data() + done, octets.size() - done, 0);
    POSTERN_CHECK(got > 0 || errno == EINTR);
    if (got > 0) done += static_cast<std::size_t>(got);
  }
}

}  // namespace postern
