#include "core/base64.h"

#include <array>
#include <cstdint>

namespace postern {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}

constexpr std::array<std::int8_t, 256> kValues = make_values();

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const std::size_t digits = text.size() - padding;

  std::string octets;
  octets.reserve(text.size() / 4 * 3);
  std::uint32_t held = 0;
  int bits = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const std::int8_t value = kValues[static_cast<unsigned char>(text[i])];
    if (value < 0) return std::nullopt;
    held = (held << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      octets.push_back(static_cast<char>((held >> bits) & 0xFF));
    }
  }
  // RFC 4648 §3.5: bits that no octet uses must be zero, so that each value has one text.
  if ((held & ((1U << bits) - 1)) != 0) return std::nullopt;
  return octets;
}

std::string encode_base64(std::string_view octets) {
  std::string text;
  text.reserve((octets.size() + 2) / 3 * 4);
  std::uint32_t held = 0;
  int bits = 0;
  for (const char c : octets) {
    held = (held << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) text.push_back(kAlphabet[(held >> (bits - 6)) & 63]);
  }
  if (bits > 0) text.push_back(kAlphabet[(held << (6 - bits)) & 63]);
  while (text.size() % 4 != 0) text.push_back('=');
  return text;
}

}  // namespace postern
