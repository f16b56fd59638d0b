// The interposed calls; see the header. The real ones are reached as system calls.
#include "tests/faults/disk_faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>

namespace postern::test::disk {
namespace {

struct Plan {
  Call call = Call::Write;
  std::size_t countdown = 0;  // 0: no fault
  int error = 0;              // 0: cut short
  std::size_t count = 1;      // so many calls fail once it has begun
  bool was_met = false;
};

std::mutex mutex;
std::condition_variable changed;
Plan plan;
std::string calls;
std::vector<std::filesystem::path> synced;
bool is_holding = false;
bool is_held = false;
std::atomic<bool> is_skipping = false;
std::atomic<bool> is_file_system_read_only = false;
std::optional<std::filesystem::path> recorded_folder;
std::vector<Operation> operations;

bool is_planned(Call call, char letter) {
  if (plan.call == Call::MetaWrite) return letter == 'm';
  return plan.call == call;
}

// Counts a call down; true if it is to fail.
bool fails(Call call, char letter) {
  const std::lock_guard lock(mutex);
  calls.push_back(letter);
  if (is_file_system_read_only && call == Call::Write) return true;
  if (plan.countdown == 0 || !is_planned(call, letter)) return false;
  if (plan.countdown > 1) {
    --plan.countdown;
    return false;
  }
  if (--plan.count == 0) plan.countdown = 0;
  plan.was_met = true;
  return true;
}

int planned_error() {
  const std::lock_guard lock(mutex);
  return is_file_system_read_only ? EROFS : plan.error;
}

void wait_while_held() {
  std::unique_lock lock(mutex);
  is_held = is_holding;
  changed.notify_all();
  changed.wait(lock, [] { return !is_holding; });
}

// The path below the recorded folder; empty: not there, or nothing is recorded, or no data file.
std::filesystem::path inside_of_recorded(const std::filesystem::path& path) {
  if (!recorded_folder || path.extension() != ".mdb" || path.filename() == "lock.mdb") return {};
  std::filesystem::path inside = path.lexically_relative(*recorded_folder);
  return inside.empty() || *inside.begin() == ".." ? std::filesystem::path() : inside;
}

std::filesystem::path path_of(int fd) {
  std::array<char, 4'096> target{};
  const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target.data(), target.size());
  return std::string(target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
}

std::filesystem::path recorded_file(int fd) {
  return recorded_folder ? inside_of_recorded(path_of(fd)) : std::filesystem::path();
}

void record(int fd, Operation operation) {
  const std::lock_guard lock(mutex);
  operation.file = recorded_file(fd);
  if (!operation.file.empty()) operations.push_back(std::move(operation));
}

void note_synced(int fd) {
  const std::lock_guard lock(mutex);
  synced.push_back(path_of(fd));
}

int sync(long number, int fd) {
  wait_while_held();
  if (fails(Call::Sync, 's')) {
    errno = planned_error();
    return -1;
  }
  const int result = is_skipping ? 0 : static_cast<int>(::syscall(number, fd));
  if (result == 0) note_synced(fd);
  if (result == 0) record(fd, {.kind = Operation::Kind::Sync, .file = {}, .offset = 0, .octets = {}});
  return result;
}

char letter_of(int fd) { return (::fcntl(fd, F_GETFL) & O_DSYNC) != 0 ? 'm' : 'w'; }

// `done`: how much of it the kernel took.
ssize_t record_write(int fd, std::string_view octets, off_t offset, ssize_t done) {
  if (done <= 0) return done;
  const bool is_synced = letter_of(fd) == 'm';
  record(fd, {.kind = is_synced ? Operation::Kind::MetaWrite : Operation::Kind::Write, .file = {}, .offset = offset,
              .octets = std::string(octets.substr(0, static_cast<std::size_t>(done)))});
  return done;
}

void record_renaming(const char* from, const char* to) {
  const std::lock_guard lock(mutex);
  const std::filesystem::path old_path = inside_of_recorded(from);
  if (old_path.empty()) return;
  operations.push_back({.kind = Operation::Kind::Rename, .file = old_path, .offset = 0, .octets = inside_of_recorded(to).string()});
}

std::string joined(const iovec* parts, int count) {
  std::string octets;
  for (int i = 0; i < count; ++i) octets.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return octets;
}

}  // namespace

void reset() {
  const std::lock_guard lock(mutex);
  plan = Plan{};
  calls.clear();
  synced.clear();
  is_file_system_read_only = false;
}

std::string trace() {
  const std::lock_guard lock(mutex);
  return calls;
}

std::vector<std::filesystem::path> synced_paths() {
  const std::lock_guard lock(mutex);
  return synced;
}

void note(char letter) {
  const std::lock_guard lock(mutex);
  calls.push_back(letter);
}

void fail(Call call, std::size_t nth, int error, bool lasts) {
  fail_some(call, nth, lasts ? std::numeric_limits<std::size_t>::max() : 1, error);
}

void fail_some(Call call, std::size_t nth, std::size_t count, int error) {
  const std::lock_guard lock(mutex);
  plan = Plan{.call = call, .countdown = nth, .error = error, .count = count, .was_met = false};
}

void cut_short(std::size_t nth) { fail(Call::Write, nth, 0, false); }

bool was_met() {
  const std::lock_guard lock(mutex);
  return plan.was_met;
}

void set_read_only(bool is_read_only) { is_file_system_read_only = is_read_only; }

void start_recording(const std::filesystem::path& folder) {
  const std::lock_guard lock(mutex);
  recorded_folder = std::filesystem::canonical(folder);
  operations.clear();
}

std::vector<Operation> stop_recording() {
  const std::lock_guard lock(mutex);
  recorded_folder.reset();
  return std::move(operations);
}

void record_note(std::string note) {
  const std::lock_guard lock(mutex);
  if (!recorded_folder) return;
  operations.push_back({.kind = Operation::Kind::Note, .file = {}, .offset = 0, .octets = std::move(note)});
}

void skip_syncs(bool skips) { is_skipping = skips; }

void hold_syncs() {
  const std::lock_guard lock(mutex);
  is_holding = true;
  is_held = false;
}

void wait_until_held() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [] { return is_held; });
}

