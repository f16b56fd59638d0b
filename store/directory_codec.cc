// The directory's records: the fields of each, in the order of docs/storage.md, and a pair of functions over them.
#include "store/codec.h"

#include "store/field_list.h"

namespace postern::store {

void encode_counter(std::uint64_t count, std::string& out) { encode_fields(RecordKind::Counter, count, out); }
Result<std::uint64_t> decode_counter(std::string_view record) {
  return decode_fields<std::uint64_t>(RecordKind::Counter, "counter", record);
}

void list_fields(auto& io, Of<AccountRecord> auto& account) {
  io(account.id, account.name, between(account.mode, AccountMode::Sandbox, AccountMode::Production),
     between(account.state, AccountState::Active, AccountState::Suspended), account.plan.name, account.plan.per_second,
     account.plan.per_day, account.plan.per_month, account.from_domains, account.created);
  io.since(2, account.is_self_made, between(account.auto_suppression, AutoSuppression::On, AutoSuppression::Off),
           account.suppression_days);
}
void encode_account(const AccountRecord& account, std::string& out) {
  encode_fields(RecordKind::Account, account, out, kAccountRecordVersion);
}
Result<AccountRecord> decode_account(std::string_view record) {
  return decode_fields<AccountRecord>(RecordKind::Account, "account", record, kAccountRecordVersion);
}

void list_fields(auto& io, Of<IpNetwork> auto& network) {
  io(network.address, between(network.prefix_length, 0, 128));
}
void list_fields(auto& io, Of<KeyRecord> auto& key) {
  io(key.id, key.account, key.name, between(key.environment, Environment::Live, Environment::Test),
     between(key.permission, Permission::FullAccess, Permission::SendingAccess), key.from_domains, key.networks,
     key.per_second, key.prefix, key.digest, key.created, key.expires_at, key.revoked_at, key.retires_at, key.successor);
}
void encode_key(const KeyRecord& key, std::string& out) { encode_fields(RecordKind::Key, key, out); }
Result<KeyRecord> decode_key(std::string_view record) { return decode_fields<KeyRecord>(RecordKind::Key, "key", record); }

void list_fields(auto& io, Of<KeyOutline> auto& outline) {
  io(between(outline.environment, Environment::Live, Environment::Test), outline.created, outline.expires_at, outline.revoked_at,
     outline.retires_at);
}
void encode_key_outline(const KeyOutline& outline, std::string& out) { encode_fields(RecordKind::KeyOutline, outline, out); }
Result<KeyOutline> decode_key_outline(std::string_view record) {
  return decode_fields<KeyOutline>(RecordKind::KeyOutline, "row of an account's key", record);
}

void list_fields(auto& io, Of<KeyUsage> auto& usage) {
  io(usage.at, usage.address, usage.helo_name);
}
void encode_key_usage(const KeyUsage& usage, std::string& out) { encode_fields(RecordKind::KeyUsage, usage, out); }
Result<KeyUsage> decode_key_usage(std::string_view record) {
  return decode_fields<KeyUsage>(RecordKind::KeyUsage, "key usage", record);
}

void list_fields(auto& io, Of<KeyRefusal> auto& refusal) {
  io(refusal.use, refusal.reason);
}
void encode_key_refusal(const KeyRefusal& refusal, std::string& out) { encode_fields(RecordKind::KeyRefusal, refusal, out); }
Result<KeyRefusal> decode_key_refusal(std::string_view record) {
  return decode_fields<KeyRefusal>(RecordKind::KeyRefusal, "key's refusal", record);
}

void list_fields(auto& io, Of<WhitelistEntry> auto& entry) {
  io(entry.address, entry.added);
}
void encode_whitelist_entry(const WhitelistEntry& entry, std::string& out) {
  encode_fields(RecordKind::WhitelistEntry, entry, out);
}
Result<WhitelistEntry> decode_whitelist_entry(std::string_view record) {
  return decode_fields<WhitelistEntry>(RecordKind::WhitelistEntry, "whitelist entry", record);
}

void list_fields(auto& io, Of<EndedSession> auto& session) {
  io(session.token_id, session.expires_at);
}
void list_fields(auto& io, Of<UserRecord> auto& user) {
  io(user.id, user.account, user.email, user.password_hash, user.created);
  io.since(2, user.ended_sessions, user.sessions_from);
}
void encode_user(const UserRecord& user, std::string& out) { encode_fields(RecordKind::User, user, out, kUserRecordVersion); }
Result<UserRecord> decode_user(std::string_view record) {
  return decode_fields<UserRecord>(RecordKind::User, "user", record, kUserRecordVersion);
}

void list_fields(auto& io, Of<Confirmation> auto& confirmation) {
  io(confirmation.account, between(confirmation.kind, ConfirmationKind::User, ConfirmationKind::Whitelist), confirmation.address,
     confirmation.code_digest, confirmation.asked, confirmation.expires_at);
}
void encode_confirmation(const Confirmation& confirmation, std::string& out) {
  encode_fields(RecordKind::Confirmation, confirmation, out);
}
Result<Confirmation> decode_confirmation(std::string_view record) {
  return decode_fields<Confirmation>(RecordKind::Confirmation, "confirmation", record);
}

void list_fields(auto& io, Of<ProductionRequest> auto& request) {
  io(request.account, request.at, request.use_case);
}
void encode_production_request(const ProductionRequest& request, std::string& out) {
  encode_fields(RecordKind::ProductionRequest, request, out);
}
Result<ProductionRequest> decode_production_request(std::string_view record) {
  return decode_fields<ProductionRequest>(RecordKind::ProductionRequest, "production request", record);
}

void list_fields(auto& io, Of<DkimKey> auto& key) {
  io(key.selector, key.algorithm, key.private_key, key.public_record);
}
void list_fields(auto& io, Of<DomainCheck> auto& check) {
  io(check.name, check.is_found, check.finding);
}
void list_fields(auto& io, Of<DomainRecord> auto& domain) {
  io(domain.id, domain.account, domain.name, between(domain.state, DomainState::Pending, DomainState::Failed),
     domain.ownership_token, domain.dkim_keys, domain.checks, domain.created, domain.checked_at, domain.verified_at);
}
void encode_domain(const DomainRecord& domain, std::string& out) { encode_fields(RecordKind::Domain, domain, out); }
Result<DomainRecord> decode_domain(std::string_view record) {
  return decode_fields<DomainRecord>(RecordKind::Domain, "domain", record);
}

void list_fields(auto& io, Of<SuppressionRecord> auto& suppression) {
  io(suppression.address, between(suppression.reason, SuppressionReason::Bounce, SuppressionReason::Manual), suppression.at,
     suppression.message);
  io.since(2, suppression.until);
}
void encode_suppression(const SuppressionRecord& suppression, std::string& out) {
  encode_fields(RecordKind::Suppression, suppression, out, kSuppressionRecordVersion);
}
Result<SuppressionRecord> decode_suppression(std::string_view record) {
  return decode_fields<SuppressionRecord>(RecordKind::Suppression, "suppression", record, kSuppressionRecordVersion);
}

void list_fields(auto& io, Of<WebhookRecord> auto& webhook) {
  io(webhook.id, webhook.account, webhook.url, webhook.events,
     between(webhook.state, WebhookState::Enabled, WebhookState::Failed), webhook.secret,
     webhook.previous_secret, webhook.previous_secret_until, webhook.created, webhook.first_sequence);
  io.since(2, between(webhook.mail, WebhookMail::Any, WebhookMail::Test), webhook.from_domains);
}
void encode_webhook(const WebhookRecord& webhook, std::string& out) {
  encode_fields(RecordKind::Webhook, webhook, out, kWebhookRecordVersion);
}
Result<WebhookRecord> decode_webhook(std::string_view record) {
  return decode_fields<WebhookRecord>(RecordKind::Webhook, "webhook", record, kWebhookRecordVersion);
}

void list_fields(auto& io, Of<WebhookProgress> auto& progress) {
  io(progress.cursor, progress.failing_since, progress.delivered, progress.given_up);
  io.since(2, progress.is_proven);
}
void encode_webhook_progress(const WebhookProgress& progress, std::string& out) {
  encode_fields(RecordKind::WebhookProgress, progress, out, kWebhookProgressRecordVersion);
}
Result<WebhookProgress> decode_webhook_progress(std::string_view record) {
  Result<WebhookProgress> progress =
      decode_fields<WebhookProgress>(RecordKind::WebhookProgress, "webhook's progress", record, kWebhookProgressRecordVersion);
  const bool is_older = progress && record[1] == 1;
  if (is_older) progress->is_proven = progress->delivered > 0;
  return progress;
}

void list_fields(auto& io, Of<PendingWebhookEvent> auto& event) {
  io(event.sequence, event.message, event.first_attempt, event.due, event.attempts);
  io.since(2, event.is_requested);
}
void encode_pending_webhook_event(const PendingWebhookEvent& event, std::string& out) {
  encode_fields(RecordKind::PendingWebhookEvent, event, out, kPendingEventRecordVersion);
}
Result<PendingWebhookEvent> decode_pending_webhook_event(std::string_view record) {
  return decode_fields<PendingWebhookEvent>(RecordKind::PendingWebhookEvent, "pending event of a webhook", record,
                                            kPendingEventRecordVersion);
}

void list_fields(auto& io, Of<UsageRow> auto& usage) {
  io(usage.day, usage.key, usage.messages, usage.recipients);
}
void encode_usage(const UsageRow& usage, std::string& out) { encode_fields(RecordKind::Usage, usage, out); }
Result<UsageRow> decode_usage(std::string_view record) { return decode_fields<UsageRow>(RecordKind::Usage, "usage row", record); }

}  // namespace postern::store
