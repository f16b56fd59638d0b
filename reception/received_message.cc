#include "reception/received_message.h"

#include "core/header_text.h"

namespace postern::reception {
namespace {

std::string received_field(const mime::HeaderScan& header, std::string_view name) {
  const mime::HeaderField* const found = header.find(name);
  return found ? header_text(found->value, store::kMaxSummaryOctets) : std::string();
}

store::MessageRecord received_record(const ReceivedFacts& facts) {
  store::MessageRecord record;
  record.id = facts.id;
  record.account = facts.addressee.account;
  record.origin = store::MessageOrigin::Inbound;
  record.envelope = facts.envelope;
  record.accepted_at = facts.at;
  record.client_address = facts.client;
  record.helo_name = facts.helo_name;
  record.trace_octets = facts.trace_octets;
  record.summary.from = received_field(facts.header, "From");
  record.summary.subject = received_field(facts.header, "Subject");
  record.summary.message_id = received_field(facts.header, "Message-ID");
  record.signature_fields = facts.door.fields;
  return record;
}

store::InboundRecord inbound_record(const ReceptionContext& context, const ReceivedFacts& facts,
                                    const store::MessageRecord& record) {
  store::InboundRecord inbound;
  inbound.id = facts.id;
  inbound.account = facts.addressee.account;
  inbound.received_at = facts.at;
  inbound.about = facts.addressee.about;
  inbound.from = record.summary.from;
  inbound.subject = record.summary.subject;
  if (facts.envelope.reverse_path) inbound.reverse_path = format_mailbox(*facts.envelope.reverse_path);
  if (!facts.addressee.about) {
    inbound.kind = "mail";
    inbound.verdicts = facts.door.verdicts;
  }
  inbound.forwards = facts.addressee.forwards;
  if (inbound.forwards.size() > store::kMaxForwardsOfInbound) {
    inbound.forwards.resize(store::kMaxForwardsOfInbound);
    inbound.findings.push_back("sent on to " + std::to_string(store::kMaxForwardsOfInbound) + " at most: not to the others");
  }
  for (store::InboundForward& forward : inbound.forwards) forward.message = make_message_id(facts.at, context.random);
  for (const Recipient& recipient : facts.envelope.recipients) inbound.recipients.push_back(format_mailbox(recipient.mailbox));
  return inbound;
}

}  // namespace

store::NewMessage received_message(const ReceptionContext& context, const ReceivedFacts& facts) {
  store::NewMessage message{.record = received_record(facts), .delivery = {}, .events = {}, .claim = {}};
  message.delivery.recipients.resize(
      facts.envelope.recipients.size(),
      {.stage = store::RecipientStage::Delivered, .attempts = 0, .next_attempt = facts.at, .last_status = {}, .remote = {}});
  message.delivery.settled_at = facts.at;
  message.delivery.content_until = facts.at + context.settings.retention;
  const store::InboundRecord& inbound = message.inbound.emplace(inbound_record(context, facts, message.record));
  for (std::size_t i = 0; i < inbound.recipients.size(); ++i) {
    if (facts.told_by[i].empty()) continue;
    Event& event = message.events.emplace_back();
    event.at = facts.at;
    event.type = EventType::MessageReceived;
    event.account = inbound.account;
    event.message = facts.id;
    event.recipient = inbound.recipients[i];
    event.detail = facts.told_by[i];
  }
  return message;
}

}  // namespace postern::reception
