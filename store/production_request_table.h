// Accounts that ask to leave the sandbox: at most one request each, gone once it is decided.
#pragma once

#include "store/records.h"
#include "store/transaction.h"

#include <optional>
#include <vector>

namespace postern::store {

Result<std::optional<ProductionRequest>> find_production_request(Transaction& transaction, const AccountId& account);
// In order of account.
Result<std::vector<ProductionRequest>> list_production_requests(Transaction& transaction);

// Inserts or replaces. InvalidArgument: the use case is longer than kMaxUseCaseOctets.
Result<void> put_production_request(WriteTransaction& transaction, const ProductionRequest& request);
// Absent: no error.
Result<void> erase_production_request(WriteTransaction& transaction, const AccountId& account);

}  // namespace postern::store
