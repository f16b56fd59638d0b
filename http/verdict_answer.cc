#include "http/verdict_answer.h"

#include "core/check.h"

namespace postern::http {

VerdictFailure failure_of(const Verdict& verdict, const relay::RefusalFacts& facts) {
  POSTERN_CHECK(!verdict.is_accepted());
  const Status& status = verdict.status();
  if (!facts.refusal) {
    const Refusal alike = status.is_permanent() ? Refusal::InvalidRecipient : Refusal::StorageUnavailable;
    return {alike, "simulated: " + format_status(status), {}, status};
  }
  std::string_view text = status.text;
  const std::string_view token = refusal_row(*facts.refusal).token;
  if (text.starts_with(token)) text.remove_prefix(token.size());
  if (text.starts_with(": ")) text.remove_prefix(2);
  return {*facts.refusal, std::string(text), facts.wait, status, facts.limit};
}

ApiResponse response_of(const VerdictFailure& failure, std::string_view where) {
  const std::string message = where.empty() ? failure.message : std::string(where) + ": " + failure.message;
  if (failure.wait.count() > 0) return api_refusal_with_wait(failure.refusal, message, failure.wait, failure.limit);
  return api_refusal(failure.refusal, message);
}

void add_failure(boost::json::object& object, const VerdictFailure& failure) {
  const RefusalRow& row = refusal_row(failure.refusal);
  object["statusCode"] = row.http_status;
  object["name"] = row.token;
  object["message"] = failure.message;
}

}  // namespace postern::http
