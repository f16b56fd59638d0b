// Quoted-printable of RFC 2045 §6.7, for text: CRLF line ends stay line ends.
#pragma once

#include <string>
#include <string_view>

namespace postern {

// Printable ASCII in lines of at most 76 octets. A CR or LF on its own is an octet like others. No line
// begins with "--", which could be a multipart's delimiter.
std::string encode_quoted_printable(std::string_view text);

}  // namespace postern
