#include "app/reply_text.h"

#include "api/api.h"
#include "core/refusals.h"
#include "smtp/replies.h"

#include <algorithm>

namespace postern::app {
namespace {

std::string smtp_words(const RefusalRow& row) {
  if (row.smtp_code == 0) return "not said over SMTP";
  std::string words = "`" + std::to_string(row.smtp_code) + " " + format_enhanced_code(row.enhanced) + " " +
                      std::string(row.token) + ": " + std::string(row.text) + "`";
  if (row.open_session_code) {
    words += "\n\nIn a session that was open already, at MAIL: `" +
             format_status(open_session_refusal_status(row.refusal)) + "`";
  }
  return words + (row.ends_session ? "\n\nThe connection is closed after it." : "");
}

std::string describe(const RefusalRow& row) {
  std::string text = "## `" + std::string(row.token) + "`\n\n" + std::string(row.when) + "\n\n" + smtp_words(row) + "\n\n";
  if (row.http_status != 0) text += "HTTP status: " + std::to_string(row.http_status) + ".\n\n";
  return text;
}

std::string describe_problems() {
  std::string text =
      "# Problems of HTTP requests\n\n"
      "What can be wrong with a request itself, made from the table in `api/api.cc`. SMTP says none of these; in the body of the\n"
      "response the name stands where a refusal's token would.\n\n"
      "| name | HTTP | what it means |\n|---|---|---|\n";
  for (const api::ApiProblemRow& row : api::api_problem_table()) {
    text += "| `" + std::string(row.name) + "` | " + std::to_string(row.status) + " | " + std::string(row.text) + " |\n";
  }
  return text;
}

std::string describe_protocol() {
  std::string text =
      "# Refusals of the protocol\n\n"
      "What is wrong with a command or its order, made from the table in `smtp/replies.h`. HTTP says none of these.\n\n"
      "| token | SMTP | what is said | why |\n|---|---|---|---|\n";
  for (const smtp::FixedReply* reply : smtp::reply_catalogue()) {
    if (reply->code < 400) continue;
    const std::string_view token = smtp::token_of(*reply);
    const std::string_view said = reply->text.substr(std::min(token.size() + 2, reply->text.size()));
    const std::string space = reply->enhanced.empty() ? "" : " ";
    text += "| `" + std::string(token) + "` | " + std::to_string(reply->code) + space + std::string(reply->enhanced) + " | " +
            std::string(said) + " | " + std::string(reply->source) + " |\n";
  }
  return text + "\n";
}

}  // namespace

std::string make_reply_reference() {
  std::string text =
      "# SMTP replies\n\n"
      "Made from the table in `core/refusals.cc` by `postern docs replies`; a test compares the two. Every refusal carries a\n"
      "token that never changes: scripts should look at it, not at the words behind it. The wording may name details, such as\n"
      "the seconds to wait.\n\n"
      "A reply that begins with 4 is temporary: the same message may be sent again later. One that begins with 5 is final.\n\n"
      "| token | SMTP | HTTP |\n|---|---|---|\n";
  for (const auto& row : refusal_table()) {
    const std::string smtp =
        row.smtp_code == 0 ? "–" : std::to_string(row.smtp_code) + " " + format_enhanced_code(row.enhanced);
    const std::string http = row.http_status == 0 ? "–" : std::to_string(row.http_status);
    text += "| [`" + std::string(row.token) + "`](#" + std::string(row.token) + ") | " + smtp + " | " + http + " |\n";
  }
  text += "\n";
  for (const auto& row : refusal_table()) text += describe(row);
  return text + describe_protocol() + describe_problems();
}

}  // namespace postern::app
