// Recipients counted per account and period (UTC day, UTC month), for quotas. Rows sort by period and start, so that ended
// periods are dropped without a walk over the others.
#pragma once

#include "store/records.h"
#include "store/transaction.h"

namespace postern::store {

Result<std::uint64_t> counter(Transaction& transaction, const AccountId& account, CounterPeriod period, Instant at);

// Saturates instead of wrapping.
Result<void> add_to_counter(WriteTransaction& transaction, const AccountId& account, CounterPeriod period, Instant at,
                            std::uint64_t count);
// Drops periods that ended before `before`. Returns how many rows.
Result<std::size_t> expire_counters(WriteTransaction& transaction, Instant before);
Result<void> clear_counters(WriteTransaction& transaction, const AccountId& account);

}  // namespace postern::store
