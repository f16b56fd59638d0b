// LMDB environments: opening, tables, the pool of read transactions, space. docs/decisions/0002-map-size.md says why the map
// is far larger than the file.
#include "lmdb/environment.h"

#include "core/descriptor.h"
#include "lmdb/data_file.h"
#include "core/files.h"
#include "lmdb/free_pages.h"
#include "lmdb/transaction.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace postern::lmdb {
namespace {

// Concurrent reads of all processes; one slot is 64 octets of the lock file. Commands have one or two each: more at once than
// a machine has room for processes of.
constexpr unsigned kMaxReaders = 2'048;
constexpr mdb_mode_t kFileMode = 0600;
constexpr auto kReadersPatience = std::chrono::milliseconds(200);  // a read is one call; only an examination takes longer

// LMDB's code or errno's. Not by a path: LMDB would let everybody read the file.
int copy_to_file(MDB_env* environment, const std::filesystem::path& file) {
  const Descriptor copy(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (!copy.is_open()) return errno;
  const int code = mdb_env_copyfd2(environment, copy.get(), MDB_CP_COMPACT);
  return code == 0 && ::fsync(copy.get()) != 0 ? errno : code;
}

// For the transaction that makes tables: every other one is the commit queue's.
class Passage {
 public:
  explicit Passage(WriterGate& gate) : gate_(gate) {
    for (int tries = 0; tries < kGateTries && !is_inside_; ++tries) {
      is_inside_ = gate_.try_enter();
      if (!is_inside_) std::this_thread::sleep_for(kGatePause);
    }
  }
  ~Passage() {
    if (is_inside_) gate_.leave();
  }
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;

  bool is_inside() const { return is_inside_; }

 private:
  static constexpr int kGateTries = 250;
  static constexpr std::chrono::milliseconds kGatePause{20};  // as long as the commit queue waits: kStallAfter

  WriterGate& gate_;
  bool is_inside_ = false;
};

}  // namespace

Error lmdb_error(int code, std::string_view attempt) {
  std::string context = std::string(attempt) + ": " + mdb_strerror(code);
  if (is_no_room(code)) return Error(ErrorCode::StorageFull, std::move(context));
  // After a meta page could not be written LMDB neither writes nor begins to read until the environment is opened anew.
  if (code == MDB_PANIC) return Error(ErrorCode::StorageFailed, std::move(context));
  // LMDB knows its processes by their numbers, and this one's is taken: by a process of another PID namespace.
  if (code == EAGAIN) {
    return Error(ErrorCode::AlreadyExists, std::string(attempt) + ": a process of another PID namespace that is number " +
                                          std::to_string(::getpid()) + " there, as this one is here, has it open");
  }
  const bool is_damage = code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID;
  return Error(is_damage ? ErrorCode::CorruptRecord : ErrorCode::IoError, std::move(context));
}

bool is_no_room(int code) {
  return code == MDB_MAP_FULL || code == MDB_TXN_FULL || postern::is_no_room(code);
}

Result<std::unique_ptr<LmdbEnvironment>> LmdbEnvironment::open(const EnvironmentOptions& options) {
  if (Result<void> made = make_folder(options.folder, 0700); !made) return made.error();
  std::unique_ptr<LmdbEnvironment> environment(new LmdbEnvironment(options));
  if (Result<void> made = make_unless_there(options); !made) return made.error();
  if (Result<void> sound = check_data_file(options.folder / "data.mdb"); !sound) return sound.error();
  {
    // Held while the file is opened: a compaction takes its place away.
    const Descriptor data(::open((options.folder / "data.mdb").c_str(), O_RDONLY | O_CLOEXEC));
    const bool is_held = !data.is_open() || ::flock(data.get(), LOCK_SH | LOCK_NB) == 0;
    if (!is_held) return Error(ErrorCode::Conflict, options.folder.string() + " is being compacted");
    if (Result<void> opened = environment->open_handle(options.folder, 0); !opened) return opened.error();
  }
  if (Result<void> opened = environment->gate_.open(options.folder / "lock.mdb"); !opened) return opened.error();
  environment->drop_dead_readers();
  if (Result<void> opened = environment->open_tables(options.tables); !opened) return opened.error();
  return environment;
}

LmdbEnvironment::~LmdbEnvironment() { close(); }

void LmdbEnvironment::close() {
  for (MDB_txn* reader : readers_) mdb_txn_abort(reader);
  readers_.clear();
  if (handle_ != nullptr) mdb_env_close(handle_);
  handle_ = nullptr;
}

// LMDB does not sync the first pages of a new file, and refuses a file in which one of them is missing. So it is made under
// another name and moved to its place when it is synced: a power failure leaves none, or a whole one.
Result<void> LmdbEnvironment::make_unless_there(const EnvironmentOptions& options) {
  const std::filesystem::path place = options.folder / "data.mdb";
  if (has_content(place)) return {};
  // Of two processes that start at once, one makes it.
  const Descriptor folder(::open(options.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || ::flock(folder.get(), LOCK_EX) != 0) {
    return open_error(errno, "lock " + options.folder.string(), options.folder, {""});
  }
  if (has_content(place)) return {};
  const std::filesystem::path draft = options.folder / "new.mdb";
  const std::string draft_lock = draft.string() + "-lock";
  ::unlink(draft.c_str());
  {
    LmdbEnvironment environment(options);
    if (Result<void> opened = environment.open_handle(draft, MDB_NOSUBDIR); !opened) return opened;
    environment.tables_.assign(options.tables.size(), 0);
    if (Result<void> made = environment.make_tables(options.tables); !made) return made;
  }
  ::unlink(draft_lock.c_str());
  if (Result<void> given = give_to_folder_owner(draft); !given) return given;
  if (::rename(draft.c_str(), place.c_str()) != 0) return lmdb_error(errno, "make " + place.string());
  return sync_folder(options.folder);
}

Result<void> LmdbEnvironment::open_handle(const std::filesystem::path& path, unsigned flags) {
  int code = mdb_env_create(&handle_);
  if (code == 0) code = mdb_env_set_mapsize(handle_, options_.map_octets);
  if (code == 0) code = mdb_env_set_maxreaders(handle_, kMaxReaders);
  if (code == 0) code = mdb_env_set_maxdbs(handle_, static_cast<MDB_dbi>(options_.tables.size()));
  // MDB_NOTLS: read transactions belong to the pool, not to threads. MDB_NORDAHEAD: a spool larger than memory is read in
  // single pages. Nothing that weakens the sync is ever set.
  if (code == 0) code = mdb_env_open(handle_, path.c_str(), MDB_NOTLS | MDB_NORDAHEAD | flags, kFileMode);
  if (code != 0) {
    close();
    return open_error(code, "open " + path.string(), options_.folder, {"", "data.mdb", "lock.mdb"});
  }
  if ((flags & MDB_NOSUBDIR) != 0) return {};
  for (const char* name : {"data.mdb", "lock.mdb"}) {
    if (Result<void> given = give_to_folder_owner(path / name); !given) return given;
  }
  return {};
}

Result<void> LmdbEnvironment::open_tables(std::span<const std::string_view> names) {
  tables_.assign(names.size(), 0);
  const int code = open_existing_tables(names);
  if (code == MDB_NOTFOUND) return make_tables(names);
  if (code != 0) return lmdb_error(code, "open the tables of " + folder().string());
  if (options_.check == nullptr) return {};
  ReadTransaction transaction(*this);
  if (Result<void> begun = transaction.begin(); !begun) return begun.error();
  Result<bool> checked = options_.check(transaction);
  if (!checked) return checked.error();
  if (!*checked) return Error(ErrorCode::SchemaMismatch, folder().string() + " has no schema version");
  return {};
}

// A read transaction is enough, so that starting beside a busy writer waits for nothing.
int LmdbEnvironment::open_existing_tables(std::span<const std::string_view> names) {
  MDB_txn* transaction = nullptr;
  if (int code = mdb_txn_begin(handle_, nullptr, MDB_RDONLY, &transaction); code != 0) return code;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (int code = mdb_dbi_open(transaction, names[i].data(), 0, &tables_[i]); code != 0) {
      mdb_txn_abort(transaction);
      return code;
    }
  }
  return mdb_txn_commit(transaction);  // keeps the handles
}

Result<void> LmdbEnvironment::make_tables(std::span<const std::string_view> names) {
  const std::string attempt = "make the tables of " + folder().string();
  const Passage passage(gate_);
  if (!passage.is_inside()) return Error(ErrorCode::StorageShedding, attempt + ": another process goes on writing it");
  WriteTransaction writer(*this);
  if (int code = writer.begin(); code != 0) return lmdb_error(code, attempt);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (int code = mdb_dbi_open(writer.handle(), names[i].data(), MDB_CREATE, &tables_[i]); code != 0) {
      return lmdb_error(code, attempt);
    }
  }
  // Another process may have made them meanwhile, or the environment is of another version with other tables.
  Result<bool> checked = options_.check != nullptr ? options_.check(writer) : Result<bool>(true);
  if (!checked) return checked.error();
  if (!*checked) {
    if (Result<void> written = options_.mark(writer); !written) return written.error();
  }
  if (int code = writer.commit(); code != 0) return lmdb_error(code, attempt);
  return sync_folder(folder());
}

