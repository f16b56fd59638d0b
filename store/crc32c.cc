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
// The instruction gives its result three cycles late but takes a new input in each: three thirds of an input are summed at once.
// Three of these are what a row of content holds, but for a few octets.
constexpr std::size_t kThirdOctets = 1'352;
static_assert(kThirdOctets % 8 == 0);

// What a remainder becomes when kThirdOctets of zeros follow; for each of its octets by itself.
using ShiftTable = std::array<std::array<std::uint32_t, 256>, 4>;
constexpr ShiftTable make_shift_table() {
  std::array<std::uint32_t, 32> of_bit{};
  for (std::size_t bit = 0; bit < of_bit.size(); ++bit) {
    std::uint32_t remainder = std::uint32_t{1} << bit;
    for (std::size_t i = 0; i < kThirdOctets; ++i) remainder = kTable[remainder & 0xff] ^ (remainder >> 8);
    of_bit[bit] = remainder;
  }
  ShiftTable table{};
  for (std::size_t i = 0; i < 32 * 256; ++i) {
    const std::size_t bit = i / 256;
    const std::size_t octet = i % 256;
    if (((octet >> (bit % 8)) & 1) != 0) table[bit / 8][octet] ^= of_bit[bit];
  }
  return table;
}
constexpr ShiftTable kShift = make_shift_table();

std::uint32_t shift(std::uint64_t remainder) {
  return kShift[0][remainder & 0xff] ^ kShift[1][(remainder >> 8) & 0xff] ^ kShift[2][(remainder >> 16) & 0xff] ^
         kShift[3][(remainder >> 24) & 0xff];
}

std::uint64_t word_at(const char* octets) {
  std::uint64_t word = 0;
  std::memcpy(&word, octets, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(std::string_view octets, std::uint32_t previous) {
  std::uint64_t remainder = ~previous;
  for (; octets.size() >= 3 * kThirdOctets; octets.remove_prefix(3 * kThirdOctets)) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (const char* at = octets.data(); at != octets.data() + kThirdOctets; at += 8) {
      remainder = _mm_crc32_u64(remainder, word_at(at));
      second = _mm_crc32_u64(second, word_at(at + kThirdOctets));
      third = _mm_crc32_u64(third, word_at(at + 2 * kThirdOctets));
    }
    remainder = shift(shift(remainder) ^ second) ^ third;
  }
  for (; octets.size() >= 8; octets.remove_prefix(8)) remainder = _mm_crc32_u64(remainder, word_at(octets.data()));
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