void release_syncs() {
  const std::lock_guard lock(mutex);
  is_holding = false;
  changed.notify_all();
}

}  // namespace postern::test::disk

using namespace postern::test;

extern "C" int fdatasync(int fd) { return disk::sync(SYS_fdatasync, fd); }
extern "C" int fsync(int fd) { return disk::sync(SYS_fsync, fd); }

extern "C" ssize_t pwrite(int fd, const void* octets, std::size_t size, off_t offset) {
  if (disk::fails(disk::Call::Write, disk::letter_of(fd))) {
    errno = disk::planned_error();
    if (errno != 0) return -1;
    size /= 2;
  }
  const ssize_t done = ::syscall(SYS_pwrite64, fd, octets, size, offset);
  return disk::record_write(fd, std::string_view(static_cast<const char*>(octets), size), offset, done);
}

extern "C" ssize_t writev(int fd, const iovec* parts, int count) {
  if (disk::fails(disk::Call::Write, disk::letter_of(fd))) {
    errno = disk::planned_error();
    if (errno != 0) return -1;
    count /= 2;
  }
  const off_t offset = ::lseek(fd, 0, SEEK_CUR);
  const ssize_t done = ::syscall(SYS_writev, fd, parts, count);
  return disk::record_write(fd, disk::joined(parts, count), offset, done);
}

extern "C" int statvfs(const char* path, struct statvfs* facts) noexcept {
  using Statvfs = int (*)(const char*, struct statvfs*);
  static const auto real = reinterpret_cast<Statvfs>(::dlsym(RTLD_NEXT, "statvfs"));
  const int result = real(path, facts);
  if (result == 0 && disk::is_file_system_read_only) facts->f_flag |= ST_RDONLY;
  return result;
}

extern "C" int rename(const char* from, const char* to) noexcept {
  const auto result = static_cast<int>(::syscall(SYS_rename, from, to));
  if (result == 0) disk::record_renaming(from, to);
  return result;
}
