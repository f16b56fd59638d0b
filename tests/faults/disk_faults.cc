// The interposed calls; see the header. The real ones are reached as system calls.
#include "tests/faults/disk_faults.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>

namespace postern::test::disk {
namespace {

struct Plan {
  Call call = Call::Write;
  std::size_t countdown = 0;  // 0: no fault
  int error = 0;              // 0: cut short
  bool lasts = false;
  bool was_met = false;
};

std::mutex mutex;
std::condition_variable changed;
Plan plan;
std::string calls;
bool is_holding = false;
bool is_held = false;

bool is_planned(Call call, char letter) {
  if (plan.call == Call::MetaWrite) return letter == 'm';
  return plan.call == call;
}

// Counts a call down; true if it is to fail.
bool fails(Call call, char letter) {
  const std::lock_guard lock(mutex);
  calls.push_back(letter);
  if (plan.countdown == 0 || !is_planned(call, letter)) return false;
  if (plan.countdown > 1) {
    --plan.countdown;
    return false;
  }
  if (!plan.lasts) plan.countdown = 0;
  plan.was_met = true;
  return true;
}

int planned_error() {
  const std::lock_guard lock(mutex);
  return plan.error;
}

void wait_while_held() {
  std::unique_lock lock(mutex);
  is_held = is_holding;
  changed.notify_all();
  changed.wait(lock, [] { return !is_holding; });
}

int sync(long number, int fd) {
  wait_while_held();
  if (fails(Call::Sync, 's')) {
    errno = planned_error();
    return -1;
  }
  return static_cast<int>(::syscall(number, fd));
}

char letter_of(int fd) { return (::fcntl(fd, F_GETFL) & O_DSYNC) != 0 ? 'm' : 'w'; }

}  // namespace

void reset() {
  const std::lock_guard lock(mutex);
  plan = Plan{};
  calls.clear();
}

std::string trace() {
  const std::lock_guard lock(mutex);
  return calls;
}

void note(char letter) {
  const std::lock_guard lock(mutex);
  calls.push_back(letter);
}

void fail(Call call, std::size_t nth, int error, bool lasts) {
  const std::lock_guard lock(mutex);
  plan = Plan{.call = call, .countdown = nth, .error = error, .lasts = lasts, .was_met = false};
}

void cut_short(std::size_t nth) { fail(Call::Write, nth, 0, false); }

bool was_met() {
  const std::lock_guard lock(mutex);
  return plan.was_met;
}

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
  if (!disk::fails(disk::Call::Write, disk::letter_of(fd))) return ::syscall(SYS_pwrite64, fd, octets, size, offset);
  errno = disk::planned_error();
  if (errno != 0) return -1;
  return ::syscall(SYS_pwrite64, fd, octets, size / 2, offset);
}

extern "C" ssize_t writev(int fd, const iovec* parts, int count) {
  if (!disk::fails(disk::Call::Write, disk::letter_of(fd))) return ::syscall(SYS_writev, fd, parts, count);
  errno = disk::planned_error();
  if (errno != 0) return -1;
  return ::syscall(SYS_writev, fd, parts, count / 2);
}
