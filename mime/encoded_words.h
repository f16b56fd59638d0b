// Encoded words (RFC 2047): text beyond ASCII in a header field. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::mime {

// RFC 2047 §2, of a line that holds an encoded word.
inline constexpr std::size_t kMaxEncodedLineOctets = 76;

// `text`, valid UTF-8, as encoded words for unstructured text and for phrases alike, folded (CR LF and a blank) so that each line
// keeps its bound. `column`: the octets that stand in front of the first word on its line. No character is cut in two.
std::string encode_words(std::string_view text, std::size_t column);

}  // namespace postern::mime
