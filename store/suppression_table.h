// Suppressions: addresses that an account's live mail does not go to, whatever the case of their letters. One row per account and
// address, and a row that counts them, so that neither the check at RCPT nor the limit walks the list.
#pragma once

#include "store/records.h"
#include "store/transaction.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::store {

// One whose time is over is not.
Result<bool> is_suppressed(Transaction& transaction, const AccountId& account, std::string_view normalised_address, Instant now);
Result<std::optional<SuppressionRecord>> find_suppression(Transaction& transaction, const AccountId& account,
                                                          std::string_view normalised_address);
// In order of address, strictly after `after`.
Result<std::vector<SuppressionRecord>> list_suppressions(Transaction& transaction, const AccountId& account,
                                                         std::string_view after, std::size_t limit);

// InvalidArgument: the address is empty or longer than any mailbox. LimitExceeded: the account's list is full.
Result<void> put_suppression(WriteTransaction& transaction, const AccountId& account, const SuppressionRecord& suppression);
// NotFound.
Result<void> erase_suppression(WriteTransaction& transaction, const AccountId& account, std::string_view normalised_address);
// Of `limit` rows behind `after`, erases those whose time is over. `after` becomes the last that was looked at; empty: all were.
Result<void> expire_suppressions(WriteTransaction& transaction, Instant now, std::string& after, std::size_t limit);
// Rows of stores that compared case by case get keys in lower case. Once for a store: it remembers.
Result<void> fold_suppressions(WriteTransaction& transaction);
Result<bool> are_suppressions_folded(Transaction& transaction);

}  // namespace postern::store
