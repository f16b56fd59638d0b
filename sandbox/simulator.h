// What happens to a simulated recipient at its n-th attempt. Deterministic.
#pragma once

#include "core/clock.h"
#include "core/status.h"
#include "sandbox/scenario.h"

#include <optional>

namespace postern::sandbox {

// Between simulated attempts: long enough to be seen as separate, short enough for a test to wait.
inline constexpr Duration kSimulatedRetry = std::chrono::seconds(2);
// `timeout` and `expired` give up at this attempt.
inline constexpr unsigned kSimulatedAttempts = 5;
inline constexpr unsigned kDeferredAttempts = 2;

enum class SimulatedOutcome { Delivered, Deferred, Bounced, Expired, Complained, Suppressed };

struct SimulatedAttempt {
  SimulatedOutcome outcome = SimulatedOutcome::Delivered;
  Status status;
  std::optional<Duration> retry_after;  // Deferred
};

// `attempt` counts from 1.
SimulatedAttempt simulate(const Scenario& scenario, unsigned attempt);

}  // namespace postern::sandbox
