#include "app/output.h"

#include "core/bytes.h"
#include "core/time_format.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace postern::app {
namespace {

struct Character {
  char32_t point = 0;
  std::size_t octets = 1;
  bool is_valid = false;
};

// The character at the start of `text`, which is not empty.
Character decode_character(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1, true};
  const std::size_t octets = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (text.size() < octets || !is_valid_utf8(text.substr(0, octets))) return {first, 1, false};
  char32_t point = first & (0xffU >> (octets + 1));
  for (std::size_t i = 1; i < octets; ++i) point = (point << 6) | (static_cast<unsigned char>(text[i]) & 0x3fU);
  return {point, octets, true};
}

bool is_control(char32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x061c || (point >= 0x200b && point <= 0x200f) ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff;
}

std::string hex_escape(std::string_view octets) {
  std::string text;
  std::array<char, 8> buffer{};
  for (const char c : octets) {
    std::snprintf(buffer.data(), buffer.size(), "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += buffer.data();
  }
  return text;
}

// `point` lies in the basic plane, as every control does.
std::string json_escape(char32_t point) {
  std::array<char, 8> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "\\u%04x", static_cast<unsigned>(point));
  return buffer.data();
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

}  // namespace

std::string to_json(const json::value& value) {
  const std::string serialized = json::serialize(value);
  // The library escapes C0 only, and takes every octet. Any other control stands within a string, where its escape means the same.
  std::string text;
  for (std::string_view rest = serialized; !rest.empty();) {
    const Character character = decode_character(rest);
    if (!character.is_valid) {
      text += "\xef\xbf\xbd";
    } else if (is_control(character.point)) {
      text += json_escape(character.point);
    } else {
      text += rest.substr(0, character.octets);
    }
    rest.remove_prefix(character.octets);
  }
  return text;
}

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Character character = decode_character(text);
    const auto octets = text.substr(0, character.octets);
    const bool is_shown = character.is_valid && !is_control(character.point);
    result += is_shown ? std::string(octets) : hex_escape(octets);
    text.remove_prefix(character.octets);
  }
  return result;
}

std::string format_table(const std::vector<std::string>& titles, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> lines{titles};
  for (const auto& row : rows) {
    lines.emplace_back();
    for (const auto& cell : row) lines.back().push_back(printable(cell));
  }
  std::vector<std::size_t> widths(titles.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], width_of(line[i]));
  }
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) text += line[i] + std::string(widths[i] + 2 - width_of(line[i]), ' ');
    text += line.back() + "\n";
  }
  return text;
}

std::string format_facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::size_t width = 0;
  for (const auto& [name, value] : facts) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, value] : facts) text += name + std::string(width + 2 - name.size(), ' ') + printable(value) + "\n";
  return text;
}

std::string format_time(const std::optional<Instant>& instant) {
  if (!instant) return "-";
  std::string text = format_rfc3339(*instant);
  if (const auto t = text.find('T'); t != std::string::npos) text[t] = ' ';
  if (text.ends_with('Z')) text.pop_back();
  return text;
}

}  // namespace postern::app
