// SpaceGuard; see the header.
#include "store/space_guard.h"

namespace postern::store {
namespace {

constexpr std::chrono::nanoseconds kLookEvery = std::chrono::seconds(1);

std::int64_t steady_now() { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

}  // namespace

Result<void> SpaceGuard::check() {
  const std::int64_t now = steady_now();
  std::int64_t next = next_look_.load(std::memory_order_relaxed);
  // Whoever moves the time forward looks; the others go by what was found last.
  if (now >= next && next_look_.compare_exchange_strong(next, now + kLookEvery.count())) return look();
  return answer();
}

Result<void> SpaceGuard::look() {
  Result<LmdbEnvironment::Space> space = environment_.space();
  Finding finding = Finding::Room;
  if (!space) {
    finding = Finding::Unknown;
  } else if (space->is_read_only) {
    finding = Finding::ReadOnly;
  } else if (space->used_octets >= limits_.max_octets) {
    finding = Finding::CapReached;
  } else if (space->free_disk_octets < limits_.min_free_octets) {
    finding = Finding::DiskNearlyFull;
  }
  finding_.store(finding, std::memory_order_relaxed);
  return answer();
}

Result<void> SpaceGuard::answer() const {
  switch (finding_.load(std::memory_order_relaxed)) {
    case Finding::Room:
      return {};
    case Finding::CapReached:
      return Error(ErrorCode::StorageFull, "the spool has reached its configured size");
    case Finding::DiskNearlyFull:
      return Error(ErrorCode::StorageFull, "the disk below the spool is nearly full");
    case Finding::ReadOnly:
      return Error(ErrorCode::StorageFull, "the file system below the spool is read-only");
    case Finding::Unknown:
      break;
  }
  return Error(ErrorCode::IoError, "the spool's space cannot be measured");
}

}  // namespace postern::store
