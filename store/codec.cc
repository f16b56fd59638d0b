// One pair of functions per record; the fields in the order of docs/storage.md.
#include "store/codec.h"

#include "store/octets.h"

namespace postern::store {
namespace {

Error corrupt(std::string_view what) {
  return Error(ErrorCode::CorruptRecord, "a stored " + std::string(what) + " is damaged or of an unknown version");
}

template <class Number>
void put_optional(RecordEncoder& out, const std::optional<Number>& value) {
  out.boolean(value.has_value());
  if (value) out.number(*value);
}
void put_optional(RecordEncoder& out, const std::optional<Instant>& value) {
  out.boolean(value.has_value());
  if (value) out.instant(*value);
}
template <class Number>
std::optional<Number> get_optional(RecordDecoder& in) {
  if (!in.boolean()) return std::nullopt;
  return in.number<Number>();
}
template <>
std::optional<Instant> get_optional<Instant>(RecordDecoder& in) {
  if (!in.boolean()) return std::nullopt;
  return in.instant();
}

void put_texts(RecordEncoder& out, const std::vector<std::string>& texts) {
  out.number(texts.size());
  for (const std::string& text : texts) out.text(text);
}
std::vector<std::string> get_texts(RecordDecoder& in) {
  std::vector<std::string> texts(in.count());
  for (std::string& text : texts) text = in.text();
  return texts;
}

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
  out.boolean(envelope.parameters.smtputf8);
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
  envelope.parameters.smtputf8 = in.boolean();
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
}
RecipientState get_recipient_state(RecordDecoder& in) {
  RecipientState state;
  state.stage = in.word(RecipientStage::Pending, RecipientStage::Cancelled);
  state.attempts = in.number<std::uint16_t>();
  state.next_attempt = in.instant();
  state.last_status = get_status(in);
  state.remote = in.text();
  state.delay_notified = in.boolean();
  return state;
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

void encode_counter(std::uint64_t count, std::string& out) {
  RecordEncoder encoder(RecordKind::Counter, out);
  encoder.number(count);
  encoder.finish();
}
Result<std::uint64_t> decode_counter(std::string_view record) {
  RecordDecoder in(RecordKind::Counter, record);
  const std::uint64_t count = in.number();
  if (!in.is_complete()) return corrupt("counter");
  return count;
}

void encode_account(const AccountRecord& account, std::string& out) {
  RecordEncoder encoder(RecordKind::Account, out);
  encoder.octets(account.id.octets);
  encoder.text(account.name);
  encoder.word(account.mode);
  encoder.word(account.state);
  encoder.text(account.plan.name);
  put_optional(encoder, account.plan.per_second);
  put_optional(encoder, account.plan.per_day);
  put_optional(encoder, account.plan.per_month);
  put_texts(encoder, account.from_domains);
  encoder.instant(account.created);
  encoder.finish();
}
Result<AccountRecord> decode_account(std::string_view record) {
  RecordDecoder in(RecordKind::Account, record);
  AccountRecord account;
  account.id.octets = in.octets<10>();
  account.name = in.text();
  account.mode = in.word(AccountMode::Sandbox, AccountMode::Production);
  account.state = in.word(AccountState::Active, AccountState::Suspended);
  account.plan.name = in.text();
  account.plan.per_second = get_optional<std::uint32_t>(in);
  account.plan.per_day = get_optional<std::uint64_t>(in);
  account.plan.per_month = get_optional<std::uint64_t>(in);
  account.from_domains = get_texts(in);
  account.created = in.instant();
  if (!in.is_complete()) return corrupt("account");
  return account;
}

void encode_key(const KeyRecord& key, std::string& out) {
  RecordEncoder encoder(RecordKind::Key, out);
  encoder.octets(key.id.octets);
  encoder.octets(key.account.octets);
  encoder.text(key.name);
  encoder.word(key.environment);
  encoder.word(key.permission);
  put_texts(encoder, key.from_domains);
  encoder.number(key.networks.size());
  for (const IpNetwork& network : key.networks) {
    encoder.octets(network.address.octets);
    encoder.number(network.prefix_length);
  }
  put_optional(encoder, key.per_second);
  encoder.text(key.prefix);
  encoder.octets(key.digest);
  encoder.instant(key.created);
  put_optional(encoder, key.expires_at);
  put_optional(encoder, key.revoked_at);
  put_optional(encoder, key.retires_at);
  encoder.boolean(key.successor.has_value());
  if (key.successor) encoder.octets(key.successor->octets);
  encoder.finish();
}
Result<KeyRecord> decode_key(std::string_view record) {
  RecordDecoder in(RecordKind::Key, record);
  KeyRecord key;
  key.id.octets = in.octets<10>();
  key.account.octets = in.octets<10>();
  key.name = in.text();
  key.environment = in.word(Environment::Live, Environment::Test);
  key.permission = in.word(Permission::FullAccess, Permission::SendingAccess);
  key.from_domains = get_texts(in);
  for (std::size_t left = in.count(); left > 0 && in.is_sound(); --left) {
    IpNetwork& network = key.networks.emplace_back();
    network.address.octets = in.octets<16>();
    network.prefix_length = in.number<std::uint8_t>();
    if (network.prefix_length > 128) return corrupt("key");
  }
  key.per_second = get_optional<std::uint32_t>(in);
  key.prefix = in.text();
  key.digest = in.octets<32>();
  key.created = in.instant();
  key.expires_at = get_optional<Instant>(in);
  key.revoked_at = get_optional<Instant>(in);
  key.retires_at = get_optional<Instant>(in);
  if (in.boolean()) key.successor = KeyId{in.octets<10>()};
  if (!in.is_complete()) return corrupt("key");
  return key;
}

void encode_key_usage(const KeyUsage& usage, std::string& out) {
  RecordEncoder encoder(RecordKind::KeyUsage, out);
  encoder.instant(usage.at);
  encoder.octets(usage.address.octets);
  encoder.text(usage.helo_name);
  encoder.finish();
}
Result<KeyUsage> decode_key_usage(std::string_view record) {
  RecordDecoder in(RecordKind::KeyUsage, record);
  KeyUsage usage;
  usage.at = in.instant();
  usage.address.octets = in.octets<16>();
  usage.helo_name = in.text();
  if (!in.is_complete()) return corrupt("key usage");
  return usage;
}

void encode_whitelist_entry(const WhitelistEntry& entry, std::string& out) {
  RecordEncoder encoder(RecordKind::WhitelistEntry, out);
  encoder.text(entry.address);
  encoder.instant(entry.added);
  encoder.finish();
}
Result<WhitelistEntry> decode_whitelist_entry(std::string_view record) {
  RecordDecoder in(RecordKind::WhitelistEntry, record);
  WhitelistEntry entry;
  entry.address = in.text();
  entry.added = in.instant();
  if (!in.is_complete()) return corrupt("whitelist entry");
  return entry;
}

void encode_message(const MessageRecord& message, std::string& out) {
  RecordEncoder encoder(RecordKind::Message, out);
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
  encoder.finish();
}
Result<MessageRecord> decode_message(std::string_view record) {
  RecordDecoder in(RecordKind::Message, record);
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
  if (!in.is_complete()) return corrupt("message record");
  return message;
}
Result<MessageFacts> decode_message_facts(std::string_view record) {
  RecordDecoder in(RecordKind::Message, record);
  const MessageFacts facts = get_message_facts(in);
  if (!in.is_sound()) return corrupt("message record");
  return facts;
}

void encode_delivery(const DeliveryRecord& delivery, std::string& out) {
  RecordEncoder encoder(RecordKind::Delivery, out);
  encoder.number(delivery.recipients.size());
  for (const RecipientState& state : delivery.recipients) put_recipient_state(encoder, state);
  put_optional(encoder, delivery.due);
  encoder.number(delivery.lane);
  put_optional(encoder, delivery.settled_at);
  put_optional(encoder, delivery.content_until);
  encoder.finish();
}
Result<DeliveryRecord> decode_delivery(std::string_view record) {
  RecordDecoder in(RecordKind::Delivery, record);
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
  event.type = in.word(EventType::MessageAccepted, EventType::DsnWithheld);
  event.account.octets = in.octets<10>();
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

}  // namespace postern::store
