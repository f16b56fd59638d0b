// One LMDB environment: the file, its tables, a pool of read transactions. Always fully synced: a commit that returned is on
// disk. Several processes may have the same environment open; none may open it twice at once (fcntl locks).
#pragma once

#include "core/result.h"
#include "lmdb/writer_gate.h"

#include <lmdb.h>

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::lmdb {

class Transaction;  // lmdb/transaction.h
class WriteTransaction;

// What an LMDB or system error code means to a caller: StorageFull, StorageFailed, CorruptRecord, IoError, or AlreadyExists where a
// process of another PID namespace has this one's number. `attempt` says what was tried.
Error lmdb_error(int code, std::string_view attempt);
// True for codes that say "no room", and for nothing worse.
bool is_no_room(int code);

struct EnvironmentOptions {
  std::filesystem::path folder;               // made (0700) if absent; what root makes in it belongs to the folder's owner
  std::size_t map_octets = 0;                 // address space, not disk: the file grows by itself below it
  std::span<const std::string_view> tables;   // the first one is "meta"; outlives the environment
  // False: nothing says yet which version its tables are of, as where they were just made; `mark` then says so. None: not asked.
  Result<bool> (*check)(Transaction&) = nullptr;
  Result<void> (*mark)(WriteTransaction&) = nullptr;
};

class LmdbEnvironment {
 public:
  // Opens or makes the environment and its tables, and checks the schema version. Fails: IoError, StorageFull, SchemaMismatch,
  // CorruptRecord.
  static Result<std::unique_ptr<LmdbEnvironment>> open(const EnvironmentOptions& options);
  ~LmdbEnvironment();
  LmdbEnvironment(const LmdbEnvironment&) = delete;
  LmdbEnvironment& operator=(const LmdbEnvironment&) = delete;

  MDB_env* handle() const { return handle_; }
  MDB_dbi table(std::size_t index) const { return tables_[index]; }
  const std::filesystem::path& folder() const { return options_.folder; }
  // Around every write transaction but those that open() makes for itself.
  WriterGate& gate() const { return gate_; }

  struct Space {
    std::uint64_t used_octets = 0;  // live pages
    std::uint64_t grown_octets = 0;  // up to the last page that was ever used
    std::uint64_t file_octets = 0;   // at least that
    std::uint64_t reusable_octets = 0;  // free pages that the next writer may use; counted no further than kReusableOctets
    std::uint64_t pinned_octets = 0;    // free pages that a reader of an old state keeps from that
    std::optional<ProcessId> pinned_by;  // whose read transaction is the oldest, if any is older than the last commit
    std::uint64_t free_disk_octets = 0;
    bool is_read_only = false;  // the file system
  };
  static constexpr std::uint64_t kReusableOctets = 256ULL << 20;  // more than comes in before the next look
  Result<Space> space() const;
  bool is_read_only() const;
  // The last commit's state, without free pages, as `target`/data.mdb; that folder is made (0700) if absent and holds none yet.
  // Nobody waits for it, but pages that are freed meanwhile are not used again before it is done. StorageFull, IoError.
  Result<void> copy_to(const std::filesystem::path& target) const;
  // Any thread.
  // Frees the reader slots of processes that died, so that their snapshots pin no pages. open() does so before it reads.
  void drop_dead_readers() const;
  // Takes `count` reader slots and keeps them: that many reads at once never meet slots that others fill. StorageFailed: there are
  // not so many free.
  Result<void> reserve_readers(std::size_t count) const;
  // True if a table other than "meta" has a row.
  Result<bool> has_rows() const;

  // LMDB neither writes nor begins to read after its meta page could not be written, until it is opened anew.
  bool has_panicked() const;
  // Closes it and opens it again; the last meta page that was written is in force. On the thread of its only writer, outside of
  // any transaction. Reads that are under way are waited for, for a moment; those that begin meanwhile fail (StorageFailed).
  // Fails: StorageFailed if reads go on, else as open() does; the environment may be closed then, every transaction fails, and
  // it can be tried again.
  Result<void> reopen();

 private:
  friend class ReadTransaction;

  explicit LmdbEnvironment(EnvironmentOptions options) : options_(std::move(options)) {}
  static Result<void> make_unless_there(const EnvironmentOptions& options);
  // `path`: the folder; with MDB_NOSUBDIR in `flags` the data file itself.
  Result<void> open_handle(const std::filesystem::path& path, unsigned flags);
  void close();
  Result<void> open_tables(std::span<const std::string_view> names);
  // LMDB codes; MDB_NOTFOUND: a table is not there.
  int open_existing_tables(std::span<const std::string_view> names);
  Result<void> make_tables(std::span<const std::string_view> names);
  Result<MDB_txn*> take_reader() const;
  void give_back_reader(MDB_txn* reader) const;
  void end_reading() const;

  EnvironmentOptions options_;
  mutable WriterGate gate_;  // outlives the handle: its end drops LMDB's locks
  MDB_env* handle_ = nullptr;  // null: it could not be opened again
  std::vector<MDB_dbi> tables_;
  mutable std::mutex readers_mutex_;
  mutable std::vector<MDB_txn*> readers_;  // reset, ready to renew
  mutable std::size_t reading_ = 0;        // read transactions under way
  mutable std::condition_variable all_read_;
  bool is_reopening_ = false;
};

}  // namespace postern::lmdb
