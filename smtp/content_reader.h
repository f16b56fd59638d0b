// Mail data → content: takes the dot-stuffing away, finds the end of data, refuses what could smuggle a second message
// (RFC 5321 §4.5.2, §2.3.8). Works on any split of the input and hands on long spans without copying.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postern::smtp {

class ContentReader {
 public:
  enum class Progress {
    NeedMore,
    EndOfData,    // CR LF . CR LF was read
    BareNewline,  // a CR without LF or an LF without CR: nothing behind it may be interpreted
  };

  struct Piece {
    Progress progress = Progress::NeedMore;
    std::string_view content;   // a span of `input`, empty if there is none
    std::size_t consumed = 0;   // octets of `input`; call again with the rest while progress is NeedMore and rest is left
  };

  // The next span. Requires: not called again after EndOfData or BareNewline.
  Piece read(std::string_view input);

  std::uint64_t octets() const { return octets_; }  // of content so far
  bool has_nul() const { return has_nul_; }
  bool has_long_line() const { return has_long_line_; }

 private:
  enum class State { LineStart, Text, Cr, Dot, DotCr };

  // Moves over text and line ends up to a dot that opens a line, a CR whose LF is not there yet or the end. Returns the new
  // position, npos for a violation.
  std::size_t skip_text(std::string_view input, std::size_t at);
  void add_to_line(std::size_t octets);
  Piece finish(Progress progress, std::string_view content, std::size_t consumed);

  State state_ = State::LineStart;
  std::uint64_t octets_ = 0;
  std::size_t line_octets_ = 0;
  bool has_nul_ = false;
  bool has_long_line_ = false;
};

}  // namespace postern::smtp
