#include "submission/counters.h"

#include "core/metrics.h"
#include "core/refusals.h"
#include "smtp/replies.h"

#include <string>
#include <vector>

namespace postern::submission {
namespace {

std::vector<std::string> smtp_tokens() {
  std::vector<std::string> tokens;
  for (const RefusalRow& row : refusal_table()) {
    if (row.smtp_code != 0) tokens.emplace_back(row.token);
  }
  for (const smtp::FixedReply* reply : smtp::reply_catalogue()) {
    const bool is_refusal = reply->code >= 400 && reply->text.find(':') != std::string_view::npos;
    if (is_refusal) tokens.emplace_back(token_of(*reply));
  }
  tokens.emplace_back("other");
  return tokens;
}

metrics::Counter submissions("postern_submissions_total", "Messages accepted: synced to disk and acknowledged.",
                             {{"door", {"smtp", "http"}}});
metrics::Counter auth_failures("postern_auth_failures_total", "Credentials refused.", {{"door", {"smtp", "http"}}});
metrics::Counter smtp_refusals("postern_refusals_total",
                               "Refused, by door and token: requests over HTTP; credentials, senders, recipients and messages "
                               "over SMTP.",
                               {{"door", {"smtp"}}, {"token", smtp_tokens()}}, metrics::Zeros::Hidden);

}  // namespace

void count_accepted(Door door) { submissions.at(door).add(); }
void count_auth_failure(Door door) { auth_failures.at(door).add(); }
void count_refused_over_smtp(std::string_view token) { smtp_refusals.at_value(token).add(); }

}  // namespace postern::submission