Result<LmdbEnvironment::Space> LmdbEnvironment::space() const {
  ReadTransaction transaction(*this);
  if (Result<void> begun = transaction.begin(); !begun) return begun.error();
  std::uint64_t pages = 0;
  std::uint64_t page_octets = 0;
  // The unnamed table at 1 holds the named ones; 0 is the list of free pages, which is small beside them.
  for (std::size_t i = 0; i <= tables_.size(); ++i) {
    MDB_stat stat{};
    const MDB_dbi handle = i < tables_.size() ? tables_[i] : MDB_dbi{1};
    if (int code = mdb_stat(transaction.handle(), handle, &stat); code != 0) return lmdb_error(code, "measure a table");
    pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
    page_octets = stat.ms_psize;
  }
  Result<FreePages> free = count_free_pages(transaction, pages, kReusableOctets / page_octets);
  if (!free) return free.error();
  const bool is_pinned = free->pinned_by.has_value() && free->reusable * page_octets < kReusableOctets;
  struct statvfs disk {};
  if (::statvfs(folder().c_str(), &disk) != 0) return lmdb_error(errno, "statvfs " + folder().string());
  struct stat file {};
  if (::stat((folder() / "data.mdb").c_str(), &file) != 0) return lmdb_error(errno, "stat " + folder().string());
  const std::uint64_t used_octets = pages * page_octets;
  return Space{.used_octets = used_octets,
               .grown_octets = used_octets + free->total * page_octets,
               .file_octets = static_cast<std::uint64_t>(file.st_size),
               .reusable_octets = free->reusable * page_octets,
               .pinned_octets = is_pinned ? (free->total - free->reusable) * page_octets : 0,
               .pinned_by = is_pinned ? free->pinned_by : std::nullopt,
               .free_disk_octets = std::uint64_t{disk.f_bavail} * disk.f_frsize,
               .is_read_only = (disk.f_flag & ST_RDONLY) != 0};
}

