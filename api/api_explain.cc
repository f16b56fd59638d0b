// What would happen to a message: the verdicts of sending it, by the same code, with nothing reserved, sent or logged.
#include "api/api.h"
#include "api/api_context.h"
#include "api/email_request.h"
#include "api/verdict_answer.h"
#include "events/event_json.h"
#include "submission/submission.h"

#include "core/bytes.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace postern::api {
namespace {

namespace json = boost::json;

struct Question {
  mime::NamedMailbox from;
  std::vector<mime::NamedMailbox> to;
  std::optional<std::uint64_t> size;  // octets
  std::string header;                 // a section as it would be sent
};

using QuestionOrFault = std::variant<Question, EmailFault>;

std::optional<EmailFault> read_size(const json::object& body, Question& question) {
  const json::value* value = body.if_contains("size");
  if (!value || value->is_null()) return std::nullopt;
  const std::int64_t* size = value->if_int64();
  if (!size || *size < 0) return EmailFault{ApiProblem::ValidationError, "size: a number of octets"};
  question.size = static_cast<std::uint64_t>(*size);
  return std::nullopt;
}

// Any field may be asked about, those too that a request to send may not set: From and Received are what the rules read.
std::optional<EmailFault> read_header(const json::object& body, Question& question) {
  const json::value* value = body.if_contains("headers");
  const json::object* headers = value ? value->if_object() : nullptr;
  if (value && !value->is_null() && !headers) return EmailFault{ApiProblem::ValidationError, "headers: an object of strings"};
  bool has_from = false;
  for (const auto& [name, content] : headers ? *headers : json::object()) {
    has_from = has_from || equals_ignoring_case(name, "From");
    if (!content.is_string()) return EmailFault{ApiProblem::ValidationError, "headers: every value has to be a string"};
    const auto fault = header_fault(name, content.get_string());
    if (fault) return EmailFault{ApiProblem::ValidationError, "headers: " + *fault};
    question.header.append(name).append(": ").append(content.get_string()).append("\r\n");
  }
  if (!has_from) question.header.append("From: ").append(format_path(question.from.mailbox)).append("\r\n");
  question.header.append("\r\n");
  return std::nullopt;
}

QuestionOrFault read_question(const json::value& body) {
  const json::object* object = body.if_object();
  if (!object) return EmailFault{ApiProblem::ValidationError, "the body has to be an object"};
  Question question;
  auto from = parse_sender(*object);
  if (auto* fault = std::get_if<EmailFault>(&from)) return std::move(*fault);
  question.from = std::move(std::get<mime::NamedMailbox>(from));
  auto to = parse_addresses(*object, "to", kMaxAddressFieldEntries);
  if (auto* fault = std::get_if<EmailFault>(&to)) return std::move(*fault);
  question.to = std::move(std::get<std::vector<mime::NamedMailbox>>(to));
  if (question.to.empty()) return EmailFault{ApiProblem::ValidationError, "to: is missing"};
  if (auto fault = read_size(*object, question)) return std::move(*fault);
  if (auto fault = read_header(*object, question)) return std::move(*fault);
  return question;
}

class Explanation {
 public:
  Explanation(ApiContext& context, const submission::Submitter& submitter)
      : context_(context), submission_(context.submission, submitter, submission::Submission::Purpose::Foresee) {}

  json::array verdicts(const Question& question) {
    const std::optional<VerdictFailure> failure = message_failure(question);
    json::array rows;
    for (std::size_t i = 0; i < question.to.size(); ++i) rows.push_back(verdict(question.to[i].mailbox, i, failure));
    return rows;
  }

 private:
  static VerdictFailure failure_by(Refusal refusal) { return failure_of(Verdict::refuse(refusal_status(refusal)), {refusal, {}}); }

  // What decides for all recipients alike.
  std::optional<VerdictFailure> message_failure(const Question& question) {
    const Verdict sender = submission_.judge_sender(question.from.mailbox);
    if (!sender.is_accepted()) return failure_of(sender, submission_.refusal_facts());
    if (question.size.value_or(0) > context_.settings.max_message_octets) return failure_by(Refusal::MessageTooBig);
    mime::HeaderScan header;
    header.feed(question.header);
    const Verdict judged = submission_.judge_header(header);
    if (!judged.is_accepted()) return failure_of(judged, submission_.refusal_facts());
    return std::nullopt;
  }

