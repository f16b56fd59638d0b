#include "submission/header_policy.h"

#include "mime/from_field.h"
#include "submission/sender_policy.h"

#include <optional>
#include <utility>

namespace postern::submission {

Decision judge_header(const auth::Principal& principal, const HeaderQuestion& question,
                      std::uint32_t max_received_fields) {
  const mime::HeaderScan& header = question.header;
  if (header.state() == mime::HeaderScan::State::TooBig) return Refused{Refusal::HeaderTooBig};
  if (header.count("Received") > max_received_fields) return Refused{Refusal::MailLoop};
  // RFC 5322 §3.6: at most one; receivers refuse two, since readers choose either.
  if (header.count("From") > 1) {
    return Refused{Refusal::InvalidMessage, "the message has two From fields"};
  }
  if (principal.from_domains.empty()) return {};
  const mime::HeaderField* const field = header.find("From");
  const auto from = field ? std::optional(mime::read_from_field(field->value)) : std::nullopt;
  auto detail = refuse_from(principal, from);
  if (!detail) return {};
  const Envelope* const envelope = question.envelope;
  if (from && envelope && is_automatic_notice(principal, *envelope, *from, question.client_name)) {
    return {};
  }
  return Refused{Refusal::SenderNotAllowed, std::move(*detail)};
}

}  // namespace postern::submission
