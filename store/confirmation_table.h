// Confirmations: what an account has asked addresses to agree to, until they do or the time for it is over.
#pragma once

#include "store/records.h"
#include "store/transaction.h"

#include <optional>
#include <string_view>
#include <vector>

namespace postern::store {

Result<std::optional<Confirmation>> find_confirmation(Transaction& transaction, const AccountId& account, ConfirmationKind kind,
                                                      std::string_view normalised_address);
// In order of kind and address; those whose time is over are among them.
Result<std::vector<Confirmation>> list_confirmations(Transaction& transaction, const AccountId& account);

// Inserts or replaces. InvalidArgument: the address is empty or longer than any mailbox.
Result<void> put_confirmation(WriteTransaction& transaction, const Confirmation& confirmation);
// Absent: no error.
Result<void> erase_confirmation(WriteTransaction& transaction, const AccountId& account, ConfirmationKind kind,
                                std::string_view normalised_address);

}  // namespace postern::store