  json::object verdict(const Mailbox& mailbox, std::size_t index, std::optional<VerdictFailure> failure) {
    if (!failure && index >= context_.settings.max_recipients) failure = failure_by(Refusal::TooManyRecipients);
    json::object row;
    row["email"] = format_mailbox(mailbox);
    if (!failure) {
      const Verdict judged = submission_.judge_recipient({mailbox, {}, {}});
      if (judged.is_accepted()) return accepted(std::move(row), judged);
      failure = failure_of(judged, submission_.refusal_facts());
    }
    row["verdict"] = "refuse";
    row["rule"] = failure->rule();
    add_failure(row, *failure);
    row["smtp"] = events::status_json(failure->status);
    if (failure->wait.count() > 0) row["retry_after"] = failure->wait.count();
    return row;
  }

  json::object accepted(json::object row, const Verdict& judged) const {
    const auth::Principal& principal = submission_.principal();
    const bool is_test = principal.environment == Environment::Test;
    const bool is_boxed = principal.account_mode == AccountMode::Sandbox;
    row["verdict"] = is_test ? "simulate" : "relay";
    row["rule"] = is_test    ? "a test key: simulated, no mail server is contacted"
                  : is_boxed ? "a live key of a sandbox account, and the address is on the whitelist"
                             : "a live key of a production account";
    row["statusCode"] = 200;
    row["smtp"] = events::status_json(judged.has_status() ? judged.status() : Status{250, EnhancedCode{2, 1, 5}, "Ok"});
    return row;
  }

  ApiContext& context_;
  submission::Submission submission_;
};

net::Awaitable<ApiResponse> explain(ApiContext& context, ApiRequest& request) {
  if (!request.caller.key) co_return api_refusal(Refusal::PermissionDenied, "only an API key sends: ask with the one in question");
  const QuestionOrFault question = read_question(request.json);
  if (const auto* fault = std::get_if<EmailFault>(&question)) co_return fault->response();
  submission::Submitter submitter;
  submitter.key = request.caller.key->key;
  submitter.address = request.peer;
  Explanation explanation(context, submitter);
  json::object body;
  body["object"] = "explanation";
  body["recipients"] = explanation.verdicts(std::get<Question>(question));
  co_return ApiResponse::json(body);
}

constexpr std::array<Route, 1> kExplainRoutes = {{
    {.method = Method::Post,
     .path = "/v1/explain",
     .access = Access::Send,
     .body = Body::Json,
     .handler = explain,
     .operation = "explain",
     .summary = "Say what would happen to a message, recipient by recipient, without sending it",
     .tag = "explain",
     .request_schema = "ExplainQuestion",
     .response_schema = "Explanation"},
}};

constexpr std::string_view kExplainSchemas = R"json({
"ExplainQuestion": {"type": "object", "required": ["from", "to"], "properties": {
  "from": {"type": "string"},
  "to": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
  "size": {"type": "integer", "description": "Octets of the message."},
  "headers": {"type": "object", "additionalProperties": {"type": "string"}}}},
"ExplainedRecipient": {"type": "object", "required": ["email", "verdict", "rule", "statusCode", "smtp"], "properties": {
  "email": {"type": "string"},
  "verdict": {"enum": ["relay", "simulate", "refuse"]},
  "rule": {"type": "string", "description": "What decides."},
  "statusCode": {"type": "integer", "description": "What HTTP would answer if this were the only recipient."},
  "name": {"type": "string"}, "message": {"type": "string"}, "retry_after": {"type": "integer"},
  "smtp": {"type": "object", "required": ["code", "text"], "properties": {
    "code": {"type": "integer"}, "enhanced": {"type": ["string", "null"]}, "text": {"type": "string"}}}}},
"Explanation": {"type": "object", "required": ["object", "recipients"], "properties": {
  "object": {"const": "explanation"},
  "recipients": {"type": "array", "items": {"$ref": "#/components/schemas/ExplainedRecipient"}}}}
})json";

}  // namespace

ApiArea explain_api() { return {kExplainRoutes, kExplainSchemas}; }

}  // namespace postern::api
