// The schema version of an environment: written when it is made, checked whenever it is opened. There is one version so far;
// a store of any other is refused, older and newer alike.
#pragma once

#include "store/tables.h"

namespace postern::store {

// Fails: SchemaMismatch naming both versions, CorruptRecord. False: there is no version yet (a new environment).
Result<bool> check_schema(Transaction& transaction);
Result<void> write_schema(WriteTransaction& transaction);

}  // namespace postern::store
