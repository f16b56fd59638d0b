// Accounts by id and by name.
#pragma once

#include "store/records.h"
#include "store/transaction.h"

#include <optional>
#include <string_view>
#include <vector>

namespace postern::store {

Result<std::optional<AccountRecord>> find_account(Transaction& transaction, const AccountId& id);
Result<std::optional<AccountRecord>> find_account_named(Transaction& transaction, std::string_view name);
Result<std::vector<AccountRecord>> list_accounts(Transaction& transaction);

// InvalidArgument: the name is empty or too long for a key. AlreadyExists: another account has it.
Result<void> put_account(WriteTransaction& transaction, const AccountRecord& account);
// NotFound. The rows of other tables are the caller's.
Result<void> erase_account(WriteTransaction& transaction, const AccountId& id);

}  // namespace postern::store
