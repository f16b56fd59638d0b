// Idempotency keys; the index by age is kept in step.
#include "store/idempotency_table.h"

#include "store/codec.h"
#include "store/record_table.h"

namespace postern::store {
namespace {

using Digest = std::array<std::uint8_t, 32>;

constexpr std::size_t kAgeOctets = 8;  // in front of account and digest

KeyOctets row(const AccountId& account, const Digest& key_digest) {
  return KeyOctets().add(account.octets).add(key_digest);
}
KeyOctets age_row(Instant at, const AccountId& account, const Digest& key_digest) {
  return KeyOctets().add(at).add(account.octets).add(key_digest);
}

}  // namespace

Result<std::optional<IdempotencyRecord>> find_idempotency(Transaction& transaction, const AccountId& account,
                                                          const Digest& key_digest, Instant now) {
  Result<std::optional<IdempotencyRecord>> record =
      find_record(transaction, SpoolTable::Idempotency, row(account, key_digest), decode_idempotency);
  if (!record) return record.error();
  if (*record && (*record)->at <= now - kIdempotencyRetention) return std::optional<IdempotencyRecord>();
  return record;
}

Result<void> check_claim(Transaction& transaction, const AccountId& account, const IdempotencyClaim& claim, Instant now) {
  Result<std::optional<IdempotencyRecord>> taken = find_idempotency(transaction, account, claim.key_digest, now);
  if (!taken) return taken.error();
  if (!*taken) return {};
  const std::string context = "the idempotency key is that of message " + format_message_id((*taken)->message);
  const bool is_same = (*taken)->fingerprint == claim.fingerprint;
  return Error(is_same ? ErrorCode::AlreadyExists : ErrorCode::Conflict, context);
}

Result<void> put_claim(WriteTransaction& transaction, const AccountId& account, const IdempotencyClaim& claim,
                       const MessageId& message, Instant now) {
  const KeyOctets key = row(account, claim.key_digest);
  Result<std::optional<IdempotencyRecord>> aged =
      find_record(transaction, SpoolTable::Idempotency, key, decode_idempotency);
  if (!aged) return aged.error();
  WritableTable ages(transaction, SpoolTable::IdempotencyAges);
  if (*aged) {
    Result<bool> erased = ages.erase(age_row((*aged)->at, account, claim.key_digest));
    if (!erased) return erased.error();
  }
  std::string record;
  encode_idempotency({.fingerprint = claim.fingerprint, .message = message, .at = now}, record);
  if (Result<void> put = WritableTable(transaction, SpoolTable::Idempotency).put(key, record); !put) return put;
  return ages.put(age_row(now, account, claim.key_digest), {});
}

Result<std::size_t> expire_idempotency(WriteTransaction& transaction, Instant before, std::uint64_t max_count,
                                       std::size_t limit) {
  Result<std::uint64_t> count = Table(transaction, SpoolTable::IdempotencyAges).count();
  if (!count) return count.error();
  std::vector<std::string> keys;
  {
    Cursor cursor(Table(transaction, SpoolTable::IdempotencyAges));
    for (bool found = cursor.first(); found && keys.size() < limit; found = cursor.next()) {
      if (KeyReader(cursor.key()).instant() > before && *count - keys.size() <= max_count) break;
      keys.emplace_back(cursor.key());
    }
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
  }
  WritableTable ages(transaction, SpoolTable::IdempotencyAges);
  WritableTable records(transaction, SpoolTable::Idempotency);
  for (const std::string& key : keys) {
    if (Result<bool> erased = ages.erase(key); !erased) return erased.error();
    if (key.size() <= kAgeOctets) continue;  // damaged
    if (Result<bool> erased = records.erase(std::string_view(key).substr(kAgeOctets)); !erased) return erased.error();
  }
  return keys.size();
}

}  // namespace postern::store
