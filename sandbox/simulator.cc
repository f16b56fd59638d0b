#include "sandbox/simulator.h"

namespace postern::sandbox {
namespace {

Status delivered_status() { return {250, EnhancedCode{2, 0, 0}, "simulated delivery"}; }

SimulatedAttempt defer(std::uint16_t code, EnhancedCode enhanced, const char* text) {
  return {SimulatedOutcome::Deferred, Status{code, enhanced, text}, kSimulatedRetry};
}

SimulatedAttempt until_expiry(unsigned attempt, EnhancedCode enhanced, const char* text) {
  if (attempt < kSimulatedAttempts) return defer(451, enhanced, text);
  return {SimulatedOutcome::Expired, Status{554, EnhancedCode{5, 4, 7}, std::string("simulated expiry after: ") + text},
          std::nullopt};
}

}  // namespace

SimulatedAttempt simulate(const Scenario& scenario, unsigned attempt) {
  switch (scenario.kind) {
    case ScenarioKind::Delivered: return {SimulatedOutcome::Delivered, delivered_status(), std::nullopt};
    case ScenarioKind::Bounced:
      return {SimulatedOutcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "simulated: no such mailbox"}, std::nullopt};
    case ScenarioKind::Deferred:
      if (attempt <= kDeferredAttempts) return defer(451, EnhancedCode{4, 7, 1}, "simulated: try again later");
      return {SimulatedOutcome::Delivered, delivered_status(), std::nullopt};
    case ScenarioKind::Complained: return {SimulatedOutcome::Complained, delivered_status(), std::nullopt};
    case ScenarioKind::Suppressed:
      return {SimulatedOutcome::Suppressed, Status{550, EnhancedCode{5, 7, 1}, "simulated: the address is suppressed"},
              std::nullopt};
    case ScenarioKind::Timeout: return until_expiry(attempt, EnhancedCode{4, 4, 2}, "the connection timed out");
    case ScenarioKind::Expired: return until_expiry(attempt, EnhancedCode{4, 4, 1}, "no answer from the host");
    case ScenarioKind::Rejected:  // refused at RCPT: only a message accepted under an older configuration gets here
    case ScenarioKind::SmtpReply: break;
  }
  if (scenario.reply.is_permanent()) return {SimulatedOutcome::Bounced, scenario.reply, std::nullopt};
  Status reply = scenario.reply.is_positive() ? scenario.reply : delivered_status();
  return {SimulatedOutcome::Delivered, std::move(reply), std::nullopt};
}

}  // namespace postern::sandbox
