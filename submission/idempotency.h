// Idempotency: what a submission's key is, and what has to be equal for the same key to mean the same message. Pure but for the
// digests.
//
// Over SMTP the key is the first `Idempotency-Key:` field of the header section, or else ENVID (RFC 3461 §4.4).
// The field is taken out of the message (submission/message_fixups). One that is empty or longer than the bound is
// only a field, since no client expects its mail to be refused for it. Envelope and content are part of what must
// be equal to the first message of a field, which a client sets on purpose. Of ENVID they are part of the key:
// clients send a constant one, or one for several transactions, and another message is then a message of its own.
#pragma once

#include "auth/sha256.h"
#include "core/envelope.h"
#include "core/ids.h"
#include "mime/header_scan.h"
#include "store/records.h"

#include <optional>
#include <string>
#include <string_view>

namespace postern::submission {

// Longer than any UUID, path or hash that serves as one; what is stored is a digest.
inline constexpr std::size_t kMaxIdempotencyKeyOctets = 256;

// Live mail and every run of tests (`user_name`) have keys of their own: a test never stands for a message that has to go out.
auth::Sha256Digest idempotency_key_digest(Environment environment, std::string_view user_name, std::string_view key);

// The key that a header field gave, of an HTTP request or of the message: one space of keys for both doors.
std::string header_idempotency_key(std::string_view value);

// What a message over SMTP gives as its key by a field; nullopt: none.
std::optional<std::string> idempotency_key_of(const mime::HeaderScan& header);
// The key of a message with that ENVID (not empty), whose fingerprint is known.
std::string envid_idempotency_key(std::string_view envid, const auth::Sha256Digest& fingerprint);

// Addresses, hold (RFC 4865) and content as the client gave them.
class SubmissionFingerprint {
 public:
  explicit SubmissionFingerprint(const Envelope& envelope);
  void add(std::string_view content) { hash_.update(content); }
  auth::Sha256Digest finish() { return hash_.finish(); }

 private:
  auth::Sha256 hash_;
};

// A submission's key while its content comes in. Where there is none, nothing is hashed.
class IdempotencyKey {
 public:
  // It came beside the message, and goes before one within it.
  void give(std::string key, const auth::Sha256Digest& fingerprint);
  // The header section is complete, and what follows comes by add().
  void begin(const mime::HeaderScan& header, const Envelope& envelope);
  void add(std::string_view content) {
    if (running_) running_->add(content);
  }
  // Requires the content to be over, unless the key was given. nullopt: there is none.
  std::optional<store::IdempotencyClaim> claim(Environment environment, std::string_view user_name);

 private:
  std::optional<std::string> key_;
  std::string envid_;  // not empty: stands for a key, which is known with the fingerprint only
  std::optional<auth::Sha256Digest> fingerprint_;
  std::optional<SubmissionFingerprint> running_;
};

}  // namespace postern::submission
