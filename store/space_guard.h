// SpaceGuard: may new mail come in, as far as room goes? Room is what the file may still grow by, and the pages inside it that can
// be used again: a spool that was full once, and has been delivered, is not full. MAIL asks by what was found last; each message
// is then charged against an allowance when it is committed, so that no burst grows the file beyond its bounds.
#pragma once

#include "store/spool.h"
#include "store/tables.h"

#include <atomic>

namespace postern::store {

struct SpaceVerdict {
  SpaceFinding finding = SpaceFinding::Room;
  std::uint64_t allowance = 0;  // octets of new mail that may come in until the next look; 0 unless there is room
  std::uint64_t capacity = 0;   // what the spool could hold as things are, with what it holds
};
SpaceVerdict judge_space(const LmdbEnvironment::Space& space, const SpoolLimits& limits);

class SpaceGuard {
 public:
  SpaceGuard(const LmdbEnvironment& environment, const SpoolLimits& limits)
      : environment_(environment), limits_(limits), capacity_(limits.max_octets) {}

  // Any thread. StorageFull, IoError. Looks itself only where nobody else does: the server's watch looks once a second.
  Result<void> check();
  // SpaceVerdict's, as of the last look.
  std::uint64_t capacity() const { return capacity_.load(std::memory_order_relaxed); }
  // How often take() refused.
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  // Looks now: something was removed, or a write found no room. Any thread.
  SpoolSpace look();

  // --- The commit thread's ---
  // Before the first take() of a batch.
  void begin_batch();
  // Charges new content. StorageFull: the batch would not have room with it.
  Result<void> take(std::uint64_t octets);

 private:
  Result<void> answer() const;
  void measure();
  void note(const SpaceVerdict& verdict);
  // What judge_space() says of the environment as it is.
  SpaceVerdict judge(SpoolSpace& space) const;

  const LmdbEnvironment& environment_;
  const SpoolLimits& limits_;
  std::atomic<std::int64_t> next_look_{0};  // steady clock, nanoseconds
  std::atomic<SpaceFinding> finding_{SpaceFinding::Room};
  std::atomic<std::uint64_t> capacity_;
  std::atomic<std::uint64_t> refused_{0};
  // The commit thread's.
  std::int64_t allowance_ = 0;       // octets that may still come in, as of measured_at_
  std::int64_t taken_in_batch_ = 0;  // what no measure can see yet
  std::int64_t measured_at_ = 0;     // 0: never
  bool is_measured_ = false;         // in this batch
};

}  // namespace postern::store
