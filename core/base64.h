// Base64 of RFC 4648 §4, strict: padding required, no blanks, unused bits zero.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern {

std::optional<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view octets);

}  // namespace postern
