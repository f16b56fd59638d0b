// Idempotency keys; the index by age is kept in step.
#include "store/idempotency_table.h"

#include "store/codec.h"
#include "store/record_table.h"
#include "store/retention.h"

#include <algorithm>

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
      find_record<IdempotencyRecord>(transaction, row(account, key_digest));
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
      find_record<IdempotencyRecord>(transaction, key);
  if (!aged) return aged.error();
  WritableTable ages(transaction, SpoolTable::IdempotencyAges);
  if (*aged) {
    Result<bool> erased = ages.erase(age_row((*aged)->at, account, claim.key_digest));
    if (!erased) return erased.error();
  }
  std::string record;
  encode(IdempotencyRecord{.fingerprint = claim.fingerprint, .message = message, .at = now}, record);
  if (Result<void> put = WritableTable(transaction, SpoolTable::Idempotency).put(key, record); !put) return put;
  return ages.put(age_row(now, account, claim.key_digest), {});
}

Result<std::size_t> expire_idempotency(WriteTransaction& transaction, Instant before, std::size_t limit) {
  std::vector<std::string> keys;
  {
    Cursor cursor(Table(transaction, SpoolTable::IdempotencyAges));
    for (bool found = cursor.first(); found && keys.size() < limit; found = cursor.next()) {
      if (KeyReader(cursor.key()).instant() > before) break;
      keys.emplace_back(cursor.key());
    }
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
  }
  for (const std::string& key : keys) {
    if (Result<void> erased = erase_claim(transaction, key); !erased) return erased.error();
  }
  return keys.size();
}

Result<std::deque<std::string>> find_excess_claims(Transaction& transaction, std::uint64_t max_count, std::uint64_t total) {
  std::deque<std::string> excess;
  const Table ages(transaction, SpoolTable::IdempotencyAges);
  Result<std::uint64_t> count = ages.count();
  if (!count) return count.error();
  if (*count <= max_count) return excess;
  const auto account_of = [](std::string_view key) {
    KeyReader reader(key);
    (void)reader.instant();
    return AccountId{reader.octets<10>()};
  };
  Holdings held;
  Cursor cursor(ages);
  for (bool found = cursor.first(); found; found = cursor.next()) ++held[account_of(cursor.key())];
  const std::uint64_t share = fair_share(held, total);
  for (auto& [account, claims] : held) claims -= std::min(claims, share);
  for (bool found = cursor.first(); found; found = cursor.next()) {
    std::uint64_t& budget = held[account_of(cursor.key())];
    if (budget == 0) continue;
    --budget;
    excess.emplace_back(cursor.key());
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return excess;
}

Result<void> erase_claim(WriteTransaction& transaction, std::string_view age_key) {
  if (Result<bool> erased = WritableTable(transaction, SpoolTable::IdempotencyAges).erase(age_key); !erased) return erased.error();
  if (age_key.size() <= kAgeOctets) return {};  // damaged
  Result<bool> erased = WritableTable(transaction, SpoolTable::Idempotency).erase(age_key.substr(kAgeOctets));
  if (!erased) return erased.error();
  return {};
}

}  // namespace postern::store