bool LmdbEnvironment::is_read_only() const {
  struct statvfs disk {};
  return ::statvfs(folder().c_str(), &disk) == 0 && (disk.f_flag & ST_RDONLY) != 0;
}

Result<void> LmdbEnvironment::copy_to(const std::filesystem::path& target) const {
  ReadTransaction transaction(*this);  // reopen() waits for it
  if (Result<void> begun = transaction.begin(); !begun) return begun;
  if (Result<void> made = make_folder(target, 0700); !made) return made;
  const std::filesystem::path file = target / "data.mdb";
  if (const int code = copy_to_file(handle_, file); code != 0) return lmdb_error(code, "copy to " + file.string());
  return sync_folder(target);
}

void LmdbEnvironment::drop_dead_readers() const {
  const std::lock_guard lock(readers_mutex_);
  int dead = 0;
  if (handle_ != nullptr && !is_reopening_) mdb_reader_check(handle_, &dead);
}

Result<void> LmdbEnvironment::reserve_readers(std::size_t count) const {
  std::vector<MDB_txn*> taken;
  Result<void> done;
  while (done && taken.size() < count) {
    Result<MDB_txn*> reader = take_reader();
    if (reader) taken.push_back(*reader);
    if (!reader) done = Error(ErrorCode::StorageFailed, reader.error().context());
  }
  for (MDB_txn* reader : taken) give_back_reader(reader);
  return done;
}

