#include "lmdb/compaction.h"

#include "core/descriptor.h"
#include "lmdb/environment.h"
#include "core/files.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace postern::lmdb {
namespace {

struct CloseEnvironment {
  void operator()(MDB_env* environment) const { mdb_env_close(environment); }
};
using RawEnvironment = std::unique_ptr<MDB_env, CloseEnvironment>;

Error in_use(const std::filesystem::path& folder, pid_t process) {
  const std::string who = process > 0 ? "process " + std::to_string(process) : "another process";
  return Error(ErrorCode::Conflict, who + " has " + folder.string() + " open: stop the relay and its commands first");
}

// Every process that has an environment open shares a lock on the first octet of its lock file; alone, one may have it for itself.
Result<void> exclude_others(int lock_file, const std::filesystem::path& folder) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_len = 1;
  if (::fcntl(lock_file, F_SETLK, &lock) == 0) return {};
  const bool is_known = ::fcntl(lock_file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  return in_use(folder, is_known ? lock.l_pid : 0);
}

Result<std::uint64_t> write_live_pages(MDB_env* environment, const std::filesystem::path& draft, const struct stat& original) {
  const Descriptor file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return lmdb_error(errno, "make " + draft.string());
  // Root may compact what belongs to the service.
  if (::geteuid() == 0 && ::fchown(file.get(), original.st_uid, original.st_gid) != 0) {
    return lmdb_error(errno, "give away " + draft.string());
  }
  int code = mdb_env_copyfd2(environment, file.get(), MDB_CP_COMPACT);
  struct stat written {};
  if (code == 0 && (::fsync(file.get()) != 0 || ::fstat(file.get(), &written) != 0)) code = errno;
  if (code != 0) return lmdb_error(code, "write " + draft.string());
  return static_cast<std::uint64_t>(written.st_size);
}

}  // namespace

Result<Compaction> compact_environment(const std::filesystem::path& folder) {
  const std::filesystem::path place = folder / "data.mdb";
  const std::filesystem::path draft = folder / "compact.mdb";
  // Who opens the environment meanwhile meets this lock first.
  const Descriptor data(::open(place.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat original {};
  if (data.get() < 0 || ::fstat(data.get(), &original) != 0) return lmdb_error(errno, "open " + place.string());
  if (::flock(data.get(), LOCK_EX | LOCK_NB) != 0) return in_use(folder, 0);

  MDB_env* handle = nullptr;
  if (int code = mdb_env_create(&handle); code != 0) return lmdb_error(code, "open " + place.string());
  // Declared before the environment, so that it is closed behind it: closing it drops LMDB's locks.
  const Descriptor lock_file(::open((folder / "lock.mdb").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const RawEnvironment environment(handle);
  if (int code = mdb_env_open(handle, folder.c_str(), MDB_NOTLS | MDB_NORDAHEAD, 0600); code != 0) {
    return lmdb_error(code, "open " + place.string());
  }
  if (Result<void> alone = exclude_others(lock_file.get(), folder); !alone) return alone.error();

  ::unlink(draft.c_str());  // of a compaction that was interrupted
  Result<std::uint64_t> written = write_live_pages(handle, draft, original);
  if (written && ::rename(draft.c_str(), place.c_str()) != 0) written = lmdb_error(errno, "replace " + place.string());
  if (!written) {
    ::unlink(draft.c_str());
    return written.error();
  }
  if (Result<void> synced = sync_folder(folder); !synced) return synced.error();
  return Compaction{.octets_before = static_cast<std::uint64_t>(original.st_size), .octets_after = *written};
}

}  // namespace postern::lmdb
