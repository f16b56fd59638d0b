// CRC-32C; see the header.
#include "store/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace postern::store {
namespace {

constexpr std::uint32_t kReversedPolynomial = 0x82f63b78;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t octet = 0; octet < 256; ++octet) {
    std::uint32_t remainder = octet;
    for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? kReversedPolynomial : 0);
    table[octet] = remainder;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kTable = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(std::string_view octets, std::uint32_t previous) {
  std::uint64_t remainder = ~previous;
  while (octets.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets.data(), 8);
    remainder = _mm_crc32_u64(remainder, word);
    octets.remove_prefix(8);
  }
  auto rest = static_cast<std::uint32_t>(remainder);
  for (const char octet : octets) rest = _mm_crc32_u8(rest, static_cast<unsigned char>(octet));
  return ~rest;
}
#endif

}  // namespace

std::uint32_t crc32c(std::string_view octets, std::uint32_t previous) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return crc32c_by_instruction(octets, previous);
#endif
  return crc32c_by_table(octets, previous);
}

std::uint32_t crc32c_by_table(std::string_view octets, std::uint32_t previous) {
  std::uint32_t remainder = ~previous;
  for (const char octet : octets) {
    remainder = kTable[(remainder ^ static_cast<unsigned char>(octet)) & 0xff] ^ (remainder >> 8);
  }
  return ~remainder;
}

}  // namespace postern::store
