// See dot_stuffer.h. One pass over each line, and one copy for each span between two doubled dots.
#include "smtp/dot_stuffer.h"

#include "core/scan.h"

namespace postern::smtp {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// The first CR or LF at or behind `from`.
std::size_t find_line_end(std::string_view text, std::size_t from) {
  for (;; ++from) {
    from = find_below(text, '\r' + 1, from);
    if (from == text.size() || text[from] == '\r' || text[from] == '\n') return from;
  }
}

}  // namespace

bool DotStuffer::append(std::string_view piece, std::string& out) {
  if (piece.empty()) return true;
  const std::size_t before = out.size();
  if (has_cr_waiting_) {
    if (piece.front() != '\n') return false;
    out.append("\r\n");
    piece.remove_prefix(1);
    has_cr_waiting_ = false;
    at_line_start_ = true;
  }
  if (!piece.empty() && piece.back() == '\r') {
    piece.remove_suffix(1);
    has_cr_waiting_ = true;
  }
  const std::size_t copied = scan_lines(piece, out);
  if (copied == kNone) {
    out.resize(before);
    return false;
  }
  out.append(piece.substr(copied));
  return true;
}

bool DotStuffer::finish(std::string& out) {
  if (has_cr_waiting_) return false;
  out.append(at_line_start_ ? ".\r\n" : "\r\n.\r\n");
  return true;
}

// Copies up to each dot to be doubled; returns how far it copied, or kNone at a bare CR or LF.
std::size_t DotStuffer::scan_lines(std::string_view piece, std::string& out) {
  std::size_t copied = 0;
  std::size_t line = 0;
  while (line < piece.size()) {
    if (at_line_start_ && piece[line] == '.') {
      out.append(piece.substr(copied, line - copied)).push_back('.');
      copied = line;
    }
    const std::size_t end = find_line_end(piece, line);
    at_line_start_ = end < piece.size();
    if (!at_line_start_) return copied;
    if (!piece.substr(end).starts_with("\r\n")) return kNone;
    line = end + 2;
  }
  return copied;
}

}  // namespace postern::smtp
