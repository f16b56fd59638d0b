#include "mime/header_scan.h"

#include "core/bytes.h"

#include <algorithm>

namespace postern::mime {
namespace {

// "name:" at the start of a line (RFC 5322 §2.2), or the continuation of the field before.
bool is_header_line(std::string_view line, bool may_continue) {
  if (line.empty()) return false;
  if (line.front() == ' ' || line.front() == '\t') return may_continue;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  // Blanks before the colon are the obsolete syntax (RFC 5322 §4.5), still seen.
  const std::string_view name = trim_ascii_space(line.substr(0, colon));
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

// What mbox files put before a message, and some programs send along.
bool is_mbox_line(std::string_view line) {
  return (line.starts_with("From ") || line.starts_with(">From ")) && !is_header_line(line, false);
}

}  // namespace

std::size_t HeaderScan::feed(std::string_view content) {
  std::size_t taken = 0;
  while (state_ == State::Reading && taken < content.size()) {
    const std::size_t lf = content.find('\n', taken);
    const std::size_t end = lf == std::string_view::npos ? content.size() : lf + 1;
    section_.append(content.substr(taken, end - taken));
    taken = end;
    if (section_.size() > kMaxHeaderOctets) {
      state_ = State::TooBig;
      return taken;
    }
    if (lf == std::string_view::npos) break;
    const std::string_view line = std::string_view(section_).substr(line_begin_);
    if (line == "\r\n") {
      has_empty_line_ = true;
      complete(line_begin_, line.size());
    } else if (line_begin_ == 0 && is_mbox_line(line)) {
      section_.clear();
      has_dropped_line_ = true;
    } else if (!is_header_line(line, line_begin_ > 0)) {
      complete(line_begin_, 0);
    } else {
      line_begin_ = section_.size();
    }
  }
  return taken;
}

void HeaderScan::finish() {
  if (state_ != State::Reading) return;
  const std::string_view line = std::string_view(section_).substr(line_begin_);
  if (is_header_line(line, line_begin_ > 0)) {
    section_.append("\r\n");
    line_begin_ = section_.size();
  }
  complete(line_begin_, 0);
}

void HeaderScan::complete(std::size_t section_octets, std::size_t skip) {
  body_start_ = section_.substr(section_octets + skip);
  section_.resize(section_octets);
  state_ = State::Complete;
  cut_fields();
}

void HeaderScan::cut_fields() {
  const std::string_view all = section_;
  std::size_t begin = 0;
  while (begin < all.size()) {
    std::size_t end = begin;
    do {
      end = all.find('\n', end) + 1;
    } while (end != 0 && end < all.size() && (all[end] == ' ' || all[end] == '\t'));
    const std::string_view field = all.substr(begin, end - begin);
    const std::size_t colon = field.find(':');
    HeaderField cut{begin, end, trim_ascii_space(field.substr(0, colon)), field.substr(colon + 1)};
    if (cut.value.ends_with("\r\n")) cut.value.remove_suffix(2);
    fields_.push_back(cut);
    begin = end;
  }
}

std::size_t HeaderScan::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(), [&](const HeaderField& f) { return equals_ignoring_case(f.name, name); }));
}

const HeaderField* HeaderScan::find(std::string_view name) const {
  const auto found =
      std::find_if(fields_.begin(), fields_.end(), [&](const HeaderField& f) { return equals_ignoring_case(f.name, name); });
  return found == fields_.end() ? nullptr : &*found;
}

}  // namespace postern::mime
