// Stores that compared suppressed addresses case by case get rows in lower case. Once for a store: it remembers.
#pragma once

#include "store/tables.h"

namespace postern::store {

Result<bool> are_suppressions_folded(Transaction& transaction);
Result<void> fold_suppressions(WriteTransaction& transaction);

}  // namespace postern::store
