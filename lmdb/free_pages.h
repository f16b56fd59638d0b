// What of an environment's file can be used again. A freed page can once no read transaction sees the state that still has it:
// a reader that stays (a slow backup, a stopped process) pins all that is freed meanwhile, and the file grows instead.
#pragma once

#include "lmdb/transaction.h"
#include "lmdb/writer_gate.h"

#include <cstdint>
#include <optional>

namespace postern::lmdb {

struct FreePages {
  std::uint64_t total = 0;     // in the file, behind no table
  std::uint64_t reusable = 0;  // of them, by the next writer; counted no further than `enough`
  // The process whose read transaction is the oldest, if it keeps pages from being used again.
  std::optional<ProcessId> pinned_by;
};

// `live`: pages of all tables but the list of free pages itself. The walk ends at `enough` and at the oldest reader.
Result<FreePages> count_free_pages(const ReadTransaction& transaction, std::uint64_t live, std::uint64_t enough);

}  // namespace postern::lmdb
