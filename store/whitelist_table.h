// The sandbox whitelist: addresses that an account in sandbox mode may reach.
#pragma once

#include "store/records.h"
#include "store/transaction.h"

#include <string_view>
#include <vector>

namespace postern::store {

Result<bool> is_whitelisted(Transaction& transaction, const AccountId& account, std::string_view normalised_address);
Result<std::vector<WhitelistEntry>> list_whitelist(Transaction& transaction, const AccountId& account);

// InvalidArgument: the address is empty or longer than any mailbox. LimitExceeded: the account's list is full.
Result<void> add_to_whitelist(WriteTransaction& transaction, const AccountId& account, const WhitelistEntry& entry);
// NotFound.
Result<void> remove_from_whitelist(WriteTransaction& transaction, const AccountId& account,
                                   std::string_view normalised_address);

}  // namespace postern::store
