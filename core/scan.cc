#include "core/scan.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace postern {

// An octet is below `bound` where the difference borrows into its high bit, which it has not itself. What a borrow spoils are
// later octets: the first that is found is right.
std::size_t find_below(std::string_view text, unsigned char bound, std::size_t from) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  std::size_t at = from;
  for (std::uint64_t word = 0; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    const std::uint64_t below = (word - kOnes * bound) & ~word & kHighBits;
    if (below != 0) return at + static_cast<std::size_t>(std::countr_zero(below)) / 8;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) >= bound) ++at;
  return at;
}

}  // namespace postern
