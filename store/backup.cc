#include "store/backup.h"

#include "core/descriptor.h"
#include "core/files.h"
#include "store/checkup.h"
#include "store/tables.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <system_error>

namespace postern::store {
namespace {

// Files in the folder of a copy: one while it is made, one when it is done, until the first start.
constexpr const char* kIncompleteMark = "incomplete";
constexpr const char* kCopyMark = "copy";
constexpr const char* kStageName = "backup";  // in the store's own folder, with .incomplete behind it
constexpr const char* kRestoreName = "restore";

// More events than an installation makes between a backup and the day it is needed.
constexpr std::uint64_t kCopyGap = 1'000'000'000;

Error already_there(const std::filesystem::path& folder) {
  return Error(ErrorCode::AlreadyExists, folder.string() + " is there already: name a folder that is not");
}

// The folder in which a copy is made: held by a lock, so that what an interrupted backup left can be told from one under way.
class DraftFolder {
 public:
  explicit DraftFolder(const std::filesystem::path& target) : path_(target.string() + ".incomplete") {}
  ~DraftFolder() {
    std::error_code ignored;
    if (held_.is_open() && !is_kept_) std::filesystem::remove_all(path_, ignored);
  }
  DraftFolder(const DraftFolder&) = delete;
  DraftFolder& operator=(const DraftFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  Result<void> make();
  Result<void> move_to(const std::filesystem::path& target);

 private:
  Result<void> mark();

  std::filesystem::path path_;
  Descriptor held_;  // with the lock
  bool is_kept_ = false;
};

Result<void> DraftFolder::make() {
  const bool is_new = ::mkdir(path_.c_str(), 0700) == 0;
  if (!is_new && errno != EEXIST) return lmdb_error(errno, "make " + path_.string());
  Descriptor folder(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return lmdb_error(errno, "open " + path_.string());
  if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error(ErrorCode::Conflict, "another backup writes " + path_.string());
  }
  held_ = std::move(folder);
  if (!is_new) {
    std::error_code ignored;
    for (const char* name : {"spool", "directory", kIncompleteMark, kCopyMark}) {
      std::filesystem::remove_all(path_ / name, ignored);
    }
  }
  return mark();
}

Result<void> carry_over(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (Result<void> made = make_folder(to, 0700); !made) return made;
  std::error_code error;
  std::filesystem::copy_file(from / "data.mdb", to / "data.mdb", error);
  int code = error.value();
  const Descriptor copy(code == 0 ? ::open((to / "data.mdb").c_str(), O_RDONLY | O_CLOEXEC) : -1);
  if (code == 0 && (!copy.is_open() || ::fsync(copy.get()) != 0)) code = errno;
  if (code != 0) return lmdb_error(code, "copy to " + (to / "data.mdb").string());
  return sync_folder(to);
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

// Says the error's code and words on `fd`; nothing where all is well.
[[noreturn]] void copy_and_exit(int fd, const StoreOptions& options, const std::filesystem::path& folder, Store::BackupWay way) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto store = Store::open(options);
  const Result<void> copied = store ? (*store)->back_up(folder, way) : Result<void>(store.error());
  if (!copied) write_all(fd, static_cast<char>(copied.error().code()) + copied.error().context());
  ::_exit(copied ? 0 : 1);
}

Result<void> DraftFolder::mark() {
  const std::filesystem::path file = path_ / kIncompleteMark;
  const Descriptor made(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!made.is_open()) return lmdb_error(errno, "make " + file.string());
  return sync_folder(path_);
}

Error no_rename(const std::filesystem::path& path) { return lmdb_error(errno, "make " + path.string()); }

// What an interrupted restore left goes; a store stays.
Result<void> clear_for_restore(const std::filesystem::path& folder) {
  const bool is_left_over = ::access((folder / kIncompleteMark).c_str(), F_OK) == 0;
  for (const char* half : {"spool", "directory"}) {
    if (::access((folder / half).c_str(), F_OK) != 0) continue;
    if (!is_left_over) {
      return Error(ErrorCode::AlreadyExists, folder.string() + " has a store: move it away first");
    }
    std::error_code error;
    std::filesystem::remove_all(folder / half, error);
    if (error) return lmdb_error(error.value(), "remove " + (folder / half).string());
  }
  return {};
}

// From the mark on nothing starts from `folder`, until both halves stand in it.
Result<void> put_in_place(const std::filesystem::path& from, const std::filesystem::path& folder) {
  const std::filesystem::path mark = folder / kIncompleteMark;
  const Descriptor made(::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!made.is_open()) return no_rename(mark);
  if (Result<void> synced = sync_folder(folder); !synced) return synced;
  for (const char* half : {"spool", "directory"}) {
    if (::rename((from / half).c_str(), (folder / half).c_str()) != 0) return no_rename(folder / half);
    for (const auto& path : {folder / half, folder / half / "data.mdb"}) {
      if (Result<void> given = give_to_folder_owner(path); !given) return given;
    }
  }
  if (::rename(mark.c_str(), (folder / kCopyMark).c_str()) != 0) return no_rename(folder / kCopyMark);
  if (Result<void> given = give_to_folder_owner(folder / kCopyMark); !given) return given;
  return sync_folder(folder);
}

Result<void> DraftFolder::move_to(const std::filesystem::path& target) {
  if (::rename((path_ / kIncompleteMark).c_str(), (path_ / kCopyMark).c_str()) != 0) {
    return lmdb_error(errno, "mark " + path_.string());
  }
  if (Result<void> synced = sync_folder(path_); !synced) return synced;
  if (::rename(path_.c_str(), target.c_str()) != 0) {
    if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR) return already_there(target);
    return lmdb_error(errno, "make " + target.string());
  }
  is_kept_ = true;
  return sync_folder(target.parent_path());
}

}  // namespace

Result<void> make_backup(const Spool& spool, const Directory& directory, const std::filesystem::path& folder,
                         const std::optional<std::filesystem::path>& by_way_of) {
  const std::filesystem::path target = whole_path(folder);
  struct stat facts {};
  if (::lstat(target.c_str(), &facts) == 0) return already_there(folder);
  DraftFolder draft(target);
  if (Result<void> made = draft.make(); !made) return made;
  // The spool first: what its messages refer to is in the directory by then. number_after_restore() mends the one thing that may
  // be ahead in the directory.
  std::optional<DraftFolder> stage;
  if (by_way_of) {
    stage.emplace(*by_way_of / kStageName);
    if (Result<void> made = stage->make(); !made) return made;
  }
  const std::filesystem::path& first = stage ? stage->path() : draft.path();
  if (Result<void> copied = spool.copy_to(first / "spool"); !copied) return copied;
  if (Result<void> copied = directory.copy_to(first / "directory"); !copied) return copied;
  for (const char* half : {"spool", "directory"}) {
    if (!stage) break;
    if (Result<void> carried = carry_over(first / half, draft.path() / half); !carried) return carried;
  }
  return draft.move_to(target);
}

void remove_abandoned_stage(const std::filesystem::path& folder) {
  DraftFolder stage(folder / kStageName);
  if (::access(stage.path().c_str(), F_OK) == 0) (void)stage.make();
}

Result<void> back_up_in_child(const StoreOptions& options, const std::filesystem::path& folder, Store::BackupWay way) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return lmdb_error(errno, "make a pipe");
  const pid_t child = ::fork();
  if (child == 0) copy_and_exit(ends[1], options, folder, way);
  ::close(ends[1]);
  const std::string said = child > 0 ? read_to_end(ends[0]) : "";
  ::close(ends[0]);
  if (child < 0) return lmdb_error(errno, "make a process");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (!said.empty()) return Error(static_cast<ErrorCode>(said.front()), said.substr(1));
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  const ErrorCode code = signal == SIGTERM ? ErrorCode::Cancelled : ErrorCode::IoError;
  return Error(code, "the copy was ended by signal " + std::to_string(signal));
}

