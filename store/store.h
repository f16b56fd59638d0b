// The store: two LMDB environments below one folder. The directory (accounts, keys, whitelist, counters) is small and
// read-mostly; the spool (messages, content, due times, events) is written all the time. Apart, so that the command line and
// a busy spool never wait for each other's writer. docs/storage.md has the states and what each crash leaves.
#pragma once

#include "core/descriptor.h"
#include "core/result.h"
#include "lmdb/compaction.h"
#include "store/directory.h"
#include "store/spool.h"
#include "store/statistics.h"

#include <filesystem>
#include <memory>

namespace postern::store {

struct StoreOptions {
  std::filesystem::path folder;                 // holds directory/ and spool/; made (0700) if absent
  SpoolLimits spool;
  bool runs_recovery = false;                   // the server only: takes the lock file, cleans up what a crash left
  std::chrono::milliseconds stall_after = kStallAfter;
};

class Store {
 public:
  // A store of an earlier version is brought over. Fails: SchemaMismatch, IoError (with the path),
  // Conflict (another server holds the store, or a server of an earlier version what is to be brought
  // over; it is half a store, or an interrupted backup), AlreadyExists (a process of another PID
  // namespace has the number of this one), CorruptRecord, StorageShedding (recovery waits for another
  // process's write in vain).
  static Result<std::unique_ptr<Store>> open(const StoreOptions& options);
  // Commits what waits, syncs, closes.
  ~Store();

  // A copy in `folder`, which must not be there yet: laid out as the store's own, each environment consistent in itself, synced.
  // Until it is whole it is `folder`.incomplete; what an interrupted one left there is removed by the next. Also while a server
  // writes. AlreadyExists, Conflict (another backup to it is under way), StorageFull, IoError; what was begun is removed then.
  // Pages that are freed meanwhile are not used again before it has read all: with ByStore that takes only as long as the store's
  // own disk does, however slow `folder` is, but room for another copy is needed there (StorageFull).
  enum class BackupWay { Direct, ByStore };
  Result<void> back_up(const std::filesystem::path& folder, BackupWay way = BackupWay::Direct) const;

  // Both environments of the store in `folder`, which nobody has open; lmdb/compaction.h.
  static Result<lmdb::Compaction> compact(const std::filesystem::path& folder);

  Directory& directory() { return *directory_; }
  // What this process has counted and not written yet; whoever opened the store for the server writes it. Any thread.
  Tally& tally() { return tally_; }
  Spool& spool() { return *spool_; }

 private:
  Store() = default;
  Result<void> bring_over(lmdb::LmdbEnvironment& directory, lmdb::LmdbEnvironment& spool) const;
  StoreOptions options_;
  Descriptor lock_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<Spool> spool_;
  Tally tally_;
};

}  // namespace postern::store
