// The directory's records: one pair of functions each; the fields in the order of docs/storage.md.
#include "store/codec.h"

#include "store/codec_fields.h"

namespace postern::store {

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

void encode_user(const UserRecord& user, std::string& out) {
  RecordEncoder encoder(RecordKind::User, out);
  encoder.octets(user.id.octets);
  encoder.octets(user.account.octets);
  encoder.text(user.email);
  encoder.text(user.password_hash);
  encoder.instant(user.created);
  encoder.finish();
}
Result<UserRecord> decode_user(std::string_view record) {
  RecordDecoder in(RecordKind::User, record);
  UserRecord user;
  user.id.octets = in.octets<10>();
  user.account.octets = in.octets<10>();
  user.email = in.text();
  user.password_hash = in.text();
  user.created = in.instant();
  if (!in.is_complete()) return corrupt("user");
  return user;
}

void encode_production_request(const ProductionRequest& request, std::string& out) {
  RecordEncoder encoder(RecordKind::ProductionRequest, out);
  encoder.octets(request.account.octets);
  encoder.instant(request.at);
  encoder.text(request.use_case);
  encoder.finish();
}
Result<ProductionRequest> decode_production_request(std::string_view record) {
  RecordDecoder in(RecordKind::ProductionRequest, record);
  ProductionRequest request;
  request.account.octets = in.octets<10>();
  request.at = in.instant();
  request.use_case = in.text();
  if (!in.is_complete()) return corrupt("production request");
  return request;
}

void encode_domain(const DomainRecord& domain, std::string& out) {
  RecordEncoder encoder(RecordKind::Domain, out);
  encoder.octets(domain.id.octets);
  encoder.octets(domain.account.octets);
  encoder.text(domain.name);
  encoder.word(domain.state);
  encoder.text(domain.ownership_token);
  encoder.number(domain.dkim_keys.size());
  for (const DkimKey& key : domain.dkim_keys) {
    encoder.text(key.selector);
    encoder.text(key.algorithm);
    encoder.text(key.private_key);
    encoder.text(key.public_record);
  }
  encoder.number(domain.checks.size());
  for (const DomainCheck& check : domain.checks) {
    encoder.text(check.name);
    encoder.boolean(check.is_found);
    encoder.text(check.finding);
  }
  encoder.instant(domain.created);
  put_optional(encoder, domain.checked_at);
  put_optional(encoder, domain.verified_at);
  encoder.finish();
}
Result<DomainRecord> decode_domain(std::string_view record) {
  RecordDecoder in(RecordKind::Domain, record);
  DomainRecord domain;
  domain.id.octets = in.octets<10>();
  domain.account.octets = in.octets<10>();
  domain.name = in.text();
  domain.state = in.word(DomainState::Pending, DomainState::Failed);
  domain.ownership_token = in.text();
  for (std::size_t left = in.count(); left > 0 && in.is_sound(); --left) {
    DkimKey& key = domain.dkim_keys.emplace_back();
    key.selector = in.text();
    key.algorithm = in.text();
    key.private_key = in.text();
    key.public_record = in.text();
  }
  for (std::size_t left = in.count(); left > 0 && in.is_sound(); --left) {
    DomainCheck& check = domain.checks.emplace_back();
    check.name = in.text();
    check.is_found = in.boolean();
    check.finding = in.text();
  }
  domain.created = in.instant();
  domain.checked_at = get_optional<Instant>(in);
  domain.verified_at = get_optional<Instant>(in);
  if (!in.is_complete()) return corrupt("domain");
  return domain;
}

void encode_suppression(const SuppressionRecord& suppression, std::string& out) {
  RecordEncoder encoder(RecordKind::Suppression, out);
  encoder.text(suppression.address);
  encoder.word(suppression.reason);
  encoder.instant(suppression.at);
  encoder.boolean(suppression.message.has_value());
  if (suppression.message) encoder.octets(suppression.message->octets);
  encoder.finish();
}
Result<SuppressionRecord> decode_suppression(std::string_view record) {
  RecordDecoder in(RecordKind::Suppression, record);
  SuppressionRecord suppression;
  suppression.address = in.text();
  suppression.reason = in.word(SuppressionReason::Bounce, SuppressionReason::Manual);
  suppression.at = in.instant();
  if (in.boolean()) suppression.message = MessageId{in.octets<16>()};
  if (!in.is_complete()) return corrupt("suppression");
  return suppression;
}

void encode_webhook(const WebhookRecord& webhook, std::string& out) {
  RecordEncoder encoder(RecordKind::Webhook, out);
  encoder.octets(webhook.id.octets);
  encoder.octets(webhook.account.octets);
  encoder.text(webhook.url);
  put_texts(encoder, webhook.events);
  encoder.word(webhook.state);
  encoder.text(webhook.secret);
  encoder.text(webhook.previous_secret);
  put_optional(encoder, webhook.previous_secret_until);
  encoder.instant(webhook.created);
  encoder.number(webhook.first_sequence);
  encoder.finish();
}
Result<WebhookRecord> decode_webhook(std::string_view record) {
  RecordDecoder in(RecordKind::Webhook, record);
  WebhookRecord webhook;
  webhook.id.octets = in.octets<10>();
  webhook.account.octets = in.octets<10>();
  webhook.url = in.text();
  webhook.events = get_texts(in);
  webhook.state = in.word(WebhookState::Enabled, WebhookState::Failed);
  webhook.secret = in.text();
  webhook.previous_secret = in.text();
  webhook.previous_secret_until = get_optional<Instant>(in);
  webhook.created = in.instant();
  webhook.first_sequence = in.number();
  if (!in.is_complete()) return corrupt("webhook");
  return webhook;
}

void encode_webhook_progress(const WebhookProgress& progress, std::string& out) {
  RecordEncoder encoder(RecordKind::WebhookProgress, out);
  encoder.number(progress.cursor);
  put_optional(encoder, progress.failing_since);
  encoder.number(progress.delivered);
  encoder.number(progress.given_up);
  encoder.finish();
}
Result<WebhookProgress> decode_webhook_progress(std::string_view record) {
  RecordDecoder in(RecordKind::WebhookProgress, record);
  WebhookProgress progress;
  progress.cursor = in.number();
  progress.failing_since = get_optional<Instant>(in);
  progress.delivered = in.number();
  progress.given_up = in.number();
  if (!in.is_complete()) return corrupt("webhook's progress");
  return progress;
}

void encode_pending_webhook_event(const PendingWebhookEvent& event, std::string& out) {
  RecordEncoder encoder(RecordKind::PendingWebhookEvent, out);
  encoder.number(event.sequence);
  encoder.octets(event.message.octets);
  encoder.instant(event.first_attempt);
  encoder.instant(event.due);
  encoder.number(event.attempts);
  encoder.finish();
}
Result<PendingWebhookEvent> decode_pending_webhook_event(std::string_view record) {
  RecordDecoder in(RecordKind::PendingWebhookEvent, record);
  PendingWebhookEvent event;
  event.sequence = in.number();
  event.message.octets = in.octets<16>();
  event.first_attempt = in.instant();
  event.due = in.instant();
  event.attempts = in.number<std::uint16_t>();
  if (!in.is_complete()) return corrupt("pending event of a webhook");
  return event;
}

void encode_usage(const UsageRow& usage, std::string& out) {
  RecordEncoder encoder(RecordKind::Usage, out);
  encoder.instant(usage.day);
  encoder.octets(usage.key.octets);
  encoder.number(usage.messages);
  encoder.number(usage.recipients);
  encoder.finish();
}
Result<UsageRow> decode_usage(std::string_view record) {
  RecordDecoder in(RecordKind::Usage, record);
  UsageRow usage;
  usage.day = in.instant();
  usage.key.octets = in.octets<10>();
  usage.messages = in.number();
  usage.recipients = in.number();
  if (!in.is_complete()) return corrupt("usage row");
  return usage;
}

}  // namespace postern::store
