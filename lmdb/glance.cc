#include "lmdb/glance.h"

#include "lmdb/data_file.h"
#include "lmdb/environment.h"

#include <algorithm>
#include <system_error>

namespace postern::lmdb {
namespace {

constexpr unsigned kMostGlancedTables = 128;  // of an environment; more than any program makes

MDB_val value_of(std::string_view octets) { return MDB_val{octets.size(), const_cast<char*>(octets.data())}; }

}  // namespace

Result<std::unique_ptr<Glance>> Glance::open(const std::filesystem::path& folder) {
  std::error_code failed;
  const std::filesystem::path file = folder / "data.mdb";
  const std::uint64_t octets = std::filesystem::file_size(file, failed);
  if (failed) return Error(ErrorCode::NotFound, "there is no " + file.string());
  if (Result<void> sound = check_data_file(file); !sound) return sound.error();
  std::unique_ptr<Glance> glance(new Glance);
  glance->octets_ = octets;
  // Nobody has open what has no lock file.
  const unsigned locks = std::filesystem::exists(folder / "lock.mdb", failed) ? 0 : MDB_NOLOCK;
  int code = mdb_env_create(&glance->environment_);
  if (code == 0) code = mdb_env_set_maxdbs(glance->environment_, kMostGlancedTables);
  if (code == 0) code = mdb_env_open(glance->environment_, folder.c_str(), MDB_RDONLY | MDB_NOTLS | MDB_NORDAHEAD | locks, 0600);
  if (code == 0) code = mdb_txn_begin(glance->environment_, nullptr, MDB_RDONLY, &glance->transaction_);
  if (code != 0) return lmdb_error(code, "read " + file.string());
  if (Result<void> read = glance->read_names(); !read) return read.error();
  return glance;
}

Glance::~Glance() {
  if (transaction_ != nullptr) mdb_txn_abort(transaction_);
  if (environment_ != nullptr) mdb_env_close(environment_);
}

// The names are the keys of the environment's own table.
Result<void> Glance::read_names() {
  MDB_dbi root = 0;
  MDB_cursor* cursor = nullptr;
  int code = mdb_dbi_open(transaction_, nullptr, 0, &root);
  if (code == 0) code = mdb_cursor_open(transaction_, root, &cursor);
  if (code != 0) return lmdb_error(code, "list tables");
  MDB_val key{};
  MDB_val value{};
  while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
    tables_.emplace_back(static_cast<const char*>(key.mv_data), key.mv_size);
  }
  mdb_cursor_close(cursor);
  if (code != MDB_NOTFOUND) return lmdb_error(code, "list tables");
  return {};
}

bool Glance::has_table(std::string_view name) const { return std::ranges::find(tables_, name) != tables_.end(); }

std::uint64_t Glance::rows(const std::string& table) const {
  MDB_dbi handle = 0;
  MDB_stat stat{};
  const bool is_there = has_table(table) && mdb_dbi_open(transaction_, table.c_str(), 0, &handle) == 0 &&
                        mdb_stat(transaction_, handle, &stat) == 0;
  return is_there ? stat.ms_entries : 0;
}

std::optional<std::string> Glance::find(const std::string& table, std::string_view key) const {
  MDB_dbi handle = 0;
  MDB_val wanted = value_of(key);
  MDB_val found{};
  const bool is_there = has_table(table) && mdb_dbi_open(transaction_, table.c_str(), 0, &handle) == 0 &&
                        mdb_get(transaction_, handle, &wanted, &found) == 0;
  if (!is_there) return std::nullopt;
  return std::string(static_cast<const char*>(found.mv_data), found.mv_size);
}

}  // namespace postern::lmdb
