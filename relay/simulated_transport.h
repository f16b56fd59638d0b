// The transport of test messages: asks the run's script, or else sandbox/simulator, what would have happened. It has no socket to
// open.
#pragma once

#include "relay/run_book.h"
#include "relay/transport.h"

#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

// What the simulated next hop says, of one message after the other. Any thread.
class SimulatedHop {
 public:
  // `simulator_domain` as in the sandbox settings: there the local part names the scenario. `runs`: null, there are no scripts.
  SimulatedHop(std::string_view simulator_domain, RunBook* runs);

  // The reports of one attempt, at `now` of the run's time. Of a run with a clock of its own no report says when to try again or
  // when to give up: the queue's policy does.
  std::vector<RecipientReport> attempt(const store::StoredMessage& stored, const std::vector<std::uint32_t>& recipients,
                                       std::optional<Instant> now = std::nullopt) const;

 private:
  RecipientReport simulate(const store::StoredMessage& stored, std::uint32_t index) const;

  std::string simulator_domain_;
  RunBook* runs_;
};

class SimulatedTransport final : public Transport {
 public:
  SimulatedTransport(std::string_view simulator_domain, RunBook* runs, const Clock* clock)
      : hop_(simulator_domain, runs), clock_(clock) {}

  net::Awaitable<std::vector<RecipientReport>> deliver(DeliveryRequest request) override;
  void cancel() override {}  // nothing ever waits

 private:
  SimulatedHop hop_;
  const Clock* clock_;  // null: the system's
};

}  // namespace postern::relay
