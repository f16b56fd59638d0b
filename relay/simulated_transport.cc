#include "relay/simulated_transport.h"

#include "core/mailbox.h"
#include "sandbox/scenario.h"
#include "sandbox/simulator.h"

#include <utility>

namespace postern::relay {
namespace {

// A simulated next hop sends no notices of its own, so that a success notice that was asked for is made.
Outcome outcome_of(sandbox::SimulatedOutcome simulated) {
  switch (simulated) {
    case sandbox::SimulatedOutcome::Delivered: return Outcome::Relayed;
    case sandbox::SimulatedOutcome::Deferred: return Outcome::Deferred;
    case sandbox::SimulatedOutcome::Bounced: return Outcome::Bounced;
    case sandbox::SimulatedOutcome::Expired: return Outcome::Expired;
    case sandbox::SimulatedOutcome::Complained: return Outcome::Complained;
    case sandbox::SimulatedOutcome::Suppressed: return Outcome::Suppressed;
  }
  return Outcome::Deferred;
}

}  // namespace

SimulatedTransport::SimulatedTransport(std::string_view simulator_domain)
    : simulator_domain_(normalised_domain(simulator_domain)) {}

net::Awaitable<std::vector<RecipientReport>> SimulatedTransport::deliver(DeliveryRequest request) {
  std::vector<RecipientReport> reports;
  reports.reserve(request.recipients.size());
  for (const std::uint32_t index : request.recipients) reports.push_back(simulate(*request.message, index));
  co_return reports;
}

RecipientReport SimulatedTransport::simulate(const store::StoredMessage& stored, std::uint32_t index) const {
  const Mailbox& mailbox = stored.message.envelope.recipients[index].mailbox;
  const unsigned attempt = stored.delivery.recipients[index].attempts + 1U;
  sandbox::SimulatedAttempt attempted = sandbox::simulate(sandbox::scenario_for(mailbox, simulator_domain_), attempt);
  RecipientReport report;
  report.index = index;
  report.outcome = outcome_of(attempted.outcome);
  report.status = std::move(attempted.status);
  report.retry_after = attempted.retry_after;
  return report;
}

}  // namespace postern::relay
