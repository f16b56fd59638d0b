// ASCII without a locale, hexadecimal, base32hex, and comparison in constant time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern {

constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_ascii_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_ascii_alnum(char c) { return is_ascii_digit(c) || is_ascii_alpha(c); }

std::string to_ascii_lower(std::string_view text);
constexpr bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if (text[i] != prefix[i] && ascii_lower(text[i]) != ascii_lower(prefix[i])) return false;
  }
  return true;
}
constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && starts_with_ignoring_case(a, b);
}
std::string_view trim_ascii_space(std::string_view text);  // a view into `text`

// Whole text, base 10, no sign, no overflow; nullopt otherwise.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);

std::string format_hex(std::span<const std::uint8_t> octets);
std::string format_base32hex(std::span<const std::uint8_t> octets);  // RFC 4648 §7, lower case, no padding
std::optional<std::vector<std::uint8_t>> parse_base32hex(std::string_view text);

// Duration depends on the lengths only.
bool equals_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

bool is_valid_utf8(std::string_view text);
// Any octet above 127.
bool has_high_octet(std::string_view text);
// Nothing but 0x20 to 0x7E.
bool is_printable_ascii(std::string_view text);

// Line and paragraph separators, bidirectional controls, zero-width joiners' kin, C1 controls, BOM: nothing of that belongs into
// an address or a name, and all of it deceives readers of logs. Requires: valid UTF-8.
bool has_deceptive_code_point(std::string_view utf8);

// At most `limit` octets of `text`, cut between characters: a tab becomes a space, a control, a deceptive code point or an octet
// that is no UTF-8 a '?'. What comes out is valid UTF-8.
std::string printable_utf8(std::string_view text, std::size_t limit);

// Printable ASCII stays; everything else becomes \xNN, a backslash \\. Never longer than `limit` plus "…". For logs and tables.
std::string escape_for_log(std::string_view text, std::size_t limit = 256);

}  // namespace postern
