#include "relay/simulated_transport.h"

#include "core/mailbox.h"
#include "sandbox/scenario.h"
#include "sandbox/simulator.h"
#include "smtp/client_status.h"

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

// nullopt: the rule says nothing of the outcome.
std::optional<RecipientReport> report_of(const sandbox::ScriptRule& rule, std::uint32_t index) {
  RecipientReport report;
  report.index = index;
  if (rule.reply) {
    report.outcome = rule.reply->is_permanent() ? Outcome::Bounced : Outcome::Deferred;
    report.status = *rule.reply;
    return report;
  }
  if (rule.tls != sandbox::NextHopTls::Good) {
    report.outcome = Outcome::Deferred;
    const bool is_missing = rule.tls == sandbox::NextHopTls::Missing;
    report.status = is_missing ? smtp::missing_tls_status() : smtp::failed_tls_status("certificate has expired");
    return report;
  }
  if (!rule.complains) return std::nullopt;
  report.outcome = Outcome::Complained;
  report.status = Status{250, EnhancedCode{2, 0, 0}, "simulated delivery"};
  return report;
}

}  // namespace

SimulatedHop::SimulatedHop(std::string_view simulator_domain, RunBook* runs)
    : simulator_domain_(normalised_domain(simulator_domain)), runs_(runs) {}

std::vector<RecipientReport> SimulatedHop::attempt(const store::StoredMessage& stored,
                                                   const std::vector<std::uint32_t>& recipients,
                                                   std::optional<Instant> now) const {
  const auto run = runs_ ? runs_->find(stored.message) : std::nullopt;
  const bool has_rules = run && !run->script().rules.empty() && stored.message.origin == store::MessageOrigin::Submission;
  const bool counts = has_rules && run->script().counts_messages_at(sandbox::Stage::Delivery);
  const std::uint32_t ordinal = counts ? runs_->ordinal_of(stored.message) : 0;
  const std::string from = script_address(stored.message.envelope.reverse_path);
  std::vector<RecipientReport> reports;
  reports.reserve(recipients.size());
  for (const std::uint32_t index : recipients) {
    const std::string to = script_address(stored.message.envelope.recipients[index].mailbox);
    const sandbox::ScriptQuestion question{.stage = sandbox::Stage::Delivery,
                                           .from = from,
                                           .to = to,
                                           .attempt = stored.delivery.recipients[index].attempts + 1U,
                                           .message = ordinal,
                                           .at = now.value_or(stored.message.accepted_at)};
    const sandbox::ScriptRule* const rule = has_rules ? run->decide(question) : nullptr;
    std::optional<RecipientReport> scripted = rule ? report_of(*rule, index) : std::nullopt;
    reports.push_back(scripted ? std::move(*scripted) : simulate(stored, index));
    // What a script defers is tried again as soon as a scenario's is, unless the run has a clock to move.
    const bool is_deferred = reports.back().outcome == Outcome::Deferred;
    if (stored.message.has_own_clock) reports.back().retry_after.reset();
    if (!stored.message.has_own_clock && is_deferred) reports.back().retry_after = sandbox::kSimulatedRetry;
  }
  return reports;
}

RecipientReport SimulatedHop::simulate(const store::StoredMessage& stored, std::uint32_t index) const {
  const Mailbox& mailbox = stored.message.envelope.recipients[index].mailbox;
  const sandbox::Scenario scenario = sandbox::scenario_for(mailbox, simulator_domain_);
  const bool ends_early = scenario.kind == sandbox::ScenarioKind::Timeout || scenario.kind == sandbox::ScenarioKind::Expired;
  // With a clock to move, what never gets through is given up when live mail is.
  const unsigned attempt = stored.message.has_own_clock && ends_early ? 1 : stored.delivery.recipients[index].attempts + 1U;
  sandbox::SimulatedAttempt attempted = sandbox::simulate(scenario, attempt);
  RecipientReport report;
  report.index = index;
  report.outcome = outcome_of(attempted.outcome);
  report.status = std::move(attempted.status);
  report.retry_after = attempted.retry_after;
  return report;
}

net::Awaitable<std::vector<RecipientReport>> SimulatedTransport::deliver(DeliveryRequest request) {
  co_return hop_.attempt(*request.message, request.recipients, clock_ ? clock_->now() : SystemClock().now());
}

}  // namespace postern::relay
