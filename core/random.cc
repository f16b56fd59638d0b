#include "core/random.h"

#include "core/check.h"

#include <sys/random.h>

#include <array>
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

namespace {

void fill_from_kernel(std::span<std::uint8_t> octets) {
  std::size_t done = 0;
  while (done < octets.size()) {
    const ssize_t got = getrandom(octets.data() + done, octets.size() - done, 0);
    POSTERN_CHECK(got > 0 || errno == EINTR);
    if (got > 0) done += static_cast<std::size_t>(got);
  }
}

// A message id takes ten octets: so many of them share one system call.
class Pool {
 public:
  void take(std::span<std::uint8_t> octets) {
    if (octets.size() > octets_.size() - used_) {
      fill_from_kernel(octets_);
      used_ = 0;
    }
    std::memcpy(octets.data(), octets_.data() + used_, octets.size());
    std::memset(octets_.data() + used_, 0, octets.size());  // what was given out may be a secret
    used_ += octets.size();
  }

 private:
  std::array<std::uint8_t, 512> octets_;
  std::size_t used_ = sizeof octets_;
};

constexpr std::size_t kMaxPooled = 32;  // secrets of any length worth guessing come from the kernel directly

}  // namespace

void SystemRandom::fill(std::span<std::uint8_t> octets) {
  thread_local Pool pool;
  if (octets.size() >= kMaxPooled) return fill_from_kernel(octets);
  if (!octets.empty()) pool.take(octets);
}

}  // namespace postern
