// Which mail of a run somebody means: what `wait`, `extract` and `assert` select by. All that is given has to fit. Pure.
#pragma once

#include "lab/checked_json.h"
#include "store/records.h"

#include <optional>
#include <string>
#include <string_view>

namespace postern::lab {

struct MailPattern {
  std::optional<std::string> to;          // a recipient of the envelope; in lower case; "*" is any run of characters
  std::optional<std::string> from;        // the author, or the reverse-path; the same
  std::optional<std::string> subject;     // holds this; in lower case
  std::optional<std::string> tag;         // name, or name:value
  std::optional<std::string> message_id;  // of the header, without angle brackets
  std::optional<std::string> status;      // last_event, of the recipient `to` where that is given
  bool wants_notices = false;             // the relay's own about the run's mail, and nothing else
};

// The members to, from, subject, tag, message_id, status, kind ("mail" or "notice").
MailPattern read_mail_pattern(CheckedObject& object);
inline constexpr std::string_view kPatternStatuses =
    "scheduled queued delivery_delayed delivered bounced complained failed suppressed canceled";

// The first thing that does not fit, by its member's name; empty: all does.
std::string_view first_mismatch(const MailPattern& pattern, const store::StoredMessage& stored);
// last_event, of the recipients that `to` names or of all.
std::string_view status_of(const MailPattern& pattern, const store::StoredMessage& stored);
// What was asked for, for people: `to ann@example.org, subject "welcome"`.
std::string describe(const MailPattern& pattern);


}  // namespace postern::lab
