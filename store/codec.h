// Records to octets and back: versioned, checksummed, compact. decode_ refuses everything that encode_ cannot have written as
// CorruptRecord: wrong kind, version or checksum, a field out of range, octets left over. The grammar is in docs/storage.md.
#pragma once

#include "core/event.h"
#include "core/result.h"
#include "store/records.h"

#include <string>
#include <string_view>

namespace postern::store {

// Running totals of the spool, written in the commit that changes them.
struct SpoolTotals {
  std::uint64_t next_sequence = 1;    // of the next event
  std::uint64_t captured_octets = 0;  // content of settled test messages that is still there

  friend bool operator==(const SpoolTotals&, const SpoolTotals&) = default;
};

// Each overwrites `out`, whose memory is reused.
void encode_schema_version(std::uint32_t version, std::string& out);
void encode_totals(const SpoolTotals& totals, std::string& out);
void encode_event_id_key(const EventIdKey& key, std::string& out);
void encode_counter(std::uint64_t count, std::string& out);
void encode_account(const AccountRecord& account, std::string& out);
void encode_key(const KeyRecord& key, std::string& out);
void encode_key_outline(const KeyOutline& outline, std::string& out);
void encode_key_usage(const KeyUsage& usage, std::string& out);
void encode_key_refusal(const KeyRefusal& refusal, std::string& out);
void encode_whitelist_entry(const WhitelistEntry& entry, std::string& out);
void encode_user(const UserRecord& user, std::string& out);
void encode_confirmation(const Confirmation& confirmation, std::string& out);
void encode_production_request(const ProductionRequest& request, std::string& out);
void encode_domain(const DomainRecord& domain, std::string& out);
void encode_suppression(const SuppressionRecord& suppression, std::string& out);
void encode_webhook(const WebhookRecord& webhook, std::string& out);
void encode_webhook_progress(const WebhookProgress& progress, std::string& out);
void encode_pending_webhook_event(const PendingWebhookEvent& event, std::string& out);
void encode_usage(const UsageRow& usage, std::string& out);
void encode_message(const MessageRecord& message, std::string& out);
void encode_delivery(const DeliveryRecord& delivery, std::string& out);
void encode_event(const Event& event, std::string& out);
void encode_idempotency(const IdempotencyRecord& idempotency, std::string& out);
void encode_destination_pause(const DestinationPause& pause, std::string& out);

Result<std::uint32_t> decode_schema_version(std::string_view record);
Result<SpoolTotals> decode_totals(std::string_view record);
Result<EventIdKey> decode_event_id_key(std::string_view record);
Result<std::uint64_t> decode_counter(std::string_view record);
Result<AccountRecord> decode_account(std::string_view record);
Result<KeyRecord> decode_key(std::string_view record);
Result<KeyOutline> decode_key_outline(std::string_view record);  // without the id
Result<KeyUsage> decode_key_usage(std::string_view record);
Result<KeyRefusal> decode_key_refusal(std::string_view record);
Result<WhitelistEntry> decode_whitelist_entry(std::string_view record);
Result<UserRecord> decode_user(std::string_view record);
Result<Confirmation> decode_confirmation(std::string_view record);
Result<ProductionRequest> decode_production_request(std::string_view record);
Result<DomainRecord> decode_domain(std::string_view record);
Result<SuppressionRecord> decode_suppression(std::string_view record);
Result<WebhookRecord> decode_webhook(std::string_view record);
Result<WebhookProgress> decode_webhook_progress(std::string_view record);
Result<PendingWebhookEvent> decode_pending_webhook_event(std::string_view record);
Result<UsageRow> decode_usage(std::string_view record);
Result<MessageRecord> decode_message(std::string_view record);
Result<DeliveryRecord> decode_delivery(std::string_view record);
Result<Event> decode_event(std::string_view record);
Result<IdempotencyRecord> decode_idempotency(std::string_view record);
Result<DestinationPause> decode_destination_pause(std::string_view record);

// The fixed front of a message and of an event, without the strings behind it.
struct MessageFacts {
  MessageId id;
  AccountId account;
  Environment environment = Environment::Live;
  std::uint64_t content_octets = 0;
  std::uint32_t chunk_count = 0;
};
struct EventFacts {
  std::uint64_t sequence = 0;
  Instant at;
  MessageId message;
  EventType type = EventType::MessageAccepted;
  AccountId account;
};
Result<MessageFacts> decode_message_facts(std::string_view record);
Result<EventFacts> decode_event_facts(std::string_view record);

}  // namespace postern::store
