#include "reception/notice.h"

#include "core/bytes.h"
#include "reception/returned_mail.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

namespace postern::reception {
namespace {

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

RE2::Options notice_options() {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  return options;
}

struct Line {
  std::string_view text;
  std::size_t begin = 0;
};

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back({text.substr(at, end - at), at});
    at = end + 1;
  }
  return lines;
}

// A line behind which the mail itself is quoted.
bool announces_original(std::string_view line) {
  static const RE2 pattern(
      R"(^[\s>*#=_~-]*(?:this is a copy of (?:the|your)|original message(?: header)?s?(?: follows?)?\b)"
      R"(|(?:un(?:sent|delivered)|returned|bounced|rejected) (?:message|e-?mail|mail)\s*(?:follows|is|[-:]|below|attached|$))"
      R"(|(?:message|mail) (?:headers?|text|contents?) (?:follow|of)|below this line is (?:a copy|the))"
      R"(|(?:the )?(?:original )?message follows)"
      R"(|headers? of the (?:original|message)|start of (?:the )?(?:original|returned)|begin(?:ning of)? (?:original|message))"
      R"(|here is (?:a copy|the (?:original|message))|copy of (?:the )?(?:original|your) message)"
      R"(|content of the (?:original )?message)"
      R"(|a copy of the original message|your (?:original )?message (?:follows|was|reads)\s*[:.-]*$|included is a copy))",
      notice_options());
  return RE2::PartialMatch(piece(line), pattern);
}

bool is_mail_field(std::string_view line) {
  static const RE2 pattern(
      R"(^(?:Received|Return-Path|Message-ID|MIME-Version|X-Received|X-Originating-IP|DKIM-Signature|Authentication-Results)"
      R"(|Delivered-To|ARC-Seal|Content-Type|Content-Transfer-Encoding|Date|From|To|Subject|Reply-To|X-Mailer)\s*:)",
      notice_options());
  return RE2::PartialMatch(piece(line), pattern);
}

bool is_trace_field(std::string_view line) {
  return starts_with_ignoring_case(line, "received:") || starts_with_ignoring_case(line, "return-path:");
}

