// What has outlived its retention or is above its bound goes, oldest first, found through the indexes and never by a walk over
// the messages.
#pragma once

#include "store/spool.h"
#include "store/spool_transaction.h"

namespace postern::store {

// Removes at most `limit` things.
Result<Expiry> apply_expiry(SpoolTransaction spool, const SpoolLimits& limits, Instant now, std::size_t limit);

}  // namespace postern::store
