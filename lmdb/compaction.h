// Compaction: gives back to the disk what a store's files have grown to and no longer need. Each environment's live pages are
// written to a new file that takes the old one's place; a crash leaves the one or the other, whole. Nobody else may have the store
// open meanwhile: LMDB knows no smaller file beside a reader.
#pragma once

#include "core/result.h"

#include <cstdint>
#include <filesystem>

namespace postern::lmdb {

struct Compaction {
  std::uint64_t octets_before = 0;
  std::uint64_t octets_after = 0;
};

// One environment, by its folder. Conflict: a process has it open, which the error names. StorageFull: no room for the new file
// beside the old one. IoError.
Result<Compaction> compact_environment(const std::filesystem::path& folder);

}  // namespace postern::lmdb
