// What opening a store with this program would bring over, and about how long that takes: said before it happens, for afterwards an
// earlier program refuses the store (store/migration.h, store/recovery.h do it). Reads counts and a few rows, writes nothing.
#pragma once

#include "core/result.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace postern::store {

struct UpgradeStep {
  std::string what;        // a phrase for people
  std::uint64_t rows = 0;  // that are read or moved for it
};

struct Upgrade {
  std::uint32_t from = 0;  // schema versions
  std::uint32_t to = 0;
  bool is_readable = true;           // false: a newer program wrote it; this one would refuse it
  std::vector<UpgradeStep> steps;    // empty: nothing to do
  std::uint64_t octets = 0;          // of the store's files
  std::chrono::milliseconds about{};  // on a machine with two slow cores and a disk that syncs in some milliseconds

  bool is_due() const { return from != to || !steps.empty(); }
  // An earlier program refuses the store afterwards.
  bool is_one_way() const { return from != to; }
};

// `folder`: a store's, or a copy's, while a server has it open or not. NotFound: there is none; CorruptRecord, IoError.
Result<Upgrade> foresee_upgrade(const std::filesystem::path& folder);

}  // namespace postern::store
