// The clocks of runs. A run that was made with one has a time that stands still until somebody moves it: forward, and as far as he
// says. What becomes due on the way happens then, in the order of its time, each at its own instant: the simulated next hop is
// asked, and the queue's own policy (retry_schedule, event_publisher, notices) says what follows. The queue leaves this mail alone:
// it stands in a lane of its own (store/lane.h). Blocking; not for an I/O thread.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/random.h"
#include "core/result.h"
#include "relay/event_publisher.h"
#include "relay/notices.h"
#include "relay/run_book.h"
#include "relay/simulated_transport.h"
#include "store/store.h"

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

inline constexpr std::size_t kMaxAdvanceSteps = 10'000;  // attempts of one advance: some seconds
inline constexpr Duration kLongestAdvance = std::chrono::days(400);  // beyond a run's start: further than any schedule reaches

struct RunClockSettings {
  std::string simulator_domain;
  DeliveryPolicy policy;
  NoticeSettings notices;
};

struct Advance {
  Instant now;                 // the run's clock afterwards
  std::size_t steps = 0;       // attempts
  std::vector<Event> events;   // that they caused, in their order; without sequences
  bool has_more = false;       // the bound on steps was reached: `now` is the last step's, and more was due
};

class RunClock {
 public:
  // All outlive it.
  RunClock(store::Store& store, RunBook& runs, Random& random, RunClockSettings settings);

  // Does what is due at the clock's own time: first attempts. NotFound: the run has no clock.
  Result<Advance> catch_up(const AccountId& account, std::string_view run);
  // Moves it to `until`; InvalidArgument: that is before its time, or too far. Returns when all that was due is done and synced.
  Result<Advance> advance_to(const AccountId& account, std::string_view run, Instant until,
                             std::size_t max_steps = kMaxAdvanceSteps);
  // To the next instant at which something is due, and no further; where nothing is, the clock stays.
  Result<Advance> advance_to_next(const AccountId& account, std::string_view run);
  // When the next thing is due; nullopt: nothing waits.
  Result<std::optional<Instant>> next_due(const AccountId& account, std::string_view run) const;

 private:
  class Walk;

  Result<Advance> move(const AccountId& account, std::string_view run, std::optional<Instant> until, std::size_t max_steps);

  store::Store& store_;
  RunBook& runs_;
  Random& random_;
  const RunClockSettings settings_;
  const SimulatedHop hop_;
  // One advance of a run at a time; runs share them.
  static constexpr std::size_t kLocks = 64;
  std::array<std::mutex, kLocks> locks_;
};

// Chance that comes of a seed and of what it is for: the same jitter for the same run, message, recipient and attempt.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> octets) override;

 private:
  std::uint64_t state_;
};

// What the jitter of a message's next attempt comes of: its place in its run, and the attempts that its recipients had in all.
std::uint64_t jitter_seed(std::uint64_t run_seed, std::uint32_t message, std::uint64_t attempts);

}  // namespace postern::relay
