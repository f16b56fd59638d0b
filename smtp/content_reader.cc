// See content_reader.h.
#include "smtp/content_reader.h"

#include "core/scan.h"
#include "smtp/limits.h"

namespace postern::smtp {

void ContentReader::add_to_line(std::size_t octets) {
  line_octets_ += octets;
  if (line_octets_ > kMaxTextLineOctets) has_long_line_ = true;
}

std::size_t ContentReader::skip_text(std::string_view input, std::size_t at) {
  while (at < input.size()) {
    const std::size_t stop = find_below(input, '\r' + 1, at);
    if (stop == input.size()) {
      add_to_line(stop - at);
      return stop;
    }
    const char c = input[stop];
    if (c == '\n') return std::string_view::npos;
    if (c != '\r') {  // a tab or the like is text
      has_nul_ = has_nul_ || c == '\0';
      add_to_line(stop + 1 - at);
      at = stop + 1;
      continue;
    }
    add_to_line(stop - at);
    at = stop + 1;
    state_ = State::Cr;
    const bool is_next_line_plain = at + 1 < input.size() && input[at] == '\n' && input[at + 1] != '.';
    if (!is_next_line_plain) return at;
    state_ = State::Text;
    line_octets_ = 0;
    ++at;
  }
  return at;
}

ContentReader::Piece ContentReader::finish(Progress progress, std::string_view content, std::size_t consumed) {
  octets_ += content.size();
  return {progress, content, consumed};
}

ContentReader::Piece ContentReader::read(std::string_view input) {
  std::size_t at = 0;
  while (at < input.size()) {
    const char c = input[at];
    switch (state_) {
      case State::LineStart:
        line_octets_ = 0;
        state_ = State::Text;
        if (c == '.') {
          // The span ends before the dot, which is stuffing or the end of data: neither is content.
          state_ = State::Dot;
          return finish(Progress::NeedMore, input.substr(0, at), at + 1);
        }
        break;
      case State::Text:
        at = skip_text(input, at);
        if (at == std::string_view::npos) return finish(Progress::BareNewline, {}, input.size());
        break;
      case State::Cr:
        if (c != '\n') return finish(Progress::BareNewline, {}, input.size());
        state_ = State::LineStart;
        ++at;
        break;
      case State::Dot:
        state_ = State::Text;
        if (c == '\r') {
          state_ = State::DotCr;
          ++at;
          return finish(Progress::NeedMore, {}, at);
        }
        break;
      case State::DotCr:
        if (c != '\n') return finish(Progress::BareNewline, {}, input.size());
        return finish(Progress::EndOfData, {}, at + 1);
    }
  }
  return finish(Progress::NeedMore, input, input.size());
}

}  // namespace postern::smtp
