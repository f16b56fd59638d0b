// See client_commands.h.
#include "smtp/client_commands.h"

#include "core/mailbox.h"

#include <algorithm>
#include <string_view>

namespace postern::smtp {
namespace {

// The envelope came through our own parser, and then through a disk: nothing that could end a line may reach a command.
bool is_safe(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

bool is_safe_word(std::string_view text) { return is_safe(text) && text.find(' ') == std::string_view::npos; }

bool needs_smtputf8(const Envelope& envelope) {
  if (envelope.parameters.smtputf8) return true;
  if (envelope.reverse_path && envelope.reverse_path->needs_smtputf8()) return true;
  return std::any_of(envelope.recipients.begin(), envelope.recipients.end(),
                     [](const Recipient& recipient) { return recipient.mailbox.needs_smtputf8(); });
}

Status refusal(std::uint16_t code, std::uint16_t subject, std::uint16_t detail, std::string text) {
  return Status{code, EnhancedCode{5, subject, detail}, std::move(text)};
}

void append_notify(const Notify& notify, std::string& out) {
  if (!notify.is_given) return;
  std::string words;
  const auto add = [&words](bool is_set, std::string_view word) {
    if (!is_set) return;
    if (!words.empty()) words.push_back(',');
    words.append(word);
  };
  add(notify.never, "NEVER");  // NEVER stands alone (RFC 3461 §4.1)
  add(!notify.never && notify.success, "SUCCESS");
  add(!notify.never && notify.failure, "FAILURE");
  add(!notify.never && notify.delay, "DELAY");
  if (!words.empty()) out.append(" NOTIFY=").append(words);
}

}  // namespace

std::optional<Status> refuse_message(const Envelope& envelope, std::uint64_t content_octets,
                                     const ClientCapabilities& capabilities, bool is_verified_tls) {
  if (envelope.reverse_path && !is_safe(format_path(envelope.reverse_path))) {
    return refusal(553, 1, 7, "the reverse-path holds a control character");
  }
  if (envelope.parameters.require_tls && !is_verified_tls) {
    return refusal(550, 7, 30, "the message requires TLS with a verified next hop (REQUIRETLS), and this connection is none");
  }
  if (envelope.parameters.require_tls && !capabilities.require_tls) {
    return refusal(550, 7, 30, "the message requires TLS on its whole way and the next hop does not offer REQUIRETLS");
  }
  if (capabilities.size && capabilities.max_octets > 0 && content_octets > capabilities.max_octets) {
    return refusal(552, 3, 4, "the message has " + std::to_string(content_octets) + " octets, the next hop takes " +
                                  std::to_string(capabilities.max_octets));
  }
  if (envelope.parameters.body == BodyType::BinaryMime) {
    return refusal(554, 6, 3, "binary content cannot be sent onward");
  }
  if (envelope.parameters.body == BodyType::EightBitMime && !capabilities.eight_bit_mime) {
    return refusal(554, 6, 3, "the message is 8-bit and the next hop does not offer 8BITMIME");
  }
  const bool sender_needs = envelope.reverse_path && envelope.reverse_path->needs_smtputf8();
  if ((envelope.parameters.smtputf8 || sender_needs) && !capabilities.smtputf8) {
    return refusal(550, 6, 7, "the message needs SMTPUTF8 and the next hop does not offer it");
  }
  return std::nullopt;
}

std::optional<Status> refuse_recipient(const Recipient& recipient, const ClientCapabilities& capabilities) {
  if (!is_safe(recipient.mailbox.local_part) || !is_safe(recipient.mailbox.domain)) {
    return refusal(553, 1, 3, "the forward-path holds a control character");
  }
  if (recipient.mailbox.needs_smtputf8() && !capabilities.smtputf8) {
    return refusal(550, 6, 7, "the address needs SMTPUTF8 and the next hop does not offer it");
  }
  return std::nullopt;
}

void append_mail(const Envelope& envelope, std::uint64_t content_octets, const ClientCapabilities& capabilities,
                 std::string& out) {
  out.append("MAIL FROM:").append(format_path(envelope.reverse_path));
  const EnvelopeParameters& parameters = envelope.parameters;
  if (capabilities.size) out.append(" SIZE=").append(std::to_string(content_octets));
  if (parameters.body == BodyType::EightBitMime) out.append(" BODY=8BITMIME");
  if (capabilities.smtputf8 && needs_smtputf8(envelope)) out.append(" SMTPUTF8");
  if (parameters.require_tls) out.append(" REQUIRETLS");
  if (capabilities.dsn) {
    if (parameters.ret == DsnReturn::Full) out.append(" RET=FULL");
    if (parameters.ret == DsnReturn::Headers) out.append(" RET=HDRS");
    if (!parameters.envid.empty() && is_safe_word(parameters.envid)) out.append(" ENVID=").append(parameters.envid);
  }
  out.append("\r\n");
}

void append_rcpt(const Recipient& recipient, const ClientCapabilities& capabilities, std::string& out) {
  out.append("RCPT TO:<").append(format_mailbox(recipient.mailbox)).push_back('>');
  if (capabilities.dsn) {
    append_notify(recipient.notify, out);
    if (!recipient.orcpt.empty() && is_safe_word(recipient.orcpt)) out.append(" ORCPT=").append(recipient.orcpt);
  }
  out.append("\r\n");
}

}  // namespace postern::smtp
