// The spool's records: one pair of functions each; the fields in the order of docs/storage.md.
#include "store/codec.h"

#include "store/codec_fields.h"

namespace postern::store {
namespace {

void put_status(RecordEncoder& out, const Status& status) {
  out.number(status.code);
  out.boolean(status.enhanced.has_value());
  if (status.enhanced) {
    out.number(status.enhanced->klass);
    out.number(status.enhanced->subject);
    out.number(status.enhanced->detail);
  }
  out.text(status.text);
}
Status get_status(RecordDecoder& in) {
  Status status;
  status.code = in.number<std::uint16_t>();
  if (in.boolean()) {
    EnhancedCode& enhanced = status.enhanced.emplace();
    enhanced.klass = in.number<std::uint8_t>();
    enhanced.subject = in.number<std::uint16_t>();
    enhanced.detail = in.number<std::uint16_t>();
  }
  status.text = in.text();
  return status;
}

void put_mailbox(RecordEncoder& out, const Mailbox& mailbox) {
  out.text(mailbox.local_part);
  out.text(mailbox.domain);
}
Mailbox get_mailbox(RecordDecoder& in) {
  Mailbox mailbox;
  mailbox.local_part = in.text();
  mailbox.domain = in.text();
  return mailbox;
}

void put_recipient(RecordEncoder& out, const Recipient& recipient) {
  put_mailbox(out, recipient.mailbox);
  const Notify& notify = recipient.notify;
  out.number((notify.is_given ? 1U : 0U) | (notify.never ? 2U : 0U) | (notify.success ? 4U : 0U) |
             (notify.failure ? 8U : 0U) | (notify.delay ? 16U : 0U));
  out.text(recipient.orcpt);
}
Recipient get_recipient(RecordDecoder& in) {
  Recipient recipient;
  recipient.mailbox = get_mailbox(in);
  const auto bits = in.number<std::uint8_t>();
  recipient.notify = Notify{.is_given = (bits & 1U) != 0,
                            .never = (bits & 2U) != 0,
                            .success = (bits & 4U) != 0,
                            .failure = (bits & 8U) != 0,
                            .delay = (bits & 16U) != 0};
  recipient.orcpt = in.text();
  return recipient;
}

void put_envelope(RecordEncoder& out, const Envelope& envelope) {
  out.boolean(envelope.reverse_path.has_value());
  if (envelope.reverse_path) put_mailbox(out, *envelope.reverse_path);
  put_optional(out, envelope.parameters.declared_size);
  out.word(envelope.parameters.body);
  out.number((envelope.parameters.smtputf8 ? 1U : 0U) | (envelope.parameters.require_tls ? 2U : 0U));
  out.word(envelope.parameters.ret);
  out.text(envelope.parameters.envid);
  out.number(envelope.recipients.size());
  for (const Recipient& recipient : envelope.recipients) put_recipient(out, recipient);
}
Envelope get_envelope(RecordDecoder& in) {
  Envelope envelope;
  if (in.boolean()) envelope.reverse_path = get_mailbox(in);
  envelope.parameters.declared_size = get_optional<std::uint64_t>(in);
  envelope.parameters.body = in.word(BodyType::SevenBit, BodyType::BinaryMime);
  const auto needs = in.number<std::uint8_t>();
  envelope.parameters.smtputf8 = (needs & 1U) != 0;
  envelope.parameters.require_tls = (needs & 2U) != 0;
  envelope.parameters.ret = in.word(DsnReturn::Unspecified, DsnReturn::Headers);
  envelope.parameters.envid = in.text();
  for (std::size_t left = in.count(); left > 0 && in.is_sound(); --left) {
    envelope.recipients.push_back(get_recipient(in));
  }
  return envelope;
}

void put_recipient_state(RecordEncoder& out, const RecipientState& state) {
  out.word(state.stage);
  out.number(state.attempts);
  out.instant(state.next_attempt);
  put_status(out, state.last_status);
  out.text(state.remote);
  out.boolean(state.delay_notified);
  out.boolean(state.is_own_word);
}
RecipientState get_recipient_state(RecordDecoder& in) {
  RecipientState state;
  state.stage = in.word(RecipientStage::Pending, RecipientStage::Complained);
  state.attempts = in.number<std::uint16_t>();
  state.next_attempt = in.instant();
  state.last_status = get_status(in);
  state.remote = in.text();
  state.delay_notified = in.boolean();
  if (in.version() >= 2) state.is_own_word = in.boolean();
  return state;
}

void put_summary(RecordEncoder& out, const MessageSummary& summary) {
  out.text(summary.from);
  out.text(summary.subject);
  put_texts(out, summary.to);
  put_texts(out, summary.cc);
  put_texts(out, summary.bcc);
  put_texts(out, summary.reply_to);
  out.number(summary.tags.size());
  for (const auto& [name, value] : summary.tags) {
    out.text(name);
    out.text(value);
  }
  out.text(summary.message_id);
}
MessageSummary get_summary(RecordDecoder& in) {
  MessageSummary summary;
  summary.from = in.text();
  summary.subject = in.text();
  summary.to = get_texts(in);
  summary.cc = get_texts(in);
  summary.bcc = get_texts(in);
  summary.reply_to = get_texts(in);
  for (std::size_t left = in.count(); left > 0 && in.is_sound(); --left) {
    std::string name = in.text();
    summary.tags.emplace_back(std::move(name), in.text());
  }
  if (in.version() >= 3) summary.message_id = in.text();
  return summary;
}

MessageFacts get_message_facts(RecordDecoder& in) {
  MessageFacts facts;
  facts.id.octets = in.octets<16>();
  facts.environment = in.word(Environment::Live, Environment::Test);
  facts.content_octets = in.number();
  facts.chunk_count = in.number<std::uint32_t>();
  return facts;
}
EventFacts get_event_facts(RecordDecoder& in) {
  EventFacts facts;
  facts.sequence = in.number();
  facts.at = in.instant();
  facts.message.octets = in.octets<16>();
  facts.type = in.word(EventType::MessageAccepted, EventType::WebhookDisabled);
  facts.account.octets = in.octets<10>();
  return facts;
}

}  // namespace

void encode_schema_version(std::uint32_t version, std::string& out) {
  RecordEncoder encoder(RecordKind::Schema, out);
  encoder.number(version);
  encoder.finish();
}
Result<std::uint32_t> decode_schema_version(std::string_view record) {
  RecordDecoder in(RecordKind::Schema, record);
  const auto version = in.number<std::uint32_t>();
  if (!in.is_complete()) return corrupt("schema version");
  return version;
}

void encode_totals(const SpoolTotals& totals, std::string& out) {
  RecordEncoder encoder(RecordKind::Totals, out);
  encoder.number(totals.next_sequence);
  encoder.number(totals.captured_octets);
  encoder.finish();
}
Result<SpoolTotals> decode_totals(std::string_view record) {
  RecordDecoder in(RecordKind::Totals, record);
  SpoolTotals totals;
  totals.next_sequence = in.number();
  totals.captured_octets = in.number();
  if (!in.is_complete()) return corrupt("spool totals");
  return totals;
}

void encode_event_id_key(const EventIdKey& key, std::string& out) {
  RecordEncoder encoder(RecordKind::EventIdKey, out);
  encoder.octets(key.octets);
  encoder.number(key.last_numbered);
  encoder.finish();
}
Result<EventIdKey> decode_event_id_key(std::string_view record) {
  RecordDecoder in(RecordKind::EventIdKey, record);
  EventIdKey key;
  key.octets = in.octets<16>();
  key.last_numbered = in.number();
  if (!in.is_complete()) return corrupt("key of event ids");
  return key;
}

void encode_message(const MessageRecord& message, std::string& out) {
  RecordEncoder encoder(RecordKind::Message, out, kMessageRecordVersion);
  encoder.octets(message.id.octets);
  encoder.word(message.environment);
  encoder.number(message.content_octets);
  encoder.number(message.chunk_count);
  encoder.number(message.trace_octets);
  encoder.octets(message.account.octets);
  encoder.octets(message.key.octets);
  encoder.word(message.origin);
  encoder.text(message.user_name);
  put_envelope(encoder, message.envelope);
  encoder.instant(message.accepted_at);
  encoder.octets(message.client_address.octets);
  encoder.text(message.helo_name);
  encoder.text(message.signature_fields);
  put_summary(encoder, message.summary);
  encoder.finish();
}
Result<MessageRecord> decode_message(std::string_view record) {
  RecordDecoder in(RecordKind::Message, record, kMessageRecordVersion);
  const MessageFacts facts = get_message_facts(in);
  MessageRecord message;
  message.id = facts.id;
  message.environment = facts.environment;
  message.content_octets = facts.content_octets;
  message.chunk_count = facts.chunk_count;
  message.trace_octets = in.number<std::uint32_t>();
  message.account.octets = in.octets<10>();
  message.key.octets = in.octets<10>();
  message.origin = in.word(MessageOrigin::Submission, MessageOrigin::Notification);
  message.user_name = in.text();
  message.envelope = get_envelope(in);
  message.accepted_at = in.instant();
  message.client_address.octets = in.octets<16>();
  message.helo_name = in.text();
  if (in.version() >= 2) {
    message.signature_fields = in.text();
    message.summary = get_summary(in);
  }
  if (!in.is_complete()) return corrupt("message record");
  return message;
}
Result<MessageFacts> decode_message_facts(std::string_view record) {
  RecordDecoder in(RecordKind::Message, record, kMessageRecordVersion);
  MessageFacts facts = get_message_facts(in);
  (void)in.number<std::uint32_t>();  // trace_octets
  facts.account.octets = in.octets<10>();
  if (!in.is_sound()) return corrupt("message record");
  return facts;
}

void encode_delivery(const DeliveryRecord& delivery, std::string& out) {
  RecordEncoder encoder(RecordKind::Delivery, out, kDeliveryRecordVersion);
  encoder.number(delivery.recipients.size());
  for (const RecipientState& state : delivery.recipients) put_recipient_state(encoder, state);
  put_optional(encoder, delivery.due);
  encoder.number(delivery.lane);
  put_optional(encoder, delivery.settled_at);
  put_optional(encoder, delivery.content_until);
  encoder.finish();
}
Result<DeliveryRecord> decode_delivery(std::string_view record) {
  RecordDecoder in(RecordKind::Delivery, record, kDeliveryRecordVersion);
  DeliveryRecord delivery;
  for (std::size_t left = in.count(); left > 0 && in.is_sound(); --left) {
    delivery.recipients.push_back(get_recipient_state(in));
  }
  delivery.due = get_optional<Instant>(in);
  delivery.lane = in.number();
  delivery.settled_at = get_optional<Instant>(in);
  delivery.content_until = get_optional<Instant>(in);
  if (!in.is_complete()) return corrupt("delivery record");
  return delivery;
}

void encode_event(const Event& event, std::string& out) {
  RecordEncoder encoder(RecordKind::Event, out);
  encoder.number(event.sequence);
  encoder.instant(event.at);
  encoder.octets(event.message.octets);
  encoder.word(event.type);
  encoder.octets(event.account.octets);
  encoder.word(event.environment);
  encoder.text(event.recipient);
  put_status(encoder, event.status);
  encoder.text(event.detail);
  encoder.finish();
}
Result<Event> decode_event(std::string_view record) {
  RecordDecoder in(RecordKind::Event, record);
  const EventFacts facts = get_event_facts(in);
  Event event;
  event.sequence = facts.sequence;
  event.at = facts.at;
  event.message = facts.message;
  event.type = facts.type;
  event.account = facts.account;
  event.environment = in.word(Environment::Live, Environment::Test);
  event.recipient = in.text();
  event.status = get_status(in);
  event.detail = in.text();
  if (!in.is_complete()) return corrupt("event");
  return event;
}
Result<EventFacts> decode_event_facts(std::string_view record) {
  RecordDecoder in(RecordKind::Event, record);
  const EventFacts facts = get_event_facts(in);
  if (!in.is_sound()) return corrupt("event");
  return facts;
}

void encode_idempotency(const IdempotencyRecord& idempotency, std::string& out) {
  RecordEncoder encoder(RecordKind::Idempotency, out);
  encoder.octets(idempotency.fingerprint);
  encoder.octets(idempotency.message.octets);
  encoder.instant(idempotency.at);
  encoder.finish();
}
Result<IdempotencyRecord> decode_idempotency(std::string_view record) {
  RecordDecoder in(RecordKind::Idempotency, record);
  IdempotencyRecord idempotency;
  idempotency.fingerprint = in.octets<32>();
  idempotency.message.octets = in.octets<16>();
  idempotency.at = in.instant();
  if (!in.is_complete()) return corrupt("idempotency record");
  return idempotency;
}

void encode_destination_pause(const DestinationPause& pause, std::string& out) {
  RecordEncoder encoder(RecordKind::DestinationPause, out);
  encoder.text(pause.name);
  encoder.instant(pause.since);
  encoder.instant(pause.until);
  put_status(encoder, pause.why);
  encoder.finish();
}
Result<DestinationPause> decode_destination_pause(std::string_view record) {
  RecordDecoder in(RecordKind::DestinationPause, record);
  DestinationPause pause;
  pause.name = in.text();
  pause.since = in.instant();
  pause.until = in.instant();
  pause.why = get_status(in);
  if (!in.is_complete()) return corrupt("destination pause");
  return pause;
}

}  // namespace postern::store