// Amazon's notifications are JSON: what they say of each recipient, as a report would have it.
std::string fields_of_notification(std::string words) {
  if (words.find("notificationType") == std::string::npos) return words;
  std::erase(words, '\\');  // of a text within the text
  const struct {
    const char* pattern;
    const char* fields;
  } kRows[] = {{R"RE([{,]?\s*"emailAddress"\s*:\s*"([^"]*)"\s*,?)RE", "\nX-Actual-Recipient: \\1\n"},
               {R"RE([{,]?\s*"status"\s*:\s*"([^"]*)"\s*,?)RE", "\nStatus: \\1\n"},
               {R"RE([{,]?\s*"action"\s*:\s*"([^"]*)"\s*,?)RE", "\nAction: \\1\n"},
               {R"RE([{,]?\s*"diagnosticCode"\s*:\s*"([^"]*)"\s*,?)RE", "\nDiagnostic-Code: \\1\n"},
               {R"RE("recipients"\s*:\s*\["([^"]*)"\])RE", "\n\nX-Actual-Recipient: \\1\nAction: delivered\n\n"}};
  for (const auto& row : kRows) RE2::GlobalReplace(&words, RE2(row.pattern, notice_options()), row.fields);
  static const RE2 gaps(R"(\n\n(Status|Action|Diagnostic-Code|X-Actual))", notice_options());
  RE2::GlobalReplace(&words, gaps, "\n\\1");
  return words;
}

// Where the mail that the words are about begins: behind a line that says so, or at a header that nobody announces.
std::size_t end_of_words(std::string_view text) {
  const std::vector<Line> lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (announces_original(lines[i].text)) {
      const std::size_t last = std::min(i + 6, lines.size());
      for (std::size_t j = i + 1; j < last; ++j) {
        if (is_mail_field(lines[j].text)) return lines[i].begin;
      }
    }
    if (is_trace_field(lines[i].text)) return lines[i].begin;
  }
  return text.size();
}

std::string_view without_type(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  return semicolon == std::string_view::npos ? value : trim_ascii_space(value.substr(semicolon + 1));
}

// "<ann@example.org>", quoted, "addr (expanded …)" → the address.
std::string bare_address(std::string_view value) {
  static const RE2 pattern(R"(([^\s<>"',;:()]+@[^\s<>"',;:()]+[^\s<>"',;:().]))", notice_options());
  std::string address;
  if (RE2::PartialMatch(piece(value), pattern, &address)) return printable_utf8(address, 320);
  return printable_utf8(trim_ascii_space(value), 320);
}

class FieldReader {
 public:
  explicit FieldReader(std::vector<RecipientFields>& groups) : groups_(groups) {}

  // True: the line belongs to the fields.
  bool take(std::string_view line) {
    const std::string_view trimmed = trim_ascii_space(line);
    if (trimmed.empty()) {
      end_field();
      end_group();
      return false;
    }
    if (is_open_ && (line.front() == ' ' || line.front() == '\t')) {
      value_.append(1, ' ').append(trimmed);
      return true;
    }
    end_field();
    const std::size_t colon = trimmed.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string name = to_ascii_lower(trimmed.substr(0, colon));
    if (std::ranges::find(kNames, name) == kNames.end()) return false;
    // Words of a sentence: "Status: please see below" is none.
    name_ = name;
    value_ = trim_ascii_space(trimmed.substr(colon + 1));
    is_open_ = true;
    return true;
  }
  void finish() {
    end_field();
    end_group();
  }

 private:
  static constexpr std::array<std::string_view, 16> kNames = {
      "final-recipient",          "original-recipient", "x-actual-recipient", "action",           "status",
      "diagnostic-code",          "remote-mta",         "reporting-mta",      "arrival-date",     "last-attempt-date",
      "will-retry-until",         "received-from-mta",  "x-postfix-queue-id", "x-postfix-sender", "final-log-id",
      "x-powermta-bouncecategory"};

  void set(std::string& field, std::string value) {
    if (!field.empty() && (name_ == "final-recipient" || name_ == "action" || name_ == "status")) end_group();
    if (field.empty()) field = std::move(value);
  }

  void end_field() {
    if (!is_open_) return;
    is_open_ = false;
    if (name_ == "final-recipient") {
      if (has_final_) end_group();
      has_final_ = true;
      group_.recipient = bare_address(without_type(value_));
    } else if (name_ == "original-recipient" || name_ == "x-actual-recipient") {
      if (group_.recipient.empty()) group_.recipient = bare_address(without_type(value_));
    } else if (name_ == "action") {
      set(group_.action, to_ascii_lower(value_.substr(0, value_.find_first_of(" \t;("))));
    } else if (name_ == "status") {
      set(group_.status, value_.substr(0, value_.find_first_of(" \t;(")));
    } else if (name_ == "diagnostic-code") {
      const std::size_t semicolon = value_.find(';');
      const bool has_type = semicolon != std::string::npos && value_.find(' ') > semicolon;
      if (has_type) group_.diagnostic_type = to_ascii_lower(trim_ascii_space(value_.substr(0, semicolon)));
      if (!group_.diagnostic.empty()) group_.diagnostic.push_back(' ');
      group_.diagnostic.append(has_type ? without_type(value_) : value_);
    } else if (name_ == "remote-mta") {
      group_.remote = without_type(value_);
    } else if (name_ == "x-powermta-bouncecategory") {
      group_.category = to_ascii_lower(value_);
    }
  }

  void end_group() {
    const bool says_something = !group_.action.empty() || !group_.status.empty() || !group_.diagnostic.empty();
    if (says_something && groups_.size() < kMaxReturnedRecipients) groups_.push_back(std::move(group_));
    if (says_something || has_final_) group_ = {};
    has_final_ = false;
  }

  std::vector<RecipientFields>& groups_;
  RecipientFields group_;
  std::string name_;
  std::string value_;
  bool is_open_ = false;
  bool has_final_ = false;
};

bool holds_original(std::string_view type) {
  return type == "message/rfc822" || type == "text/rfc822-headers" || type == "message/global" ||
         type == "message/global-headers" || type == "message/partial" || type == "message/rfc822-headers";
}

bool holds_status(std::string_view type) {
  return type == "message/delivery-status" || type == "message/global-delivery-status" || type == "message/xdelivery-status" ||
         type == "message/disposition-notification";
}

void add_words(std::string encoded, Notice& notice) {
  const std::string text = fields_of_notification(std::move(encoded));
  const std::size_t end = end_of_words(text);
  FieldReader reader(notice.fields);
  for (const Line& line : lines_of(std::string_view(text).substr(0, end))) {
    if (notice.words.size() >= kMaxNoticeOctets) break;
    if (!reader.take(line.text)) notice.words.append(line.text).append(1, '\n');
  }
  reader.finish();
  if (notice.original.empty()) notice.original = text.substr(end);
}

}  // namespace

Notice read_notice(const std::vector<mime::ListedPart>& parts, std::string_view message_header) {
  Notice notice;
  const std::string type = mime::listed_field(message_header, "Content-Type").value_or("");
  notice.is_status_report = equals_ignoring_case(mime::field_parameter(type, "report-type").value_or(""), "delivery-status");
  const bool has_plain = std::ranges::any_of(parts, [](const auto& part) { return part.type == "text/plain"; });
  for (const mime::ListedPart& part : parts) {
    if (part.type == "message/feedback-report" && !notice.feedback) {
      notice.feedback = mime::listed_text(part, kMaxNoticeOctets);
    } else if (holds_status(part.type)) {
      notice.is_status_report = true;
      add_words(mime::listed_text(part, kMaxNoticeOctets), notice);
    } else if (holds_original(part.type)) {
      // Behind it come attachments of the mail, or of a list's footer.
      if (notice.original.empty()) notice.original = mime::split_header(mime::listed_text(part, kMaxNoticeOctets)).header;
    } else if (part.type == "text/html" ? !has_plain : part.type.starts_with("text/") || parts.size() == 1) {
      const std::string disposition = to_ascii_lower(mime::listed_field(part.header, "Content-Disposition").value_or(""));
      if (!disposition.starts_with("attachment")) add_words(mime::listed_text(part, kMaxNoticeOctets), notice);
    }
  }
  return notice;
}

std::vector<Passage> passages_of(std::string_view words) {
  // An address at a line's beginning, behind a label or in brackets; a transcript's RCPT; a reply about one: "550 <addr>... why".
  static const RE2 named(R"(^[\s>*-]*(?:(?:(?:rcpt )?to|recipient|failed recipient|address|user|envelope-to)\s*:\s*)?)"
                         R"([<"'(]*([^\s<>"',;:()\[\]|]+@[A-Za-z0-9\x80-\xff._-]+[A-Za-z0-9\x80-\xff]))",
                         notice_options());
  static const RE2 replied(R"(^[\s<>]*[45]\d\d[ -]?(?:[45]\.\d{1,3}\.\d{1,3} )?<?([^\s<>"',;:()\[\])"
                           R"(|]+@[A-Za-z0-9\x80-\xff._-]+[A-Za-z0-9\x80-\xff])>?(?:\.\.\.|:))",
                           notice_options());
  std::vector<Passage> passages;
  std::size_t current = 0;
  std::string preface;
  bool is_of_sender = false;
  bool is_told = false;  // the transcript has come to the end of what concerns this address
  for (const Line& line : lines_of(words)) {
    std::string address;
    // "A message sent by <ann@example.org> could not be delivered".
    const bool is_reply = RE2::PartialMatch(piece(line.text), replied, &address);
    const bool is_named = !is_of_sender && (is_reply || RE2::PartialMatch(piece(line.text), named, &address));
    if (is_named) {
      const auto known = std::ranges::find_if(passages, [&](const Passage& p) { return equals_ignoring_case(p.address, address); });
      if (known == passages.end() && passages.size() < kMaxReturnedRecipients) {
        passages.push_back({printable_utf8(address, 320), std::exchange(preface, {})});
        current = passages.size() - 1;
      } else {
        current = known == passages.end() ? current : static_cast<std::size_t>(known - passages.begin());
        passages[current].words.append(std::exchange(preface, {}));
      }
    }
    const std::string_view trimmed = trim_ascii_space(line.text);
    if (!trimmed.empty()) is_of_sender = trimmed.ends_with("sent by") || trimmed.ends_with("from");
    // What a server said stands in a transcript before whom it was about.
    const bool is_before = passages.empty() || (is_told && !is_named);
    if (is_named) is_told = is_reply;
    std::string& into = is_before ? preface : passages[current].words;
    into.append(line.text).append(1, '\n');
  }
  if (passages.empty()) return {{std::string(), std::move(preface)}};
  passages[current].words.append(preface);
  return passages;
}

}  // namespace postern::reception
