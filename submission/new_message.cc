#include "submission/new_message.h"

#include "core/bytes.h"
#include "core/header_text.h"
#include "core/mailbox.h"
#include "mime/addressees.h"
#include "store/settlement.h"
#include "submission/message_tags.h"

#include <algorithm>
#include <utility>

namespace postern::submission {
namespace {

bool has_address_beyond_ascii(const Envelope& envelope) {
  if (envelope.reverse_path && envelope.reverse_path->needs_smtputf8()) return true;
  return std::ranges::any_of(envelope.recipients, [](const Recipient& recipient) {
    return recipient.mailbox.needs_smtputf8() || has_high_octet(recipient.orcpt);
  });
}

// A field's value as a list shows it.
std::string summary_text(const mime::HeaderField* field) {
  return field ? header_text(field->value, store::kMaxSummaryOctets) : std::string();
}

std::string joined_warnings(const std::vector<std::string>& warnings) {
  std::string text = "warnings: ";
  for (const std::string& warning : warnings) {
    text.append(&warning == &warnings.front() ? "" : "; ").append(warning);
  }
  return text;
}

// Whom else the account's live mail goes to. Nobody hears of what becomes of the copy, and no quota counts it.
std::optional<Mailbox> blind_copy_of(const NewMessageFacts& facts) {
  if (facts.principal.blind_copy_to.empty() || facts.principal.environment != Environment::Live) return std::nullopt;
  const auto mailbox = parse_mailbox(facts.principal.blind_copy_to);
  if (!mailbox) return std::nullopt;
  const bool has_it = std::ranges::any_of(facts.envelope.recipients, [&](const Recipient& recipient) {
    return normalised_mailbox(recipient.mailbox) == normalised_mailbox(*mailbox);
  });
  return has_it ? std::nullopt : std::optional(outgoing_mailbox(*mailbox));
}

Envelope outgoing_envelope(const NewMessageFacts& facts) {
  Envelope envelope = facts.envelope;
  if (envelope.reverse_path) {
    envelope.reverse_path = outgoing_mailbox(std::move(*envelope.reverse_path));
  }
  for (Recipient& recipient : envelope.recipients) {
    recipient.mailbox = outgoing_mailbox(std::move(recipient.mailbox));
  }
  // RFC 6152 §3, RFC 6531 §3.4: what the next hop has to be able to, whatever the client said or
  // forgot to say. What the content does not need must not keep it from a hop that cannot.
  EnvelopeParameters& parameters = envelope.parameters;
  if (facts.hides_reverse_path) {
    envelope.reverse_path.reset();
    parameters.ret = DsnReturn::Headers;
    for (Recipient& recipient : envelope.recipients) {
      recipient.notify = Notify{.is_given = true, .never = true};
    }
  }
  if (const auto copied_to = blind_copy_of(facts)) {
    envelope.recipients.push_back({.mailbox = *copied_to, .notify = {.is_given = true, .never = true}, .orcpt = {}});
  }
  parameters.body = facts.is_eight_bit ? BodyType::EightBitMime : BodyType::SevenBit;
  parameters.smtputf8 =
      parameters.smtputf8 && (facts.is_header_eight_bit || has_address_beyond_ascii(envelope));
  return envelope;
}

store::MessageRecord new_record(const NewMessageFacts& facts, store::MessageSummary&& summary) {
  store::MessageRecord record;
  record.id = facts.id;
  record.account = facts.principal.account;
  record.key = facts.principal.key;
  record.environment = facts.principal.environment;
  record.user_name = facts.submitter.user_name;
  record.envelope = outgoing_envelope(facts);
  record.accepted_at = facts.now;
  record.client_address = facts.submitter.address;
  record.helo_name = facts.helo_name;
  record.trace_octets = facts.trace_octets;
  record.summary = std::move(summary);
  record.has_own_clock = facts.has_own_clock;
  return record;
}

store::DeliveryRecord new_delivery(const NewMessageFacts& facts,
                                   const store::MessageRecord& record) {
  store::DeliveryRecord delivery;
  delivery.recipients.resize(record.envelope.recipients.size());
  const Instant first_attempt = facts.release_at.value_or(facts.now);
  const std::string route = facts.routes == nullptr ? std::string() : facts.routes->pool_for(record);
  for (store::RecipientState& state : delivery.recipients) {
    state.next_attempt = first_attempt;
    if (!route.empty()) state.route = route;
  }
  delivery.due = first_attempt;
  delivery.scheduled_at = facts.release_at;
  delivery.lane = store::lane_of_pending(record, delivery);
  if (record.environment == Environment::Test) {
    delivery.content_until = first_attempt + facts.capture_retention;
  }
  return delivery;
}

}  // namespace

store::NewMessage new_message(const NewMessageFacts& facts, store::MessageSummary summary,
                              const std::vector<std::string>& warnings) {
  store::NewMessage message{
      .record = new_record(facts, std::move(summary)), .delivery = {}, .events = {}, .claim = {}};
  message.delivery = new_delivery(facts, message.record);
  Event& accepted = message.events.emplace_back();
  accepted.at = facts.now;
  accepted.type = EventType::MessageAccepted;
  accepted.account = message.record.account;
  accepted.message = message.record.id;
  accepted.environment = message.record.environment;
  accepted.detail = message.record.user_name;
  if (!warnings.empty()) {
    accepted.status = Status{250, EnhancedCode{2, 0, 0}, joined_warnings(warnings)};
  }
  if (facts.release_at) {
    message.events.push_back(
        store::make_schedule_event(message.record, *facts.release_at, facts.now));
  }
  return message;
}

store::MessageSummary summary_of(const mime::HeaderScan& header, const Envelope& envelope) {
  store::MessageSummary summary;
  summary.from = summary_text(header.find("From"));
  if (summary.from.empty() && envelope.reverse_path) {
    summary.from = format_mailbox(*envelope.reverse_path);
  }
  summary.subject = summary_text(header.find("Subject"));
  summary.tags = message_tags(header);
  mime::AddresseeSummary addressees = mime::summarise_addressees(header, envelope);
  summary.to = std::move(addressees.to);
  summary.cc = std::move(addressees.cc);
  summary.bcc = std::move(addressees.bcc);
  return summary;
}

}  // namespace postern::submission
