// Users by id, by address and by account.
#pragma once

#include "store/records.h"
#include "store/transaction.h"

#include <optional>
#include <string_view>
#include <vector>

namespace postern::store {

Result<std::optional<UserRecord>> find_user(Transaction& transaction, const UserId& id);
Result<std::optional<UserRecord>> find_user_by_email(Transaction& transaction, std::string_view normalised_address);
Result<std::vector<UserRecord>> list_users(Transaction& transaction, const AccountId& account);

// InvalidArgument: the address is empty or longer than any mailbox. AlreadyExists: it is another user's. LimitExceeded.
Result<void> put_user(WriteTransaction& transaction, const UserRecord& user);
// NotFound.
Result<void> erase_user(WriteTransaction& transaction, const UserId& id);
Result<void> clear_users(WriteTransaction& transaction, const AccountId& account);

}  // namespace postern::store
