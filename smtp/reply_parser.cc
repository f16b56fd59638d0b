// See reply_parser.h. A line is collected to its LF, then judged as a whole: NUL and bare CR are refused before any of it is used.
#include "smtp/reply_parser.h"

#include "core/bytes.h"

#include <algorithm>
#include <utility>

namespace postern::smtp {
namespace {

// Reply-code = %x32-35 %x30-35 %x30-39 (RFC 5321 §4.2).
// Deviation: a second digit of 6 to 9 is taken too. Servers do say 571, and a client decides by the first digit alone
// (RFC 5321 §4.3.2); reading a clear refusal as garbage would turn it into days of retries.
std::uint16_t parse_code(std::string_view line) {
  if (line.size() < 3) return 0;
  if (line[0] < '2' || line[0] > '5' || !is_ascii_digit(line[1]) || !is_ascii_digit(line[2])) return 0;
  return static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
}

// Takes "x.y.z" off the front of `text` if it is there and its class is that of the reply (RFC 2034 §4).
std::optional<EnhancedCode> take_enhanced_code(std::string_view& text, std::uint16_t code) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::optional<EnhancedCode> enhanced = parse_enhanced_code(text.substr(0, end));
  if (!enhanced || enhanced->klass != code / 100) return std::nullopt;
  text.remove_prefix(end);
  return enhanced;
}

}  // namespace

std::string_view reply_problem_text(ReplyProblem problem) {
  switch (problem) {
    case ReplyProblem::BadCode: return "not an SMTP reply";
    case ReplyProblem::BareCr: return "bare CR in a reply";
    case ReplyProblem::Nul: return "NUL in a reply";
    case ReplyProblem::LineTooLong: return "reply line too long";
    case ReplyProblem::ReplyTooLong: return "reply too long";
    case ReplyProblem::CodeChanged: return "reply code changed within a reply";
  }
  return "";
}

ReplyParser::Progress ReplyParser::consume(std::string_view& input) {
  while (!has_failed_ && !input.empty()) {
    const std::size_t lf = input.find('\n');
    const bool is_whole = lf != std::string_view::npos;
    const std::string_view octets = input.substr(0, is_whole ? lf : input.size());
    input.remove_prefix(octets.size() + (is_whole ? 1 : 0));
    if (!append_to_line(octets)) break;
    if (!is_whole) return Progress::NeedMore;
    const LineKind kind = take_line();
    if (kind == LineKind::Last) return Progress::Done;
  }
  return has_failed_ ? Progress::Failed : Progress::NeedMore;
}

Reply ReplyParser::take() {
  line_count_ = 0;
  octets_ = 0;
  return std::exchange(reply_, Reply{});
}

bool ReplyParser::append_to_line(std::string_view octets) {
  octets_ += octets.size() + 1;
  if (line_.size() + octets.size() + 1 > kMaxReplyLineOctets) fail(ReplyProblem::LineTooLong);
  if (octets_ > kMaxReplyOctets) fail(ReplyProblem::ReplyTooLong);
  if (has_failed_) return false;
  line_.append(octets);
  return true;
}

ReplyParser::LineKind ReplyParser::take_line() {
  // Deviation: LF alone ends a line, and CR CR LF does, as for Postfix: hops that say so can be kept in step all the same.
  while (line_.ends_with('\r')) line_.pop_back();
  if (line_.find('\r') != std::string::npos) return fail(ReplyProblem::BareCr);
  if (line_.find('\0') != std::string::npos) return fail(ReplyProblem::Nul);
  const std::uint16_t code = parse_code(line_);
  // The code may stand alone (RFC 5321 §4.2).
  const char separator = line_.size() > 3 ? line_[3] : ' ';
  if (code == 0 || (separator != ' ' && separator != '-')) return fail(ReplyProblem::BadCode);
  if (line_count_ > 0 && code != reply_.status.code) return fail(ReplyProblem::CodeChanged);
  if (++line_count_ > kMaxReplyLines) return fail(ReplyProblem::ReplyTooLong);
  reply_.status.code = code;
  keep_text(std::string_view(line_).substr(std::min<std::size_t>(4, line_.size())));
  line_.clear();
  return separator == '-' ? LineKind::More : LineKind::Last;
}

ReplyParser::LineKind ReplyParser::fail(ReplyProblem problem) {
  if (!has_failed_) problem_ = problem;
  has_failed_ = true;
  return LineKind::Bad;
}

void ReplyParser::keep_text(std::string_view text) {
  reply_.lines.append(printable_utf8(text, kMaxReplyLineOctets)).push_back('\n');

  const std::optional<EnhancedCode> enhanced = take_enhanced_code(text, reply_.status.code);
  if (enhanced && !reply_.status.enhanced) reply_.status.enhanced = enhanced;
  text = trim_ascii_space(text);
  std::string& kept = reply_.status.text;
  if (text.empty() || kept.size() >= kMaxReplyTextOctets) return;
  if (!kept.empty()) kept.push_back(' ');
  kept.append(printable_utf8(text, kMaxReplyTextOctets - std::min(kept.size(), kMaxReplyTextOctets)));
}

}  // namespace postern::smtp
