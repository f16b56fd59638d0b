#include "relay/dsn.h"

#include "core/bytes.h"
#include "core/quoted_printable.h"
#include "core/time_format.h"
#include "relay/failure_class.h"
#include "smtp/parameters.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::relay {
namespace {

struct ActionWords {
  std::string_view action;   // RFC 3464 §2.3.3
  std::string_view subject;
  std::string_view sentence;
};

const ActionWords& words(DsnAction action) {
  static constexpr ActionWords kFailed{"failed", "Message not delivered",
                                       "Your message could not be delivered to the recipients below. It will not be tried again."};
  static constexpr ActionWords kDelayed{
      "delayed", "Message delayed",
      "Your message has not been delivered to the recipients below yet. It is still being tried:\r\n"
      "there is nothing you need to do."};
  static constexpr ActionWords kDelivered{"delivered", "Message delivered", "Your message was delivered to the recipients below."};
  static constexpr ActionWords kRelayed{"relayed", "Message relayed",
                                        "Your message was handed to a mail server that sends no delivery reports."};
  switch (action) {
    case DsnAction::Failed: return kFailed;
    case DsnAction::Delayed: return kDelayed;
    case DsnAction::Delivered: return kDelivered;
    case DsnAction::Relayed: return kRelayed;
  }
  return kFailed;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
}

// One line of a report: what came from elsewhere loses its controls, what is no UTF-8, and its excess.
std::string one_line(std::string_view text) {
  constexpr std::size_t kMostOctets = 900;  // a line of RFC 5322 §2.1.1, less its field name or indentation
  return printable_utf8(text, kMostOctets);
}

bool is_own_word(const DsnRecipient& r) { return r.is_own_word || r.remote.empty(); }
bool is_failure(const DsnRecipient& r) { return r.action == DsnAction::Failed || r.action == DsnAction::Delayed; }
FailureClass failure_of(const DsnRecipient& r) { return classify_failure(r.status, is_own_word(r) ? "" : r.remote); }

// The identifier of the message it is about; empty where its header has none that a header of ours may hold.
std::string message_id_of(std::string_view header) {
  constexpr std::string_view kField = "message-id:";
  constexpr std::size_t kMostOctets = 512;
  while (!header.empty() && !header.starts_with("\r\n")) {
    const std::size_t end = header.find("\r\n");
    if (starts_with_ignoring_case(header, kField)) {
      const std::string_view rest = header.substr(kField.size(), 2 * kMostOctets);  // it may stand on a folded line
      const std::string_view from = rest.substr(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
      const std::string_view id = from.substr(0, from.find('>') + 1);
      const bool is_clean = std::ranges::all_of(id, [](char c) { return c > 0x20 && c < 0x7F; });
      return id.starts_with('<') && is_clean && id.size() <= kMostOctets ? std::string(id) : std::string();
    }
    header.remove_prefix(end == std::string_view::npos ? header.size() : end + 2);
  }
  return {};
}

std::string typed_address(const Mailbox& mailbox) {
  const std::string address = format_mailbox(mailbox);
  // RFC 6533 §4: an address beyond ASCII has a type of its own.
  return is_ascii(address) ? "rfc822;" + address : "utf-8;" + address;
}

std::string original_recipient(const std::string& orcpt) {
  const std::size_t semicolon = orcpt.find(';');
  const auto decoded = smtp::decode_xtext(std::string_view(orcpt).substr(semicolon + 1));
  return orcpt.substr(0, semicolon + 1) + decoded.value_or(orcpt.substr(semicolon + 1));
}

void append_recipient(std::string& text, const DsnRecipient& r) {
  text.append("\r\n");
  if (!r.recipient->orcpt.empty()) {
    text.append("Original-Recipient: ").append(original_recipient(r.recipient->orcpt)).append("\r\n");
  }
  text.append("Final-Recipient: ").append(typed_address(r.recipient->mailbox)).append("\r\n");
  text.append("Action: ").append(words(r.action).action).append("\r\n");
  text.append("Status: ").append(format_enhanced_code(effective_enhanced_code(r.status))).append("\r\n");
  // RFC 3464 §2.3.5, §2.3.6: the one that reported, and what kind of word it is.
  if (!is_own_word(r)) text.append("Remote-MTA: dns; ").append(one_line(r.remote.substr(0, r.remote.find(' ')))).append("\r\n");
  if (r.status.code != 0) {
    text.append(is_own_word(r) ? "Diagnostic-Code: x-postern; " : "Diagnostic-Code: smtp; ");
    text.append(one_line(format_status(r.status))).append("\r\n");
  }
  if (is_failure(r)) text.append("X-Postern-Class: ").append(failure_class_name(failure_of(r))).append("\r\n");
  if (r.retry_until) text.append("Will-Retry-Until: ").append(format_rfc5322_date(*r.retry_until)).append("\r\n");
}

std::string explanation(const DsnFacts& facts) {
  std::string text = "This is the mail relay at " + facts.hostname + ".\r\n\r\n";
  text.append(words(facts.recipients.front().action).sentence).append("\r\n");
  for (const DsnRecipient& r : facts.recipients) {
    std::string speaker = r.remote.empty() ? "This relay says: " : "This relay, connected to " + r.remote + ", says: ";
    if (!is_own_word(r)) speaker = r.remote + " said: ";
    text.append("\r\n<").append(format_mailbox(r.recipient->mailbox)).append(">\r\n    ");
    text.append(one_line(speaker + format_status(r.status))).append("\r\n");
    const FailureClass failure = failure_of(r);
    if (!is_failure(r) || failure == FailureClass::Undetermined) continue;
    text.append("    That is: ").append(failure_class_table()[static_cast<std::size_t>(failure)].meaning).append(".\r\n");
  }
  text.append("\r\nThe message id was ").append(format_message_id(facts.about)).append(".\r\n");
  return text;
}

std::string delivery_status(const DsnFacts& facts) {
  std::string text = "Reporting-MTA: dns; " + facts.hostname + "\r\n";
  if (const std::string& envid = facts.envelope->parameters.envid; !envid.empty()) {
    text.append("Original-Envelope-Id: ").append(smtp::decode_xtext(envid).value_or(envid)).append("\r\n");
  }
  text.append("Arrival-Date: ").append(format_rfc5322_date(facts.arrived)).append("\r\n");
  for (const DsnRecipient& recipient : facts.recipients) append_recipient(text, recipient);
  return text;
}

struct Part {
  std::string_view type;
  std::string_view encoding;
  std::string body;
};

// RFC 2046 §5.2.1: a message within the report may not be encoded; its header section alone may (RFC 6522 §4, RFC 6533 §8).
Part make_part(std::string_view type, std::string body, bool is_whole_message = false) {
  if (is_ascii(body)) return {type, "7bit", std::move(body)};
  if (is_whole_message) return {type, "8bit", std::move(body)};
  return {type, "quoted-printable", encode_quoted_printable(body)};
}

void append_part(std::string& report, std::string_view boundary, const Part& part) {
  report.append("\r\n--").append(boundary).append("\r\nContent-Type: ").append(part.type);
  report.append("\r\nContent-Transfer-Encoding: ").append(part.encoding).append("\r\n\r\n").append(part.body);
  if (!part.body.ends_with("\r\n")) report.append("\r\n");
}

}  // namespace

bool owes_dsn(const Envelope& envelope, std::uint32_t recipient, DsnAction action) {
  // RFC 5321 §6.1: a report about a report would go round for ever.
  if (!envelope.reverse_path) return false;
  const Notify& notify = envelope.recipients[recipient].notify;
  switch (action) {
    case DsnAction::Failed: return notify.wants_failure();
    case DsnAction::Delayed: return notify.wants_delay();
    case DsnAction::Delivered:
    case DsnAction::Relayed: return notify.wants_success();
  }
  return false;
}

bool returns_whole(const Envelope& envelope, std::uint64_t content_octets, DsnAction action) {
  if (action != DsnAction::Failed || content_octets > kMaxReturnedOctets) return false;
  // RFC 8689 §5: what must stay under TLS is not quoted, whatever was asked.
  return envelope.parameters.ret == DsnReturn::Full && !envelope.parameters.require_tls;
}

bool is_seven_bit_way(const Status& status) {
  const EnhancedCode code = effective_enhanced_code(status);
  return code.subject == 6 && (code.detail == 3 || code.detail == 7);
}

std::string format_dsn(const DsnFacts& facts) {
  const std::string id = format_message_id(facts.id);
  std::string status = delivery_status(facts);
  // RFC 6533 §3 and §4: what is beyond ASCII has media types of its own.
  const bool is_global = facts.envelope->parameters.smtputf8;
  const std::string_view status_type = is_ascii(status) ? "message/delivery-status" : "message/global-delivery-status";
  const std::string_view returned_type = facts.is_returned_whole ? (is_global ? "message/global" : "message/rfc822")
                                                                 : (is_global ? "message/global-headers" : "text/rfc822-headers");
  const std::array<Part, 3> parts = {
      make_part("text/plain; charset=utf-8", explanation(facts)),
      make_part(status_type, std::move(status)),
      make_part(returned_type, std::string(facts.returned), facts.is_returned_whole),
  };
  const bool has_8bit = std::ranges::any_of(parts, [](const Part& part) { return part.encoding == "8bit"; });
  // The id is random: no content that existed before it can hold it.
  const std::string boundary = "postern-" + id;

  std::string report;
  report.reserve(4096 + facts.returned.size());
  report.append("From: Mail Delivery System <postmaster@").append(facts.hostname).append(">\r\n");
  report.append("To: ").append(format_path(facts.envelope->reverse_path)).append("\r\n");
  report.append("Subject: ").append(words(facts.recipients.front().action).subject).append("\r\n");
  report.append("Date: ").append(format_rfc5322_date(facts.now)).append("\r\n");
  report.append("Message-ID: <").append(id).append("@").append(facts.hostname).append(">\r\n");
  if (const std::string about = message_id_of(facts.returned); !about.empty()) {
    report.append("In-Reply-To: ").append(about).append("\r\nReferences: ").append(about).append("\r\n");
  }
  report.append("Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
  report.append("Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"").append(boundary).append("\"\r\n");
  report.append("Content-Transfer-Encoding: ").append(has_8bit ? "8bit" : "7bit").append("\r\n");
  for (const Part& part : parts) append_part(report, boundary, part);
  report.append("\r\n--").append(boundary).append("--\r\n");
  return report;
}

}  // namespace postern::relay
