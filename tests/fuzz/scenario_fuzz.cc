// Any forward-path into the simulation: every scenario has a reply that RCPT may be answered, ends after a bounded number of
// attempts, and says the same when it is asked again.
#include "sandbox/scenario.h"
#include "sandbox/simulator.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {
namespace {

constexpr Instant kStart{std::chrono::seconds(1'767'607'200)};

void check(const Mailbox& mailbox) {
  const sandbox::Scenario scenario = sandbox::scenario_for(mailbox, "simulator.example");
  if (const auto refusal = scenario.rcpt_refusal()) {
    POSTERN_CHECK(refusal->code >= 400 && refusal->code < 600);
    POSTERN_CHECK(refusal->enhanced && refusal->enhanced->klass == refusal->code / 100);
    return;
  }
  const auto course = sandbox::timeline(scenario, kStart);
  POSTERN_CHECK(!course.empty() && course.size() <= sandbox::kSimulatedAttempts + 1);
  Instant at = kStart;
  for (unsigned i = 0; i < course.size(); ++i) {
    POSTERN_CHECK(course[i].at >= at);
    at = course[i].at;
    const bool is_last = i + 1 == course.size();
    POSTERN_CHECK(is_last || course[i].attempt.status.code < 600);
  }
  const auto again = sandbox::timeline(scenario, kStart);
  POSTERN_CHECK(again.size() == course.size() && again.back().attempt.status == course.back().attempt.status);
}

}  // namespace

void run(std::string_view input) {
  if (const Result<Mailbox> mailbox = parse_mailbox(input)) check(*mailbox);
  // The local part alone, so that every input reaches the table.
  const PathParse path = parse_forward_path("<" + std::string(input.substr(0, 64)) + "@simulator.example>", false);
  if (!path.error && path.mailbox) check(*path.mailbox);
}

}  // namespace postern::fuzz
