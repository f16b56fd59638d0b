// WriterGate; see the header.
#include "lmdb/writer_gate.h"

#include "lmdb/environment.h"

#include <fcntl.h>

#include <cerrno>

namespace postern::lmdb {
namespace {

// LMDB locks the first octet, and for each process the one of its number.
constexpr off_t kGateOffset = off_t{1} << 40;

struct flock record_lock(short type, off_t offset) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = offset;
  lock.l_len = 1;
  return lock;
}

// nullopt: no other process holds it.
std::optional<ProcessId> holder_at(int fd, off_t offset) {
  struct flock lock = record_lock(F_WRLCK, offset);
  if (fd < 0 || ::fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  return lock.l_pid > 0 ? lock.l_pid : 0;
}

}  // namespace

Result<void> WriterGate::open(const std::filesystem::path& lock_file) {
  file_ = Descriptor(::open(lock_file.c_str(), O_RDWR | O_CLOEXEC));
  if (!file_.is_open()) return lmdb_error(errno, "open " + lock_file.string());
  return {};
}

bool WriterGate::try_enter() {
  struct flock lock = record_lock(F_WRLCK, kGateOffset);
  if (!file_.is_open() || ::fcntl(file_.get(), F_SETLK, &lock) == 0) return true;
  return errno != EAGAIN && errno != EACCES && errno != EINTR;
}

void WriterGate::leave() {
  struct flock lock = record_lock(F_UNLCK, kGateOffset);
  if (file_.is_open()) (void)::fcntl(file_.get(), F_SETLK, &lock);
}

std::optional<ProcessId> WriterGate::holder() const { return holder_at(file_.get(), kGateOffset); }

bool WriterGate::is_user(ProcessId process) const { return process > 0 && holder_at(file_.get(), process) == process; }

}  // namespace postern::lmdb
