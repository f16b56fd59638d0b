// SpaceGuard: may new mail come in, as far as room goes? Looks at most once a second, so that every MAIL may ask.
#pragma once

#include "store/environment.h"
#include "store/spool.h"

#include <atomic>

namespace postern::store {

class SpaceGuard {
 public:
  SpaceGuard(const LmdbEnvironment& environment, const SpoolLimits& limits)
      : environment_(environment), limits_(limits) {}

  // Any thread. StorageFull, IoError.
  Result<void> check();
  // Looks now: something was removed, or a write found no room.
  Result<void> look();

 private:
  enum class Finding : int { Room, CapReached, DiskNearlyFull, ReadOnly, Unknown };

  Result<void> answer() const;

  const LmdbEnvironment& environment_;
  const SpoolLimits& limits_;
  std::atomic<std::int64_t> next_look_{0};  // steady clock, nanoseconds
  std::atomic<Finding> finding_{Finding::Room};
};

}  // namespace postern::store
