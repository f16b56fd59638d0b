// Any forward-path into the simulation: every scenario has a reply that RCPT may be answered, ends after a bounded number of
// attempts, and says the same when it is asked again.
#include "sandbox/scenario.h"
#include "sandbox/simulator.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {
namespace {

void check_scenario(const Mailbox& mailbox) {
  const sandbox::Scenario scenario = sandbox::scenario_for(mailbox, "simulator.example");
  if (const auto refusal = scenario.rcpt_refusal()) {
    POSTERN_CHECK(refusal->code >= 400 && refusal->code < 600);
    POSTERN_CHECK(refusal->enhanced && refusal->enhanced->klass == refusal->code / 100);
    return;
  }
  for (unsigned attempt = 1;; ++attempt) {
    POSTERN_CHECK(attempt <= sandbox::kSimulatedAttempts);
    const sandbox::SimulatedAttempt attempted = sandbox::simulate(scenario, attempt);
    POSTERN_CHECK(attempted.status.code >= 200 && attempted.status.code < 600);
    POSTERN_CHECK(attempted.retry_after.has_value() == (attempted.outcome == sandbox::SimulatedOutcome::Deferred));
    const sandbox::SimulatedAttempt again = sandbox::simulate(scenario, attempt);
    POSTERN_CHECK(again.outcome == attempted.outcome && again.status == attempted.status);
    if (!attempted.retry_after) return;
  }
}

}  // namespace

POSTERN_FUZZ(scenario) {
  if (const Result<Mailbox> mailbox = parse_mailbox(input)) check_scenario(*mailbox);
  // The local part alone, so that every input reaches the table.
  const PathParse path = parse_forward_path("<" + std::string(input.substr(0, 64)) + "@simulator.example>", false);
  if (!path.error && path.mailbox) check_scenario(*path.mailbox);
}

}  // namespace postern::fuzz
