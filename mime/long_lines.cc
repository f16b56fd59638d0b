#include "mime/long_lines.h"

#include "core/bytes.h"
#include "core/quoted_printable.h"

#include <string.h>

#include <algorithm>
#include <optional>

namespace postern::mime {
namespace {

constexpr std::size_t kFoldedLineOctets = 78;   // RFC 5322 §2.1.1: what a line should have at most
constexpr std::size_t kEncodedLineOctets = 76;  // RFC 2045 §6.7 and §6.8
constexpr std::string_view kEncodingField = "Content-Transfer-Encoding";

constexpr std::string_view kHeaderIsEightBit = "a header section of it is 8-bit";
constexpr std::string_view kIsSealed = "it is signed or encrypted as a whole";
constexpr std::string_view kTakesNoEncoding = "an 8-bit part of it may not be encoded";
constexpr std::string_view kHasNoParts = "its parts cannot be told apart";

bool is_fold_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_long(std::string_view line) { return without_line_end(line).size() > kMaxPlainLineOctets; }

// Octets up to the last LF and with it; 0: there is none. The library's rfind() goes octet by octet.
std::size_t whole_lines(std::string_view text) {
  const void* const lf = ::memrchr(text.data(), '\n', text.size());
  return lf == nullptr ? 0 : static_cast<std::size_t>(static_cast<const char*>(lf) - text.data()) + 1;
}

// Where a line that is too long is folded: before white space that has text on both sides, the last that keeps to the length that
// lines should have, or else the first behind it; right behind the field's name only where there is no other. npos: nowhere.
std::size_t folding_point(std::string_view line) {
  const std::size_t text_begin = line.find_first_not_of(" \t");
  const std::size_t text_end = line.find_last_not_of(" \t\r\n");
  std::size_t best = std::string_view::npos;
  std::size_t behind_name = std::string_view::npos;
  for (std::size_t i = text_begin; i < text_end; ++i) {
    if (!is_fold_blank(line[i]) || is_fold_blank(line[i - 1])) continue;
    if (text_begin == 0 && line.find(':') + 1 == i) {
      behind_name = i;
      continue;
    }
    if (i > kFoldedLineOctets && best != std::string_view::npos) break;
    best = i;
    if (i > kFoldedLineOctets) break;
  }
  return best == std::string_view::npos ? behind_name : best;
}

// "name=value" of a Content-Type, quotes undone; nullopt: not there.
std::optional<std::string> parameter_of(std::string_view value, std::string_view name) {
  for (std::size_t at = value.find(';'); at != std::string_view::npos;) {
    std::string_view rest = trim_ascii_space(value.substr(at + 1));
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = trim_ascii_space(rest.substr(0, equals));
    rest = trim_ascii_space(rest.substr(equals + 1));
    std::string text;
    std::size_t end = 0;
    if (rest.starts_with('"')) {
      for (end = 1; end < rest.size() && rest[end] != '"'; ++end) {
        if (rest[end] == '\\' && end + 1 < rest.size()) ++end;
        text.push_back(rest[end]);
      }
    } else {
      end = std::min(rest.find_first_of("; \t\r\n"), rest.size());
      text = rest.substr(0, end);
    }
    if (equals_ignoring_case(key, name)) return text;
    at = rest.find(';', end);
    if (at != std::string_view::npos) value = rest;
  }
  return std::nullopt;
}

// Of a field's value, in lower case, without what may follow: parameters, comments.
std::string first_word(std::string_view value) {
  const std::string_view text = trim_ascii_space(value);
  return to_ascii_lower(text.substr(0, text.find_first_of("; \t\r\n(")));
}

// A line of quoted-printable, cut by soft line breaks and never within an escape.
void append_cut_quoted_printable(std::string& out, std::string_view line) {
  while (line.size() > kEncodedLineOctets) {
    std::size_t cut = kEncodedLineOctets - 1;
    for (std::size_t back = 1; back <= 2; ++back) {
      if (line[cut - back] == '=') cut -= back;
    }
    out.append(line.substr(0, cut)).append("=\r\n");
    line.remove_prefix(cut);
  }
  out.append(line);
}

// Of a line that should have none in its encoding.
std::string with_high_octets_escaped(std::string_view line) {
  std::string text;
  for (const char c : line) has_high_octet({&c, 1}) ? text.append(encode_quoted_printable({&c, 1})) : text.append(1, c);
  return text;
}
std::string without_high_octets(std::string_view line) {
  std::string text(line);
  std::erase_if(text, [](char c) { return has_high_octet({&c, 1}); });
  return text;
}

void append_cut_base64(std::string& out, std::string_view line) {
  for (; line.size() > kEncodedLineOctets; line.remove_prefix(kEncodedLineOctets)) {
    out.append(line.substr(0, kEncodedLineOctets)).append("\r\n");
  }
  out.append(line);
}

}  // namespace

bool has_long_line(std::string_view text) {
  constexpr std::size_t kSpan = kMaxPlainLineOctets + 2;  // an LF is in every so many octets, or a line is too long
  while (text.size() > kSpan) {
    const std::size_t whole = whole_lines(text.substr(0, kSpan));
    if (whole == 0) return true;
    text.remove_prefix(whole);
  }
  const std::size_t open = text.size() - whole_lines(text);
  return open > kMaxPlainLineOctets + 1;  // its CR may be there already
}

void LongLineWatch::feed(std::string_view content) {
  if (is_found_) return;
  const std::size_t lf = content.find('\n');
  if (lf == std::string_view::npos) {
    open_octets_ += content.size();
    is_found_ = open_octets_ > kMaxPlainLineOctets + 1;
    return;
  }
  is_found_ = open_octets_ + lf > kMaxPlainLineOctets + 1 || has_long_line(content.substr(lf + 1));
  open_octets_ = content.size() - whole_lines(content);
}

void append_folded(std::string& out, std::string_view field) {
  while (!field.empty()) {
    const std::size_t lf = field.find('\n');
    std::string_view line = field.substr(0, lf == std::string_view::npos ? lf : lf + 1);
    field.remove_prefix(line.size());
    while (is_long(line)) {
      const std::size_t at = folding_point(line);
      if (at == std::string_view::npos) break;
      out.append(line.substr(0, at)).append("\r\n");
      line.remove_prefix(at);
    }
    out.append(line);
  }
}

struct LineMender::PartHeader {
  enum class Kind { Body, Multipart, Message, Left };

