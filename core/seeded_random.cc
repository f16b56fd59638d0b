#include "core/seeded_random.h"

namespace postern {

// splitmix64.
void SeededRandom::fill(std::span<std::uint8_t> octets) {
  for (auto& octet : octets) {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    octet = static_cast<std::uint8_t>(z >> 56);
  }
}

}  // namespace postern
