// Header fields as they are written: folded at their blanks (RFC 5322 §2.2.3), encoded (RFC 2047) where ASCII does not do. Each
// function returns whole lines with their CR LF, of at most 998 octets, and 76 where an encoded word stands. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::mime {

// Text for people: what a reader shows is `text`, also where it looks like an encoded word.
// Requires: valid UTF-8 without controls; no part without blanks above 900 octets.
std::string text_field(std::string_view name, std::string_view text);

// A value as it stands: ASCII is only folded. What is beyond ASCII becomes encoded words, the ASCII around it stays.
std::string verbatim_field(std::string_view name, std::string_view value);

// A display name (RFC 5322 phrase) and, behind it, `address`: atoms, a quoted string or encoded words, whatever brings any name
// back as it was. No line end behind it. `column`: octets in front of it on its line.
std::string named_address(std::string_view name, std::string_view address, std::size_t column);

}  // namespace postern::mime
