// What comes back for a message that was sent: delivery status notifications (RFC 3464 and the many that are not), feedback reports
// (RFC 5965 and what providers make of it), answers of machines. Read for what they say, never for whose they are: whose they are
// the signed return path alone says (return_path.h). Anybody's octets come in; depth, parts, octets and time are bounded.
#pragma once

#include "core/status.h"
#include "relay/failure_class.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postern::reception {

// Of the message; what a report has to say stands at its beginning, behind it the mail that it is about.
inline constexpr std::size_t kMaxReadOctets = 512 * 1024;
inline constexpr std::size_t kMaxNoticeOctets = 64 * 1024;  // of its words
inline constexpr std::size_t kMaxReturnedRecipients = 100;  // further ones are left out

enum class ReturnedKind {
  Report,     // of a delivery: each recipient has its outcome
  Complaint,  // a feedback report of somebody who does not want the message
  Feedback,   // one that complains of nothing: not-spam, a report of failed authentication
  AutoReply,  // out of office, "we have your message"
  Challenge,  // asks the sender to prove himself
  Other,      // nothing of these: a person's answer, or what cannot be understood
};
std::string_view returned_kind_name(ReturnedKind kind);  // "report": in events, lists, metric labels

enum class ReturnedOutcome { Failed, Delayed, Delivered };

struct ReturnedRecipient {
  std::string address = {};  // as the report writes it, printable; may be empty
  ReturnedOutcome outcome = ReturnedOutcome::Failed;
  Status status = {};  // of the report's words; code 500 or 400 where they name none. `text`: at most kMaxClassifiedOctets
  std::string remote = {};  // who refused, as the report names it
  relay::FailureClass about = relay::FailureClass::Undetermined;  // Failed and Delayed
  bool is_hard = false;  // failed for good: there is no such mailbox, domain, or it has moved
};

struct ReturnedMail {
  ReturnedKind kind = ReturnedKind::Other;
  std::vector<ReturnedRecipient> recipients = {};  // Report: at least one; Complaint and Feedback: those that it names
  std::string feedback_type = {};                  // "abuse"
};

// Time in proportion to the octets read; any thread but an I/O thread's.
ReturnedMail read_returned_mail(std::string_view raw);

// Whether mail to this recipient shall not be sent again (docs/inbound.md): it failed for good for a reason that is the address's.
bool is_reason_to_suppress(const ReturnedRecipient& recipient);

}  // namespace postern::reception
