// Idempotency keys of submissions, per account, and the same by age. A claim is made in the commit that stores its message, so
// that of two submissions with one key exactly one is accepted, whatever fails.
#pragma once

#include "store/records.h"
#include "store/tables.h"

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace postern::store {

// As of `now`: a record older than kIdempotencyRetention counts as absent.
Result<std::optional<IdempotencyRecord>> find_idempotency(Transaction& transaction, const AccountId& account,
                                                          const std::array<std::uint8_t, 32>& key_digest, Instant now);

// AlreadyExists: the key is taken with the same fingerprint. Conflict: with another one. Writes nothing.
Result<void> check_claim(Transaction& transaction, const AccountId& account, const IdempotencyClaim& claim, Instant now);
// Takes the key. Requires: check_claim() found it free.
Result<void> put_claim(WriteTransaction& transaction, const AccountId& account, const IdempotencyClaim& claim,
                       const MessageId& message, Instant now);

// Removes at most `limit` of the oldest: those of `before` or earlier.
Result<std::size_t> expire_idempotency(WriteTransaction& transaction, Instant before, std::size_t limit);
// Where there are more than `max_count`: keys of the index by age, the oldest of those accounts that have more than their share of
// `total`. So nobody's claim goes before its day for another account's sake.
Result<std::deque<std::string>> find_excess_claims(Transaction& transaction, std::uint64_t max_count, std::uint64_t total);
// The claim that a key of the index by age names, and that key.
Result<void> erase_claim(WriteTransaction& transaction, std::string_view age_key);

}  // namespace postern::store