Result<void> require_copy(const std::filesystem::path& copy) {
  if (Result<void> whole = refuse_incomplete(copy); !whole) return whole;
  for (const char* name : {"spool/data.mdb", "directory/data.mdb", kCopyMark}) {
    if (::access((copy / name).c_str(), F_OK) == 0) continue;
    return Error(ErrorCode::Conflict, copy.string() + " is no copy that postern backup made: it has no " + name);
  }
  return {};
}

Result<void> restore_backup(const std::filesystem::path& copy, const std::filesystem::path& folder) {
  if (Result<void> whole = require_copy(copy); !whole) return whole;
  if (Result<void> made = make_folder(folder, 0700); !made) return made;
  if (is_served(folder)) return Error(ErrorCode::Conflict, "a server has " + folder.string() + ": stop it first");
  if (Result<void> cleared = clear_for_restore(folder); !cleared) return cleared;
  DraftFolder draft(folder / kRestoreName);
  if (Result<void> made = draft.make(); !made) return made;
  for (const char* half : {"spool", "directory"}) {
    if (Result<void> carried = carry_over(copy / half, draft.path() / half); !carried) return carried;
  }
  return put_in_place(draft.path(), folder);
}

Result<void> refuse_incomplete(const std::filesystem::path& folder) {
  if (::access((folder / kIncompleteMark).c_str(), F_OK) != 0) return {};
  return Error(ErrorCode::Conflict, folder.string() + " is what an interrupted backup left: take a whole one");
}

Result<void> number_after_restore(const std::filesystem::path& folder, Spool& spool, const Directory& directory) {
  const std::filesystem::path mark = folder / kCopyMark;
  const bool is_copy = ::access(mark.c_str(), F_OK) == 0;
  Result<std::uint64_t> seen = directory.last_seen_sequence();
  if (!seen) return seen.error();
  Result<std::uint64_t> given = spool.last_sequence();
  if (!given) return given.error();
  if (*seen > *given || is_copy) {
    const std::uint64_t last = std::max(*seen, *given) + (is_copy ? kCopyGap : 0);
    if (Result<void> raised = spool.raise_last_sequence(last); !raised) return raised;
  }
  if (!is_copy) return {};
  if (::unlink(mark.c_str()) != 0) return lmdb_error(errno, "remove " + mark.string());
  return sync_folder(folder);
}

}  // namespace postern::store
