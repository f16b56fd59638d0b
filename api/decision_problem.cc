#include "api/decision_problem.h"

#include "core/check.h"

#include <algorithm>
#include <span>

namespace postern::api {
namespace {

constexpr std::chrono::seconds kSimulatedWait{1};

DecisionProblem refused_problem(const Refused& refused) {
  const RefusalRow& row = refusal_row(refused.refusal);
  return {.refusal = row.refusal,
          .http_status = row.http_status,
          .name = row.token,
          .message = words_of(refused),
          .wait = refused.wait,
          .limit = refused.limit};
}

// A scenario's reply: the first row of its codes says what HTTP makes of such a one.
std::uint16_t simulated_status(const Status& status) {
  const auto has_codes = [&status](const RefusalRow& row) {
    return row.http_status != 0 && row.smtp_code == status.code && status.enhanced &&
           *status.enhanced == row.enhanced;
  };
  const std::span<const RefusalRow> table = refusal_table();
  const auto row = std::ranges::find_if(table, has_codes);
  if (row != table.end()) return row->http_status;
  return status.is_permanent() ? 422 : 503;
}

DecisionProblem simulated_problem(const Simulated& simulated) {
  DecisionProblem problem;
  const RefusalRow* const row = simulated.rehearsed ? &refusal_row(*simulated.rehearsed) : nullptr;
  if (row && row->http_status != 0) {
    problem = refused_problem({row->refusal, "simulated: " + std::string(row->text)});
  } else {
    problem.http_status = simulated_status(simulated.status);
    problem.name = kSimulatedName;
    problem.message = "simulated: " + format_status(simulated.status);
  }
  if (problem.http_status == 429) problem.wait = kSimulatedWait;
  return problem;
}

}  // namespace

std::string_view DecisionProblem::rule() const {
  return refusal ? refusal_row(*refusal).when
                 : "a test key: the recipient's address names the reply";
}

DecisionProblem problem_of(const Decision& decision) {
  POSTERN_CHECK(!decision.is_accepted());
  if (const Refused* const refused = decision.refused()) return refused_problem(*refused);
  return simulated_problem(*decision.simulated());
}

ApiResponse response_of(const DecisionProblem& problem, std::string_view where) {
  const std::string message =
      where.empty() ? problem.message : std::string(where) + ": " + problem.message;
  if (!problem.refusal) return api_simulated(problem.http_status, message, problem.wait);
  if (problem.wait.count() > 0) {
    return api_refusal_with_wait(*problem.refusal, message, problem.wait, problem.limit);
  }
  return api_refusal(*problem.refusal, message);
}

void add_problem(boost::json::object& object, const DecisionProblem& problem) {
  object["statusCode"] = problem.http_status;
  object["name"] = problem.name;
  object["message"] = problem.message;
}

}  // namespace postern::api
