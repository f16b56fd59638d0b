// See content_reader.h.
#include "smtp/content_reader.h"

#include "smtp/limits.h"

namespace postern::smtp {

std::size_t ContentReader::skip_text(std::string_view input, std::size_t at) {
  const std::string_view rest = input.substr(at);
  const std::size_t cr = rest.find('\r');
  const std::size_t end = cr == std::string_view::npos ? rest.size() : cr;
  if (rest.substr(0, end).find('\n') != std::string_view::npos) return std::string_view::npos;
  line_octets_ += end;
  if (line_octets_ > kMaxTextLineOctets) has_long_line_ = true;
  if (cr == std::string_view::npos) return input.size();
  state_ = State::Cr;
  return at + cr + 1;
}

ContentReader::Piece ContentReader::finish(Progress progress, std::string_view content, std::size_t consumed) {
  octets_ += content.size();
  if (content.find('\0') != std::string_view::npos) has_nul_ = true;
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
