// What each key sent, per UTC day. Rows sort by account and day, so that one account's range is read in one go.
#pragma once

#include "store/records.h"
#include "store/transaction.h"

#include <vector>

namespace postern::store {

// Days from the one that contains `from` to before `to`, in order of day and key.
Result<std::vector<UsageRow>> list_usage(Transaction& transaction, const AccountId& account, Instant from, Instant to,
                                         std::size_t limit);

// Saturates instead of wrapping.
Result<void> add_usage(WriteTransaction& transaction, const AccountId& account, const UsageRow& added);
// Drops at most `limit` rows of days before `before`. Returns how many. Steps from account to account.
Result<std::size_t> expire_usage(WriteTransaction& transaction, Instant before, std::size_t limit);

}  // namespace postern::store
