// Opening both environments, and the server's lock.
#include "store/store.h"

#include "core/files.h"
#include "store/backup.h"
#include "store/migration.h"
#include "store/schema.h"
#include "store/tables.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>

namespace postern::store {
namespace {

// Address space, not disk; docs/decisions/0002-map-size.md.
constexpr std::size_t kDirectoryMapOctets = std::size_t{16} << 30;
constexpr std::size_t kSpoolMapOctets = std::size_t{256} << 30;
// More reads at once than the server has threads: what others do with reader slots does not reach it.
constexpr std::size_t kServerReaders = 64;
constexpr std::size_t kMapStepOctets = std::size_t{1} << 30;

std::size_t spool_map_octets(const SpoolLimits& limits) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 46;  // half of what x86-64 gives a process
  const std::uint64_t wanted = std::min(limits.max_octets, kMost / 2) * 2;
  return std::max(kSpoolMapOctets, (wanted + kMapStepOctets - 1) / kMapStepOctets * kMapStepOctets);
}

lmdb::EnvironmentOptions directory_options(const StoreOptions& options) {
  return {.folder = options.folder / "directory",
          .map_octets = kDirectoryMapOctets,
          .tables = kDirectoryTables,
          .check = check_schema,
          .mark = write_schema};
}
lmdb::EnvironmentOptions spool_options(const StoreOptions& options) {
  return {.folder = options.folder / "spool",
          .map_octets = spool_map_octets(options.spool),
          .tables = kSpoolTables,
          .check = check_schema,
          .mark = write_schema};
}

// Half a store is made whole only where the half that is there holds nothing: a first start that was interrupted. Else it is half a
// copy: accounts without their mail, or mail whose accounts are gone.
Result<void> refuse_half(const StoreOptions& options) {
  const lmdb::EnvironmentOptions halves[] = {directory_options(options), spool_options(options)};
  const auto is_there = [&](std::size_t i) { return has_content(halves[i].folder / "data.mdb"); };
  if (is_there(0) == is_there(1)) return {};
  const std::size_t present = is_there(0) ? 0 : 1;
  Result<std::unique_ptr<LmdbEnvironment>> half = LmdbEnvironment::open(halves[present]);
  if (!half) return half.error();
  Result<bool> has_rows = (*half)->has_rows();
  if (!has_rows) return has_rows.error();
  if (!*has_rows || is_there(1 - present)) return {};  // another process made the other half meanwhile
  return Error(ErrorCode::Conflict, options.folder.string() + " is half a store: there is no " +
                                        (halves[1 - present].folder / "data.mdb").string() +
                                        "; restore both folders, directory and spool, from one backup");
}

// An advisory lock on folder/serve.lock; the kernel drops it with the process, however that ends.
Result<Descriptor> take_server_lock(const std::filesystem::path& folder) {
  const std::string path = (folder / "serve.lock").string();
  Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.is_open()) return open_error(errno, "open " + path, folder, {"", "serve.lock"});
  if (Result<void> given = give_to_folder_owner(path); !given) return given.error();
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) return Error(ErrorCode::Conflict, "another postern serve holds " + folder.string());
  return lmdb_error(errno, "lock " + path);
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options) {
  if (Result<void> made = make_folder(options.folder, 0700); !made) return made.error();
  if (Result<void> whole = refuse_incomplete(options.folder); !whole) return whole.error();
  std::unique_ptr<Store> store(new Store);
  store->options_ = options;
  if (options.runs_recovery) {
    Result<Descriptor> lock = take_server_lock(options.folder);
    if (!lock) return lock.error();
    store->lock_ = std::move(*lock);
    remove_abandoned_stage(options.folder);
  }
  if (Result<void> whole = refuse_half(options); !whole) return whole.error();
  Result<std::unique_ptr<LmdbEnvironment>> directory = LmdbEnvironment::open(directory_options(options));
  if (!directory) return directory.error();
  Result<std::unique_ptr<LmdbEnvironment>> spool = LmdbEnvironment::open(spool_options(options));
  if (!spool) return spool.error();
  if (Result<void> migrated = store->bring_over(**directory, **spool); !migrated) return migrated.error();
  for (const LmdbEnvironment* environment : {directory->get(), spool->get()}) {
    if (!options.runs_recovery) break;
    if (Result<void> reserved = environment->reserve_readers(kServerReaders); !reserved) return reserved.error();
  }
  store->directory_ = std::make_unique<Directory>(std::move(*directory), options.stall_after);
  store->spool_ = std::make_unique<Spool>(std::move(*spool), options.spool, options.stall_after);
  if (Result<void> upgraded = store->directory_->upgrade(); !upgraded) return upgraded.error();
  if (options.runs_recovery) {
    store->directory_->start();
    store->spool_->start();
    if (Result<std::size_t> recovered = store->spool_->recover(); !recovered) return recovered.error();
    Result<void> numbered = number_after_restore(options.folder, *store->spool_, *store->directory_);
    if (!numbered) return numbered.error();
  }
  return store;
}

// Under the lock: an older server that has the store open would look for what is due where it stood before.
Result<void> Store::bring_over(LmdbEnvironment& directory, LmdbEnvironment& spool) const {
  Result<bool> is_older = needs_migration(directory, spool);
  if (!is_older) return is_older.error();
  if (!*is_older) return {};
  Descriptor own;
  if (!lock_.is_open()) {
    Result<Descriptor> lock = take_server_lock(options_.folder);
    if (!lock && lock.error().code() != ErrorCode::Conflict) return lock.error();
    if (!lock) {
      return Error(ErrorCode::Conflict,
                   options_.folder.string() +
                       " was written by an older Postern, and a server has it open: stop that one, then "
                       "start this version's, which brings the store over");
    }
    own = std::move(*lock);
  }
  return migrate(directory, spool);
}

Result<void> Store::back_up(const std::filesystem::path& folder, BackupWay way) const {
  if (way == BackupWay::Direct) return make_backup(*spool_, *directory_, folder, std::nullopt);
  const SpoolSpace space = spool_->look_at_space();
  std::error_code ignored;
  const std::uint64_t octets = space.used_octets + std::filesystem::file_size(options_.folder / "directory" / "data.mdb", ignored);
  if (space.free_disk_octets < octets + options_.spool.min_free_octets) {
    return Error(ErrorCode::StorageFull, "there is no room for a copy of " + std::to_string(octets) + " octets in " +
                                             options_.folder.string() + " above spool_min_free_octets");
  }
  return make_backup(*spool_, *directory_, folder, options_.folder);
}

Result<lmdb::Compaction> Store::compact(const std::filesystem::path& folder) {
  const Result<Descriptor> lock = take_server_lock(folder);
  if (!lock) return lock.error();
  lmdb::Compaction all;
  for (const char* environment : {"directory", "spool"}) {
    Result<lmdb::Compaction> one = lmdb::compact_environment(folder / environment);
    if (!one) return one.error();
    all.octets_before += one->octets_before;
    all.octets_after += one->octets_after;
  }
  return all;
}

Store::~Store() = default;

}  // namespace postern::store
