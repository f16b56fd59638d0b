// An environment as it stands, without a write: which tables there are, how many rows they have, single rows. For what has to be
// said of a store before this program changes it; everything else opens LmdbEnvironment.
#pragma once

#include "core/result.h"

#include <lmdb.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::lmdb {

class Glance {
 public:
  // `folder` has the environment's data.mdb; a process that has it open goes on undisturbed. A copy beside which there is no lock
  // file gets none. NotFound: there is no environment; CorruptRecord, IoError. Shows the state of now; one thread.
  static Result<std::unique_ptr<Glance>> open(const std::filesystem::path& folder);
  ~Glance();
  Glance(const Glance&) = delete;
  Glance& operator=(const Glance&) = delete;

  const std::vector<std::string>& tables() const { return tables_; }
  bool has_table(std::string_view name) const;
  std::uint64_t rows(const std::string& table) const;  // 0 too: there is no such table
  std::optional<std::string> find(const std::string& table, std::string_view key) const;
  std::uint64_t octets() const { return octets_; }  // of the file

 private:
  Glance() = default;
  Result<void> read_names();

  MDB_env* environment_ = nullptr;
  MDB_txn* transaction_ = nullptr;
  std::vector<std::string> tables_;
  std::uint64_t octets_ = 0;
};

}  // namespace postern::lmdb