  HeaderScan scan;
  std::string type = "text/plain";
  std::string boundary;
  Coding coding = Coding::None;
  bool says_eight_bit = false;
  Kind kind = Kind::Body;

  PartHeader(std::string_view section, bool is_in_digest, Mending mending) {
    scan.feed(section);
    scan.finish();
    if (is_in_digest) type = "message/rfc822";
    if (const HeaderField* field = scan.find("Content-Type")) {
      type = first_word(field->value);
      boundary = parameter_of(field->value, "boundary").value_or("");
    }
    const HeaderField* field = scan.find(kEncodingField);
    const std::string said = field ? first_word(field->value) : "7bit";
    says_eight_bit = said == "8bit" || said == "binary";
    if (said == "quoted-printable") {
      coding = Coding::QuotedPrintable;
    } else if (said == "base64") {
      coding = Coding::Base64;
    } else if (said != "7bit" && !says_eight_bit) {
      coding = Coding::Other;
    }
    kind = kind_for(mending);
  }
  bool is_sealed() const { return type == "multipart/signed" || type == "multipart/encrypted"; }

 private:
  Kind kind_for(Mending mending) const {
    if (is_sealed()) return Kind::Left;
    if (type.starts_with("multipart/")) return Kind::Multipart;
    if (!type.starts_with("message/")) return Kind::Body;
    // RFC 6532 §3.7, RFC 6533 §6: these take an encoding, unlike all others of their kind (RFC 2045 §6.4).
    const bool is_global = type.starts_with("message/global");
    if (is_global && mending == Mending::HighOctets) return Kind::Body;
    const bool is_readable = coding == Coding::None && (type == "message/rfc822" || type == "message/global");
    return is_readable ? Kind::Message : Kind::Left;
  }
};

bool LineMender::is_faulty(std::string_view line) const {
  return mending_ == Mending::LongLines ? is_long(line) : has_high_octet(line);
}

void LineMender::note_obstacle(std::string_view why) {
  if (obstacle_.empty()) obstacle_ = why;
}

void LineMender::begin_writing() {
  LineMender second(mending_);
  second.is_writing_ = second.is_needed_ = true;
  second.has_faulty_lines_ = std::move(has_faulty_lines_);
  *this = std::move(second);
}

void LineMender::feed(std::string_view content, std::string& out) {
  while (!content.empty()) {
    const std::size_t lf = content.find('\n');
    const std::string_view piece = content.substr(0, lf == std::string_view::npos ? lf : lf + 1);
    content.remove_prefix(piece.size());
    if (lf == std::string_view::npos || !line_.empty()) line_.append(piece);
    if (lf == std::string_view::npos) return;
    take_line(line_.empty() ? piece : line_, out);
    line_.clear();
  }
}

void LineMender::finish(std::string& out) {
  if (!line_.empty()) take_line(line_, out);
  line_.clear();
  if (place_ == Place::Header) copy(header_, kHeaderIsEightBit, out);
  leave_to(0);
}

void LineMender::copy(std::string_view text, std::string_view if_high, std::string& out) {
  if (is_writing_) {
    out.append(text);
  } else if (mending_ == Mending::HighOctets && has_high_octet(text)) {
    note_obstacle(if_high);
  }
}

void LineMender::take_line(std::string_view line, std::string& out) {
  if (take_boundary(line, out)) return;
  if (place_ == Place::Body) return take_body_line(line, out);
  if (place_ == Place::Between) return take_between(line, out);
  if (place_ == Place::Header && header_.size() <= kMaxHeaderOctets) {
    header_.append(line);
    if (without_line_end(line).empty()) end_header(out);
    return;
  }
  if (place_ == Place::Header) {
    // No header section is that long.
    copy(header_, kHeaderIsEightBit, out);
    place_ = Place::Left;
    left_for_ = kHasNoParts;
  }
  copy(line, left_for_, out);
}

void LineMender::take_between(std::string_view line, std::string& out) {
  const bool is_lost = mending_ == Mending::HighOctets && has_high_octet(line);
  if (is_lost && !is_writing_) {
    is_needed_ = true;
    if (!around_.empty()) around_.back().is_garbled = true;
  }
  if (!is_writing_) return;
  for (const char c : line) out.push_back(is_lost && has_high_octet({&c, 1}) ? '?' : c);
}

// A multipart without any part is all preamble: there readers may well show what stands in it.
void LineMender::leave_to(std::size_t level) {
  for (; around_.size() > level; around_.pop_back()) {
    if (around_.back().is_garbled && !around_.back().has_parts) note_obstacle(kHasNoParts);
  }
}

// The innermost multipart that the line is a delimiter of ends what is within it (RFC 2046 §5.1.2).
bool LineMender::take_boundary(std::string_view line, std::string& out) {
  if (around_.empty() || !line.starts_with("--")) return false;
  std::string_view text = without_line_end(line);
  while (!text.empty() && is_fold_blank(text.back())) text.remove_suffix(1);
  for (std::size_t level = around_.size(); level-- > 0;) {
    const std::string& delimiter = around_[level].delimiter;
    const bool is_end = text.size() == delimiter.size() + 2 && text.ends_with("--") && text.starts_with(delimiter);
    if (text != delimiter && !is_end) continue;
    if (place_ == Place::Header) copy(header_, kHeaderIsEightBit, out);
    leave_to(is_end ? level : level + 1);
    if (is_writing_) out.append(line);
    if (is_end) {
      place_ = Place::Between;
    } else {
      around_[level].has_parts = true;
      begin_header(false);
    }
    return true;
  }
  return false;
}

void LineMender::begin_header(bool is_message) {
  place_ = Place::Header;
  is_message_header_ = is_message;
  header_.clear();
}

void LineMender::end_header(std::string& out) {
  const PartHeader header(header_, !is_message_header_ && around_.back().is_digest, mending_);
  // Else some line of it is no field: who knows what readers make of it.
  const bool is_section = header.scan.has_empty_line() && !header.scan.has_dropped_line();
  if (!is_section || (mending_ == Mending::HighOctets && !is_writing_)) {
    copy(header_, kHeaderIsEightBit, out);
  } else if (is_writing_) {
    write_header(out, header);
  } else if (has_long_line(header.scan.section())) {
    is_needed_ = true;
  }
  left_for_ = kHasNoParts;
  place_ = Place::Left;
  if (is_section) enter(header);
}

// What follows the header section.
void LineMender::enter(const PartHeader& header) {
  left_for_ = header.is_sealed() ? kIsSealed : kTakesNoEncoding;
  switch (header.kind) {
    case PartHeader::Kind::Left: return;
    case PartHeader::Kind::Message:
      if (around_.size() < kMaxMendedDepth) begin_header(true);
      return;
    case PartHeader::Kind::Multipart:
      left_for_ = kHasNoParts;
      if (header.boundary.empty() || around_.size() == kMaxMendedDepth) return;
      around_.push_back({.delimiter = "--" + header.boundary, .is_digest = header.type == "multipart/digest"});
      place_ = Place::Between;
      return;
    case PartHeader::Kind::Body: break;
  }
  if (bodies_ == kMaxMendedParts) return;
  ++bodies_;
  place_ = Place::Body;
  coding_ = header.coding;
  if (!is_writing_) has_faulty_lines_.push_back(false);
}

void LineMender::write_header(std::string& out, const PartHeader& header) const {
  const bool has_faults = bodies_ < has_faulty_lines_.size() && has_faulty_lines_[bodies_];
  const bool becomes_encoded = header.kind == PartHeader::Kind::Body && header.coding == Coding::None && has_faults;
  // Nothing is 8-bit any more. Of a part that has parts no encoding is said but that (RFC 2045 §6.4).
  const bool becomes_seven_bit = mending_ == Mending::HighOctets && header.says_eight_bit;
  for (const HeaderField& field : header.scan.fields()) {
    if ((becomes_encoded || becomes_seven_bit) && equals_ignoring_case(field.name, kEncodingField)) continue;
    const std::string_view text = std::string_view(header.scan.section()).substr(field.begin, field.end - field.begin);
    mending_ == Mending::LongLines ? append_folded(out, text) : static_cast<void>(out.append(text));
  }
  if (becomes_encoded && is_message_header_ && header.scan.count("MIME-Version") == 0) out.append("MIME-Version: 1.0\r\n");
  if (becomes_encoded) out.append(kEncodingField).append(": quoted-printable\r\n");
  out.append("\r\n");
}

void LineMender::take_body_line(std::string_view line, std::string& out) {
  if (!is_writing_) {
    if (!is_faulty(line)) return;
    if (coding_ == Coding::Other) return note_obstacle(kTakesNoEncoding);
    has_faulty_lines_.back() = true;
    is_needed_ = true;
    return;
  }
  const std::string_view text = without_line_end(line);
  has_faulty_lines_[bodies_ - 1] ? append_encoded(text, out) : static_cast<void>(out.append(text));
  out.append(line.substr(text.size()));
}

void LineMender::append_encoded(std::string_view text, std::string& out) const {
  switch (coding_) {
    case Coding::None: out.append(encode_quoted_printable(text)); break;
    case Coding::QuotedPrintable: append_cut_quoted_printable(out, with_high_octets_escaped(text)); break;
    case Coding::Base64: append_cut_base64(out, without_high_octets(text)); break;
    case Coding::Other: out.append(text); break;
  }
}

}  // namespace postern::mime
