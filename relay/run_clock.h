// The clocks of runs. A run that was made with one has a time that stands still until somebody moves it: forward, and as far as he
// says. What becomes due on the way happens then, in the order of its time, each at its own instant: the simulated next hop is
// asked, and the queue's own policy (retry_schedule, event_publisher, notices) says what follows. The queue leaves this mail alone:
// it stands in a lane of its own (store/lane.h). Blocking; not for an I/O thread.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/random.h"
#include "core/result.h"
#include "core/seeded_random.h"
#include "relay/event_publisher.h"
#include "relay/notices.h"
#include "relay/run_book.h"
#include "relay/run_listener.h"
#include "relay/run_turns.h"
#include "relay/simulated_transport.h"
#include "store/store.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

inline constexpr std::size_t kMaxAdvanceSteps = 10'000;  // attempts of one advance: some seconds
// Of one advance, with receivers of webhooks that take their time; it ends early then, as at the bound on steps.
inline constexpr std::chrono::seconds kLongestTelling{30};
inline constexpr Duration kLongestAdvance = std::chrono::days(400);  // beyond a run's start: further than any schedule reaches

struct RunClockSettings {
  std::string simulator_domain;
  DeliveryPolicy policy;
  NoticeSettings notices;
};

struct Advance {
  Instant now;                 // the run's clock afterwards
  std::size_t steps = 0;       // attempts, of deliveries and of webhooks
  std::vector<Event> events;   // that they caused, in their order; without sequences
  std::vector<RunTelling> told;
  bool has_more = false;       // the bound on steps was reached: `now` is the last step's, and more was due
};

class RunClock {
 public:
  // All outlive it.
  RunClock(store::Store& store, RunBook& runs, Random& random, RunClockSettings settings);

  // Before the first advance; outlives this. Null: nobody listens.
  void set_listener(RunListener* listener) { listener_ = listener; }

  // Tells whoever listens what is due at the clock's own time. NotFound: the run has no clock.
  Result<void> tell(const AccountId& account, std::string_view run);
  // Delivers what is due at the clock's own time: first attempts. Where somebody is at the run already, he does it before he ends.
  // NotFound: the run has no clock.
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
  class Course;

  RunListener* listener_to(const AccountId& account) const {
    return listener_ != nullptr && listener_->listens_to(account) ? listener_ : nullptr;
  }
  Result<ActiveRun> find(const AccountId& account, std::string_view run) const;
  Result<Advance> move(const AccountId& account, std::string_view run, Instant until, std::size_t max_steps);
  Result<Advance> deliver(const ActiveRun& run, RunListener* listener, Instant until, std::size_t max_steps);
  Result<Advance> end(RunTurns::Turn turn, const AccountId& account, std::string_view run, Result<Advance> advance);

  store::Store& store_;
  RunBook& runs_;
  Random& random_;
  const RunClockSettings settings_;
  const SimulatedHop hop_;
  RunListener* listener_ = nullptr;
  mutable RunTurns walking_;  // whoever delivers; never waited for by who catches up
  mutable RunTurns telling_;  // whoever tells: receivers may take their time. Taken behind the other
};

// What the jitter of a message's next attempt comes of: its place in its run, and the attempts that its recipients had in all.
std::uint64_t jitter_seed(std::uint64_t run_seed, std::uint32_t message, std::uint64_t attempts);

}  // namespace postern::relay
