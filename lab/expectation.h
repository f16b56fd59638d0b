// Expectations of a run's mail: a list that people or programs write, and what comes of it. Pure but for reading the mail.
#pragma once

#include "core/result.h"
#include "lab/captured_mail.h"
#include "lab/mail_pattern.h"
#include "store/spool.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postern::lab {

inline constexpr std::size_t kMaxExpectations = 100;
inline constexpr std::size_t kMaxMailPerExpectation = 50;  // opened; a text can be looked for in so many

struct HeaderExpectation {
  std::string name;
  std::optional<std::string> holds;  // nullopt: it is there, or is not
  bool is_there = true;
};

struct Expectation {
  std::string name;                        // for the report
  MailPattern pattern;                     // which mail it is about
  std::uint64_t at_least = 1;
  std::optional<std::uint64_t> at_most;
  // Of every mail that fits the pattern:
  std::vector<std::string> text;           // what people read holds each of these
  std::vector<std::string> no_text;        // and none of these
  std::vector<std::string> html;           // the HTML as it is written holds each of these
  std::vector<HeaderExpectation> headers;
  std::vector<std::string> attachments;    // each is the name of one; "*" is any run of characters
  std::optional<std::string> link;         // one of its links, the same
  std::optional<std::uint64_t> max_octets;
  bool wants_code = false;                 // a one-time code is found
  bool wants_both_parts = false;           // text and HTML
  bool wants_one_click = false;            // RFC 8058, as the header section says it
  bool wants_no_faults = false;            // of lab/mail_check.h
  bool wants_sound_lines = false;          // at most 998 octets, and CR LF only (RFC 5321 §2.3.8, §4.5.3.1.6)
};

// {"expect": […]}; InvalidArgument with all that is wrong of it.
Result<std::vector<Expectation>> read_expectations(const json::value& body);

struct Verdict {
  std::string name;
  std::vector<MessageId> mails;       // that it is about
  std::vector<std::string> problems;  // one sentence each; empty: it holds

  bool has_passed() const { return problems.empty(); }
};

// What of `mail` is not as expected, one sentence each.
std::vector<std::string> judge_mail(const Expectation& expectation, const CapturedMail& mail);
Result<std::vector<Verdict>> judge_run(const store::Spool& spool, const AccountId& account, std::string_view run,
                                       const std::vector<Expectation>& expectations);

bool have_passed(const std::vector<Verdict>& verdicts);
json::array verdicts_json(const std::vector<Verdict>& verdicts);
// TAP 14, for people and for programs that read it.
std::string format_tap(const std::vector<Verdict>& verdicts);

}  // namespace postern::lab
