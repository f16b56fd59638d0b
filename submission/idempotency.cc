#include "submission/idempotency.h"

#include "core/bytes.h"

#include <chrono>
#include <utility>
#include <variant>

namespace postern::submission {
namespace {

std::string addresses_of(const Envelope& envelope) {
  std::string text = format_path(envelope.reverse_path);
  for (const Recipient& recipient : envelope.recipients) text.append(" <").append(format_mailbox(recipient.mailbox)).append(">");
  return text;
}

// As MAIL said it: the same parameter again means the same message.
std::string hold_text(const Hold& hold) {
  if (const auto* const span = std::get_if<std::chrono::seconds>(&hold)) return "HOLDFOR=" + std::to_string(span->count());
  return "HOLDUNTIL=" + std::to_string(std::get<Instant>(hold).time_since_epoch().count());
}

}  // namespace

auth::Sha256Digest idempotency_key_digest(Environment environment, std::string_view user_name, std::string_view key) {
  auth::Sha256 hash;
  hash.update_field(environment_name(environment));
  hash.update_field(environment == Environment::Test ? user_name : std::string_view());
  hash.update_field(key);
  return hash.finish();
}

std::string header_idempotency_key(std::string_view value) { return "field " + std::string(value); }

std::optional<std::string> idempotency_key_of(const mime::HeaderScan& header) {
  const mime::HeaderField* field = header.find("Idempotency-Key");
  if (field == nullptr) return std::nullopt;
  const std::string_view key = trim_ascii_space(field->value);
  if (key.empty() || key.size() > kMaxIdempotencyKeyOctets) return std::nullopt;
  return header_idempotency_key(key);
}

std::string envid_idempotency_key(std::string_view envid, const auth::Sha256Digest& fingerprint) {
  return "envid " + std::string(envid) + ' ' + format_hex(fingerprint);
}

SubmissionFingerprint::SubmissionFingerprint(const Envelope& envelope) {
  hash_.update_field(addresses_of(envelope));
  if (envelope.parameters.hold) hash_.update_field(hold_text(*envelope.parameters.hold));
}

void IdempotencyKey::give(std::string key, const auth::Sha256Digest& fingerprint) {
  key_ = std::move(key);
  fingerprint_ = fingerprint;
}

void IdempotencyKey::begin(const mime::HeaderScan& header, const Envelope& envelope) {
  if (fingerprint_) return;
  key_ = idempotency_key_of(header);
  if (!key_) envid_ = envelope.parameters.envid;
  if (!key_ && envid_.empty()) return;
  running_.emplace(envelope);
  running_->add(header.section());
  running_->add(header.has_empty_line() ? "\r\n" : "");
  running_->add(header.body_start());
}

std::optional<store::IdempotencyClaim> IdempotencyKey::claim(Environment environment, std::string_view user_name) {
  if (running_) fingerprint_ = running_->finish();
  running_.reset();
  if (!fingerprint_) return std::nullopt;
  const std::string key = key_ ? *key_ : envid_idempotency_key(envid_, *fingerprint_);
  return store::IdempotencyClaim{.key_digest = idempotency_key_digest(environment, user_name, key),
                                 .fingerprint = *fingerprint_};
}

}  // namespace postern::submission