Result<bool> LmdbEnvironment::has_rows() const {
  ReadTransaction transaction(*this);
  if (Result<void> begun = transaction.begin(); !begun) return begun.error();
  for (std::size_t i = 1; i < tables_.size(); ++i) {
    MDB_stat stat{};
    if (int code = mdb_stat(transaction.handle(), tables_[i], &stat); code != 0) return lmdb_error(code, "measure a table");
    if (stat.ms_entries > 0) return true;
  }
  return false;
}

bool LmdbEnvironment::has_panicked() const {
  MDB_txn* transaction = nullptr;
  const int code = mdb_txn_begin(handle_, nullptr, MDB_RDONLY, &transaction);
  if (code == 0) mdb_txn_abort(transaction);
  return code == MDB_PANIC;
}

Result<void> LmdbEnvironment::reopen() {
  {
    std::unique_lock lock(readers_mutex_);
    is_reopening_ = true;
    if (!all_read_.wait_for(lock, kReadersPatience, [this] { return reading_ == 0; })) {
      is_reopening_ = false;
      return Error(ErrorCode::StorageFailed, "reads of " + folder().string() + " go on: it cannot be opened anew");
    }
    close();
  }
  Result<void> opened = open_handle(folder(), 0);
  if (opened) {
    if (const int code = open_existing_tables(options_.tables); code != 0) {
      close();
      opened = lmdb_error(code, "open the tables of " + folder().string());
    }
  }
  const std::lock_guard lock(readers_mutex_);
  is_reopening_ = false;
  return opened;
}

Result<MDB_txn*> LmdbEnvironment::take_reader() const {
  MDB_txn* reader = nullptr;
  {
    const std::lock_guard lock(readers_mutex_);
    if (handle_ == nullptr || is_reopening_) {
      return Error(ErrorCode::StorageFailed, folder().string() + " is being opened anew");
    }
    ++reading_;
    if (!readers_.empty()) {
      reader = readers_.back();
      readers_.pop_back();
    }
  }
  const bool is_new = reader == nullptr;
  int code = is_new ? mdb_txn_begin(handle_, nullptr, MDB_RDONLY, &reader) : mdb_txn_renew(reader);
  if (code == MDB_READERS_FULL) {
    int dead = 0;
    mdb_reader_check(handle_, &dead);
    if (dead > 0) code = mdb_txn_begin(handle_, nullptr, MDB_RDONLY, &reader);
  }
  if (code == 0) return reader;
  if (!is_new) mdb_txn_abort(reader);
  const std::lock_guard lock(readers_mutex_);
  end_reading();
  return lmdb_error(code, "begin to read " + folder().string());
}

void LmdbEnvironment::give_back_reader(MDB_txn* reader) const {
  mdb_txn_reset(reader);
  const std::lock_guard lock(readers_mutex_);
  readers_.push_back(reader);
  end_reading();
}

// With the readers' mutex held.
void LmdbEnvironment::end_reading() const {
  if (--reading_ == 0 && is_reopening_) all_read_.notify_all();
}

}  // namespace postern::lmdb
