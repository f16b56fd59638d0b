// What `postern test` is given: a run as it is made, and what is expected of it in the end. Pure.
#pragma once

#include "core/result.h"
#include "lab/expectation.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace postern::lab {

struct TestPlan {
  std::string name;
  json::object run;  // for read_new_run()
  std::vector<Expectation> expectations;
  std::chrono::seconds patience{10};  // how long the expectations are waited for once the command has ended
};

// TOML or JSON: name, rules (docs/testing.md), expect, seed, clock, timeout_seconds; all may be absent. InvalidArgument with all
// problems.
Result<TestPlan> read_test_plan(std::string_view text);

// As JUnit writes it: a suite with a case for each, and a failure in those that did not pass.
std::string format_junit(std::string_view suite, const std::vector<Verdict>& verdicts);

}  // namespace postern::lab
