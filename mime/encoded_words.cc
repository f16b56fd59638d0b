#include "mime/encoded_words.h"

#include "core/base64.h"
#include "core/bytes.h"

#include <algorithm>

namespace postern::mime {
namespace {

constexpr std::size_t kMaxWordOctets = 75;  // RFC 2047 §2
constexpr std::string_view kStart = "=?utf-8?";
constexpr std::size_t kFrameOctets = kStart.size() + 4;  // "q?" and "?="
constexpr std::size_t kLeastRoom = 12;  // for any one character: four octets of three digits each
constexpr std::string_view kFold = "\r\n ";

// RFC 2047 §5(3): what a phrase may hold; nothing more is needed elsewhere.
bool stays_in_q(char c) { return is_ascii_alnum(c) || std::string_view("!*+-/").find(c) != std::string_view::npos; }

std::string encode_q(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (stays_in_q(c)) {
      out.push_back(c);
    } else if (c == ' ') {
      out.push_back('_');
    } else {
      out.append({'=', kDigits[octet >> 4], kDigits[octet & 15]});
    }
  }
  return out;
}

std::size_t encoded_octets(std::string_view text, bool is_base64) {
  if (is_base64) return (text.size() + 2) / 3 * 4;
  const auto plain = std::ranges::count_if(text, [](char c) { return stays_in_q(c) || c == ' '; });
  return text.size() * 3 - static_cast<std::size_t>(plain) * 2;
}

std::size_t character_octets(std::string_view text) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  return static_cast<std::size_t>(std::find_if_not(text.begin() + 1, text.end(), continues) - text.begin());
}

// As many whole characters from the front of `text` as fit, one at least.
std::string_view take_fitting(std::string_view& text, std::size_t room, bool is_base64) {
  std::size_t end = character_octets(text);
  while (end < text.size()) {
    const std::size_t next = end + character_octets(text.substr(end));
    if (encoded_octets(text.substr(0, next), is_base64) > room) break;
    end = next;
  }
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end);
  return taken;
}

}  // namespace

std::string encode_words(std::string_view text, std::size_t column) {
  const bool is_base64 = encoded_octets(text, true) < encoded_octets(text, false);
  std::string out;
  while (!text.empty()) {
    const bool needs_line = !out.empty() || column + kFrameOctets + kLeastRoom > kMaxEncodedLineOctets;
    if (needs_line) {
      out.append(kFold);
      column = 1;
    }
    const std::size_t room = std::min(kMaxWordOctets, kMaxEncodedLineOctets - column) - kFrameOctets;
    const std::string_view part = take_fitting(text, room, is_base64);
    out.append(kStart).append(is_base64 ? "b?" : "q?").append(is_base64 ? encode_base64(part) : encode_q(part)).append("?=");
  }
  return out;
}

}  // namespace postern::mime
