#include "mime/header_scan.h"

#include "core/bytes.h"

#include <algorithm>

namespace postern::mime {
namespace {

constexpr std::size_t kUsualFields = 16;
constexpr std::size_t kUsualOctets = 2'048;

bool is_line_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Of the name that begins a line "name:" (RFC 5322 §2.2), up to the colon; 0: there is none. Blanks before the colon are the
// obsolete syntax (RFC 5322 §4.5), still seen.
std::size_t name_length(std::string_view line) {
  std::size_t end = 0;
  while (end < line.size() && line[end] > 0x20 && line[end] < 0x7F && line[end] != ':') ++end;
  std::size_t colon = end;
  while (colon < line.size() && is_line_space(line[colon])) ++colon;
  return colon < line.size() && line[colon] == ':' ? end : 0;
}

// What mbox files put before a message, and some programs send along.
bool is_mbox_line(std::string_view line) {
  return (line.starts_with("From ") || line.starts_with(">From ")) && name_length(line) == 0;
}

}  // namespace

std::size_t HeaderScan::feed(std::string_view content) {
  std::size_t taken = 0;
  if (section_.empty()) section_.reserve(std::min(content.size(), kUsualOctets));
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
    } else if (!take_line(line)) {
      complete(line_begin_, 0);
    }
  }
  return taken;
}

bool HeaderScan::take_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {
    if (fields_.empty()) return false;
  } else {
    const std::size_t name = name_length(line);
    if (name == 0) return false;
    if (fields_.empty()) fields_.reserve(kUsualFields);
    fields_.push_back({line_begin_, 0, line.substr(0, name), {}});
  }
  line_begin_ = section_.size();
  fields_.back().end = line_begin_;
  return true;
}

void HeaderScan::finish() {
  if (state_ != State::Reading) return;
  if (line_begin_ < section_.size()) {
    const std::size_t octets = section_.size();
    section_.append("\r\n");
    if (!take_line(std::string_view(section_).substr(line_begin_))) section_.resize(octets);
  }
  complete(line_begin_, 0);
}

void HeaderScan::complete(std::size_t section_octets, std::size_t skip) {
  body_start_ = section_.substr(section_octets + skip);
  section_.resize(section_octets);
  state_ = State::Complete;
  // The section has moved while it grew.
  const std::string_view all = section_;
  for (HeaderField& field : fields_) {
    const std::string_view text = all.substr(field.begin, field.end - field.begin);
    field.name = text.substr(0, field.name.size());
    field.value = text.substr(text.find(':', field.name.size()) + 1);
    if (field.value.ends_with("\r\n")) field.value.remove_suffix(2);
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
