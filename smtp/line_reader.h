// CRLF framing of command lines. Only CR LF ends a line (RFC 5321 §2.3.8); a NUL, or a CR or LF on its own, is a violation.
#pragma once

#include <cstddef>
#include <string_view>

namespace postern::smtp {

enum class LineStatus { NeedMore, Line, TooLong, BadOctet };

struct LineResult {
  LineStatus status = LineStatus::NeedMore;
  std::string_view line;     // without CRLF, into the buffer
  std::size_t consumed = 0;  // with CRLF
};

// Looks for the first line in `buffer`. `limit`: octets with CRLF. `searched`: octets at the start that an earlier call has
// found to hold no LF, so that a line dripped in octet by octet costs linear time.
LineResult read_line(std::string_view buffer, std::size_t limit, std::size_t searched);

}  // namespace postern::smtp
