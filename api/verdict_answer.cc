#include "api/verdict_answer.h"

#include "core/check.h"

#include <algorithm>

namespace postern::api {

namespace {

constexpr std::chrono::seconds kSimulatedWait{1};

std::string_view without_token(std::string_view text, std::string_view token) {
  if (text.starts_with(token)) text.remove_prefix(token.size());
  if (text.starts_with(": ")) text.remove_prefix(2);
  return text;
}

// A scenario's reply: the first row of its codes says what HTTP makes of such a one.
VerdictFailure simulated_failure(const Status& status) {
  const auto names = [&status](const RefusalRow& row) { return status.text.starts_with(std::string(row.token) + ": "); };
  const auto has_codes = [&status](const RefusalRow& row) {
    return row.http_status != 0 && row.smtp_code == status.code && status.enhanced && *status.enhanced == row.enhanced;
  };
  const std::span<const RefusalRow> table = refusal_table();
  VerdictFailure failure;
  failure.name = kSimulatedName;
  failure.status = status;
  failure.message = "simulated: " + format_status(status);
  failure.http_status = status.is_permanent() ? 422 : 503;
  if (const auto row = std::ranges::find_if(table, has_codes); row != table.end()) failure.http_status = row->http_status;
  if (const auto row = std::ranges::find_if(table, names); row != table.end() && row->http_status != 0) {
    failure.refusal = row->refusal;
    failure.http_status = row->http_status;
    failure.name = row->token;
    failure.message = without_token(status.text, row->token);
  }
  if (failure.http_status == 429) failure.wait = kSimulatedWait;
  return failure;
}

}  // namespace

std::string_view VerdictFailure::rule() const {
  return refusal ? refusal_row(*refusal).when : "a test key: the recipient's address names the reply";
}

VerdictFailure failure_of(const Verdict& verdict, const submission::RefusalFacts& facts) {
  POSTERN_CHECK(!verdict.is_accepted());
  const Status& status = verdict.status();
  if (!facts.refusal) return simulated_failure(status);
  const RefusalRow& row = refusal_row(*facts.refusal);
  VerdictFailure failure;
  failure.refusal = row.refusal;
  failure.http_status = row.http_status;
  failure.name = row.token;
  failure.message = without_token(status.text, row.token);
  failure.wait = facts.wait;
  failure.status = status;
  failure.limit = facts.limit;
  return failure;
}

ApiResponse response_of(const VerdictFailure& failure, std::string_view where) {
  const std::string message = where.empty() ? failure.message : std::string(where) + ": " + failure.message;
  if (!failure.refusal) return api_simulated(failure.http_status, message, failure.wait);
  if (failure.wait.count() > 0) return api_refusal_with_wait(*failure.refusal, message, failure.wait, failure.limit);
  return api_refusal(*failure.refusal, message);
}

void add_failure(boost::json::object& object, const VerdictFailure& failure) {
  object["statusCode"] = failure.http_status;
  object["name"] = failure.name;
  object["message"] = failure.message;
}

}  // namespace postern::api
