// Content → mail data for the client side: a dot that opens a line is doubled (RFC 5321 §4.5.2), the data is ended by a line
// that holds one dot. Streaming: pieces may be cut anywhere. A bare CR or LF never leaves (RFC 5321 §2.3.8): peers that take
// one for a line end would read a second message out of ours.
#pragma once

#include <string>
#include <string_view>

namespace postern::smtp {

class DotStuffer {
 public:
  // Appends the stuffed form of `piece` to `out`. False: there is a bare CR or LF, `out` is as it was, and the data must not
  // be ended. A CR at the end of a piece waits here for its LF.
  [[nodiscard]] bool append(std::string_view piece, std::string& out);
  // Ends the data; adds the CRLF that the last line lacks, and the dot. False as above.
  [[nodiscard]] bool finish(std::string& out);

 private:
  std::size_t scan_lines(std::string_view piece, std::string& out);

  bool at_line_start_ = true;
  bool has_cr_waiting_ = false;
};

}  // namespace postern::smtp
