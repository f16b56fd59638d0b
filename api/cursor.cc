#include "api/cursor.h"

#include "core/bytes.h"

#include <cstdint>
#include <span>
#include <vector>

namespace postern::api {
namespace {

constexpr std::string_view kCursorPrefix = "cur_";
constexpr char kCursorForm = 1;  // its first octet; another one says another form

}  // namespace

std::string format_cursor(std::string_view position) {
  const std::string octets = kCursorForm + std::string(position);
  return std::string(kCursorPrefix) +
         format_base32hex(std::span(reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()));
}

std::optional<std::string> parse_cursor(std::string_view text) {
  if (!text.starts_with(kCursorPrefix)) return std::string(text);
  const auto octets = parse_base32hex(text.substr(kCursorPrefix.size()));
  if (!octets || octets->size() < 2 || octets->front() != kCursorForm) return std::nullopt;
  return std::string(octets->begin() + 1, octets->end());
}

}  // namespace postern::api
