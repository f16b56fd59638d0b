// Replies as a client reads them (RFC 5321 §4.2), from a peer that is not trusted: lines, lines per reply and octets per reply
// are bounded, LF ends a line with or without CR, and what comes out is printable. In the flow: client_session feeds octets, takes
// replies.
//
// A reply that breaks a bound or the grammar is a ReplyProblem, and the connection is given up: a peer that cannot frame a
// reply cannot be kept in step (CVE-2020-8794 lived in a tolerant reader of continuation lines).
#pragma once

#include "core/status.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::smtp {

// RFC 5321 §4.5.3.1.5 says 512 with CRLF; long policy texts and AUTH lists are seen above it, nothing honest above this.
inline constexpr std::size_t kMaxReplyLineOctets = 2'048;
// Long EHLO replies have about 30 lines, long policy texts about 20.
inline constexpr std::size_t kMaxReplyLines = 100;
inline constexpr std::size_t kMaxReplyOctets = 16'384;
// What is kept of a reply's text for events, logs and notices.
inline constexpr std::size_t kMaxReplyTextOctets = 1'000;

// `status.text` and `lines` are printable UTF-8 (RFC 6531 §3.7.4.2 lets a reply have it), see printable_utf8().
struct Reply {
  Status status;      // text: all lines joined by a space, enhanced codes taken off, at most kMaxReplyTextOctets
  std::string lines;  // text of each line as it came, enhanced code included, each ended by '\n': for EHLO

  std::uint16_t code() const { return status.code; }
  bool is_completion() const { return code() >= 200 && code() < 300; }
  bool is_intermediate() const { return code() >= 300 && code() < 400; }
};

enum class ReplyProblem { BadCode, BareCr, Nul, LineTooLong, ReplyTooLong, CodeChanged };

// "reply line too long" and so on, for the status we report.
std::string_view reply_problem_text(ReplyProblem problem);

class ReplyParser {
 public:
  enum class Progress { NeedMore, Done, Failed };

  // Takes octets off the front of `input`: all of them (NeedMore), or up to the end of one reply (Done). After Failed only
  // problem() is meaningful, and the parser stays failed.
  Progress consume(std::string_view& input);
  // After Done: hands over the reply and starts afresh.
  Reply take();
  ReplyProblem problem() const { return problem_; }

 private:
  enum class LineKind { More, Last, Bad };

  bool append_to_line(std::string_view octets);
  LineKind take_line();
  LineKind fail(ReplyProblem problem);
  void keep_text(std::string_view text);

  std::string line_;  // the line under way, without its LF
  Reply reply_;
  std::size_t line_count_ = 0;
  std::size_t octets_ = 0;
  bool has_failed_ = false;
  ReplyProblem problem_ = ReplyProblem::BadCode;
};

}  // namespace postern::smtp
