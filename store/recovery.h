// Recovery at the start of a server: the content of messages that were still arriving when the last one died is removed. It
// walks the `open` table only, so the start does not depend on how many messages are queued. The one exception: a spool that was
// written before messages and events were indexed by account is walked once.
#pragma once

#include "lmdb/commit_queue.h"
#include "store/tables.h"

namespace postern::store {

// Requires: no other server has the spool open (store's lock file). Returns how many messages it removed.
Result<std::size_t> recover_spool(const LmdbEnvironment& environment, lmdb::CommitQueue& queue);

}  // namespace postern::store
