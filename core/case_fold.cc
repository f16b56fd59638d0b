#include "core/case_fold.h"

#include "core/bytes.h"

#include <cstddef>

namespace postern {
namespace {

// Code points of two octets (U+0080 to U+07FF): Unicode's simple lower-case mapping, as far as it stays in two octets.
char32_t lower_of_two(char32_t c) {
  const auto is_in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (is_in(0xC0, 0xDE) && c != 0xD7) return c + 0x20;
  const bool is_even_upper = is_in(0x100, 0x12F) || is_in(0x132, 0x137) || is_in(0x14A, 0x177);
  if (is_even_upper) return c | 1;
  const bool is_odd_upper = is_in(0x139, 0x148) || is_in(0x179, 0x17E);
  if (is_odd_upper) return (c & 1) != 0 ? c + 1 : c;
  if (c == 0x178) return 0xFF;
  if (c == 0x386) return 0x3AC;
  if (is_in(0x388, 0x38A)) return c + 0x25;
  if (c == 0x38C) return 0x3CC;
  if (c == 0x38E || c == 0x38F) return c + 0x3F;
  if (is_in(0x391, 0x3AB) && c != 0x3A2) return c + 0x20;
  if (is_in(0x400, 0x40F)) return c + 0x50;
  if (is_in(0x410, 0x42F)) return c + 0x20;
  if (is_in(0x460, 0x481) || is_in(0x48A, 0x4BF) || is_in(0x4D0, 0x52F)) return c | 1;
  if (is_in(0x531, 0x556)) return c + 0x30;
  return c;
}

}  // namespace

std::string fold_case(std::string_view text) {
  std::string folded = to_ascii_lower(text);
  for (std::size_t i = 0; i + 1 < folded.size(); ++i) {
    const auto first = static_cast<unsigned char>(folded[i]);
    const auto second = static_cast<unsigned char>(folded[i + 1]);
    if (first < 0xC2 || first > 0xDF || (second & 0xC0U) != 0x80) continue;
    const char32_t lower = lower_of_two(static_cast<char32_t>((first & 0x1FU) << 6 | (second & 0x3FU)));
    folded[i] = static_cast<char>(0xC0U | (lower >> 6));
    folded[i + 1] = static_cast<char>(0x80U | (lower & 0x3FU));
    ++i;
  }
  return folded;
}

}  // namespace postern
