// Scenario and attempt → outcome, and whole courses.
#include "sandbox/simulator.h"

namespace postern::sandbox {
namespace {

using std::chrono::seconds;
using enum SimulatedOutcome;

struct Step {
  seconds at;  // after the start
  SimulatedOutcome outcome;
  std::uint16_t code;
  EnhancedCode enhanced;

  friend bool operator==(const Step&, const Step&) = default;
  friend void PrintTo(const Step& step, std::ostream* out) {
    *out << step.at.count() << " s: outcome " << static_cast<int>(step.outcome) << ", " << step.code << ' '
         << format_enhanced_code(step.enhanced);
  }
};

struct SimulatorCase {
  const char* local_part;
  std::vector<Step> expected;
};

Scenario scenario_named(const char* local_part) { return scenario_for(Mailbox{local_part, "sim.test"}, "sim.test"); }

// The whole course of a recipient.
std::vector<Step> course_of(const Scenario& scenario) {
  std::vector<Step> steps;
  seconds at(0);
  for (unsigned attempt = 1; attempt <= kSimulatedAttempts; ++attempt) {
    const SimulatedAttempt attempted = simulate(scenario, attempt);
    steps.push_back({at, attempted.outcome, attempted.status.code, attempted.status.enhanced.value_or(EnhancedCode{})});
    if (!attempted.retry_after) break;
    at += std::chrono::duration_cast<seconds>(*attempted.retry_after);
  }
  return steps;
}

const SimulatorCase kSimulatorCases[] = {
    {"delivered", {{seconds(0), Delivered, 250, {2, 0, 0}}}},
    {"bounced", {{seconds(0), Bounced, 550, {5, 1, 1}}}},
    {"deferred",
     {{seconds(0), Deferred, 451, {4, 7, 1}}, {seconds(2), Deferred, 451, {4, 7, 1}}, {seconds(4), Delivered, 250, {2, 0, 0}}}},
    {"complained", {{seconds(0), Complained, 250, {2, 0, 0}}}},
    {"suppressed", {{seconds(0), Suppressed, 550, {5, 7, 1}}}},
    {"timeout",
     {{seconds(0), Deferred, 451, {4, 4, 2}},
      {seconds(2), Deferred, 451, {4, 4, 2}},
      {seconds(4), Deferred, 451, {4, 4, 2}},
      {seconds(6), Deferred, 451, {4, 4, 2}},
      {seconds(8), Expired, 554, {5, 4, 7}}}},
    {"expired",
     {{seconds(0), Deferred, 451, {4, 4, 1}},
      {seconds(2), Deferred, 451, {4, 4, 1}},
      {seconds(4), Deferred, 451, {4, 4, 1}},
      {seconds(6), Deferred, 451, {4, 4, 1}},
      {seconds(8), Expired, 554, {5, 4, 7}}}},
    {"smtp-250-2.1.5", {{seconds(0), Delivered, 250, {2, 1, 5}}}},
    // Refused at RCPT; a message that was accepted under another simulator domain still comes to an end.
    {"rejected", {{seconds(0), Bounced, 550, {5, 1, 1}}}},
    {"smtp-552-5.2.2", {{seconds(0), Bounced, 552, {5, 2, 2}}}},
    {"smtp-451-4.7.1", {{seconds(0), Delivered, 250, {2, 0, 0}}}},
};

TEST(Simulator, PlaysEachScenarioToItsEnd) {
  for (const SimulatorCase& c : kSimulatorCases) EXPECT_EQ(course_of(scenario_named(c.local_part)), c.expected) << c.local_part;
}

TEST(Simulator, SaysTheSameForTheSameAttempt) {
  for (const CatalogRow& row : scenario_catalog()) {
    const Scenario scenario = scenario_named(std::string(row.name).c_str());
    for (unsigned attempt = 1; attempt <= kSimulatedAttempts; ++attempt) {
      const SimulatedAttempt first = simulate(scenario, attempt);
      const SimulatedAttempt second = simulate(scenario, attempt);
      EXPECT_EQ(first.outcome, second.outcome) << row.name << " attempt " << attempt;
      EXPECT_EQ(first.status, second.status) << row.name << " attempt " << attempt;
      EXPECT_EQ(first.retry_after, second.retry_after) << row.name << " attempt " << attempt;
    }
  }
}

TEST(Simulator, NamesTheNextAttemptForADeferralOnly) {
  for (const SimulatorCase& c : kSimulatorCases) {
    for (unsigned attempt = 1; attempt <= c.expected.size(); ++attempt) {
      const SimulatedAttempt attempted = simulate(scenario_named(c.local_part), attempt);
      EXPECT_EQ(attempted.retry_after.has_value(), attempted.outcome == Deferred) << c.local_part;
    }
  }
}

// The queue counts attempts in 16 bits and an operator may retry by hand: a late attempt must not start over.
TEST(Simulator, EndsAtEveryLaterAttemptToo) {
  EXPECT_EQ(simulate(scenario_named("timeout"), 6).outcome, Expired);
  EXPECT_EQ(simulate(scenario_named("expired"), 60'000).outcome, Expired);
  EXPECT_EQ(simulate(scenario_named("deferred"), 60'000).outcome, Delivered);
}

}  // namespace
}  // namespace postern::sandbox
