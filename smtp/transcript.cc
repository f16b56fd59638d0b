#include "smtp/transcript.h"

#include "core/bytes.h"

#include <algorithm>

namespace postern::smtp {

void Transcript::add(char who, std::string_view line) {
  text_.append(1, who).append(": ").append(escape_for_log(line, kMaxSaidLine)).append("\n");
  if (text_.size() <= kMaxSaidOctets) return;
  // A quarter at once, so that this is rare.
  constexpr std::string_view kGap = "...\n";
  const std::size_t head = text_.rfind('\n', kTranscriptHeadOctets) + 1;
  const std::size_t end = text_.find('\n', head + kMaxSaidOctets / 4) + 1;
  text_.replace(head, end - head, kGap);
}

void Transcript::client_said(std::string_view verb, std::string_view line) {
  if (is_stopped_) return;
  if (verb != "AUTH") return add('C', line);
  const std::size_t mechanism = line.find(' ');
  const std::size_t secret = mechanism == std::string_view::npos ? mechanism : line.find(' ', mechanism + 1);
  add('C', line.substr(0, secret));
}

void Transcript::client_did(std::string_view what) {
  if (!is_stopped_) add('C', what);
}

void Transcript::server_said(std::string_view replies) {
  while (!is_stopped_ && !replies.empty()) {
    const std::size_t end = std::min(replies.find("\r\n"), replies.size());
    add('S', replies.substr(0, end));
    replies.remove_prefix(std::min(end + 2, replies.size()));
  }
}

std::string Transcript::text_with(std::string_view unsent) const {
  Transcript whole = *this;
  whole.server_said(unsent);
  return std::move(whole.text_);
}

void Transcript::stop() {
  is_stopped_ = true;
  text_ = {};
}

}  // namespace postern::smtp
