#include "core/bytes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace postern {

std::string to_ascii_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = ascii_lower(c);
  return lower;
}

std::string_view trim_ascii_space(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 10);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::string format_hex(std::span<const std::uint8_t> octets) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(octets.size() * 2);
  for (const std::uint8_t octet : octets) {
    text.push_back(kDigits[octet >> 4]);
    text.push_back(kDigits[octet & 15]);
  }
  return text;
}

std::string format_base32hex(std::span<const std::uint8_t> octets) {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuv";
  std::string text((octets.size() * 8 + 4) / 5, '0');
  char* out = text.data();
  std::uint32_t held = 0;
  int bits = 0;
  for (const std::uint8_t octet : octets) {
    held = (held << 8) | octet;
    for (bits += 8; bits >= 5; bits -= 5) *out++ = kDigits[(held >> (bits - 5)) & 31];
  }
  if (bits > 0) *out = kDigits[(held << (5 - bits)) & 31];
  return text;
}

std::optional<std::vector<std::uint8_t>> parse_base32hex(std::string_view text) {
  std::vector<std::uint8_t> octets;
  octets.reserve(text.size() * 5 / 8);
  std::uint32_t held = 0;
  int bits = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (is_ascii_digit(c)) {
      value = static_cast<std::uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'v') {
      value = static_cast<std::uint32_t>(c - 'a' + 10);
    } else {
      return std::nullopt;
    }
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      octets.push_back(static_cast<std::uint8_t>(held >> bits));
    }
  }
  // One text for one value: no spare characters, spare bits zero.
  if (bits >= 5 || (held & ((1U << bits) - 1)) != 0) return std::nullopt;
  return octets;
}

bool equals_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  if (a.size() != b.size()) return false;
  std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

namespace {

// Octets of the UTF-8 sequence at the start of `text` (RFC 3629 §4), 0 if it is not one.
std::size_t utf8_sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto is_tail = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return is_tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool is_overlong = first == 0xE0 && at(1) < 0xA0;
    const bool is_surrogate = first == 0xED && at(1) > 0x9F;
    return is_tail(1) && is_tail(2) && !is_overlong && !is_surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool is_overlong = first == 0xF0 && at(1) < 0x90;
    const bool is_beyond = first == 0xF4 && at(1) > 0x8F;
    return is_tail(1) && is_tail(2) && is_tail(3) && !is_overlong && !is_beyond ? 4 : 0;
  }
  return 0;
}

constexpr std::uint64_t kHighBits = 0x8080808080808080U;

// Octets of ASCII at the start of `text`, in steps of 32 and then of eight: most text is nothing else.
std::size_t ascii_words(std::string_view text) {
  std::size_t octets = 0;
  for (std::array<std::uint64_t, 4> words; octets + sizeof words <= text.size(); octets += sizeof words) {
    std::memcpy(words.data(), text.data() + octets, sizeof words);
    if (((words[0] | words[1] | words[2] | words[3]) & kHighBits) != 0) break;
  }
  for (std::uint64_t word = 0; octets + sizeof word <= text.size(); octets += sizeof word) {
    std::memcpy(&word, text.data() + octets, sizeof word);
    if ((word & kHighBits) != 0) break;
  }
  return octets;
}

}  // namespace

bool has_high_octet(std::string_view text) {
  text.remove_prefix(ascii_words(text));
  unsigned char all = 0;
  for (const char c : text.substr(0, sizeof(std::uint64_t))) all |= static_cast<unsigned char>(c);
  return (all & 0x80U) != 0;
}

bool is_printable_ascii(std::string_view text) {
  bool is_plain = true;
  for (const char c : text) is_plain &= static_cast<unsigned char>(c - 0x20) < 0x5F;
  return is_plain;
}

bool is_valid_utf8(std::string_view text) {
  for (;;) {
    text.remove_prefix(ascii_words(text));
    if (text.empty()) return true;
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
}

bool has_deceptive_code_point(std::string_view utf8) {
  for (std::size_t i = 0; i + 1 < utf8.size(); ++i) {
    const auto a = static_cast<unsigned char>(utf8[i]);
    const auto b = static_cast<unsigned char>(utf8[i + 1]);
    const auto c = i + 2 < utf8.size() ? static_cast<unsigned char>(utf8[i + 2]) : 0U;
    if (a == 0xC2 && ((b >= 0x80 && b <= 0xA0) || b == 0xAD)) return true;     // U+0080 to U+00A0, U+00AD
    if (a == 0xD8 && b == 0x9C) return true;                                   // U+061C
    if (a == 0xE2 && b == 0x80 && ((c >= 0x8B && c <= 0x8F) || (c >= 0xA8 && c <= 0xAF))) return true;
    if (a == 0xE2 && b == 0x81 && c >= 0xA0 && c <= 0xAF) return true;         // U+2060 to U+206F
    if (a == 0xEF && b == 0xBB && c == 0xBF) return true;                      // U+FEFF
    if (a == 0xF3 && b == 0xA0) return true;                                   // U+E0000 to U+E0FFF: tags
  }
  return false;
}

std::string printable_utf8(std::string_view text, std::size_t limit) {
  if (text.size() <= limit && is_printable_ascii(text)) return std::string(text);  // as good as always
  std::string printable;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    std::string_view piece = text.substr(0, std::max<std::size_t>(length, 1));
    text.remove_prefix(piece.size());
    const auto first = static_cast<unsigned char>(piece.front());
    const bool is_control = first < 0x20 || first == 0x7F;
    if (first == '\t') piece = " ";
    if ((is_control && first != '\t') || length == 0 || (length > 1 && has_deceptive_code_point(piece))) piece = "?";
    if (printable.size() + piece.size() > limit) break;
    printable.append(piece);
  }
  return printable;
}

std::string escape_for_log(std::string_view text, std::size_t limit) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string escaped;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    std::string piece;
    if (c == '\\') {
      piece = "\\\\";
    } else if (octet >= 0x20 && octet < 0x7F) {
      piece = std::string(1, c);
    } else {
      piece = {'\\', 'x', kDigits[octet >> 4], kDigits[octet & 15]};
    }
    if (escaped.size() + piece.size() > limit) return escaped + "…";
    escaped += piece;
  }
  return escaped;
}

}  // namespace postern
