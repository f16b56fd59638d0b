#include "submission/idempotency.h"

#include "core/bytes.h"

namespace postern::submission {
namespace {

std::string addresses_of(const Envelope& envelope) {
  std::string text = format_path(envelope.reverse_path);
  for (const Recipient& recipient : envelope.recipients) text.append(" <").append(format_mailbox(recipient.mailbox)).append(">");
  return text;
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

std::string envid_idempotency_key(const Envelope& envelope, const auth::Sha256Digest& fingerprint) {
  return "envid " + envelope.parameters.envid + ' ' + format_hex(fingerprint);
}

SubmissionFingerprint::SubmissionFingerprint(const Envelope& envelope) { hash_.update_field(addresses_of(envelope)); }

}  // namespace postern::submission
