// What would happen to a message: the decisions of the judge that sending asks, with nothing reserved, sent or logged, and what the
// queue would make of it then.
#include "api/decision_problem.h"
#include "api/api.h"
#include "api/api_context.h"
#include "api/email_request.h"
#include "events/event_json.h"
#include "submission/judge.h"
#include "submission/reply.h"
#include "submission/reservation.h"

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
  std::optional<Hold> hold;           // `scheduled_at`
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
  if (const json::value* schedule = object->if_contains("scheduled_at"); schedule && !schedule->is_null()) {
    if (schedule->is_string()) question.hold = parse_schedule(schedule->get_string());
    if (!question.hold) return EmailFault{ApiProblem::ValidationError, "scheduled_at: a time"};
  }
  if (auto fault = read_header(*object, question)) return std::move(*fault);
  return question;
}

std::string_view name_of(relay::TlsPolicy policy) {
  switch (policy) {
    case relay::TlsPolicy::None: return "none";
    case relay::TlsPolicy::Opportunistic: return "opportunistic";
    case relay::TlsPolicy::Required: return "required";
  }
  return "";
}

class Explanation {
 public:
  Explanation(ApiContext& context, const submission::Submitter& submitter)
      : context_(context), judge_(context.submission, submitter) {}

  json::array recipients(const Question& question) {
    const Decision message = judge_message(question);
    json::array rows;
    for (std::size_t i = 0; i < question.to.size(); ++i) rows.push_back(recipient(question.to[i].mailbox, i, message));
    return rows;
  }

 private:
  Instant now() const { return context_.clock.now(); }

  // What decides for all recipients alike.
  Decision judge_message(const Question& question) {
    if (Decision sender = judge_.judge_sender(question.from.mailbox, question.hold); !sender.is_accepted()) return sender;
    Decision rate = submission::foresee_rate(context_.submission.quota, judge_.principal(), now());
    if (!rate.is_accepted()) return rate;
    if (question.size.value_or(0) > context_.settings.max_message_octets) return Refused{Refusal::MessageTooBig};
    mime::HeaderScan header;
    header.feed(question.header);
    return judge_.judge_header({.header = header});
  }

  Decision judge_recipient(const Recipient& recipient) {
    Decision decision = judge_.judge_recipient(recipient);
    if (!decision.is_accepted() || decision.simulated()) return decision;
    Decision quota = submission::foresee_recipients(context_.submission.quota, judge_.principal(), accepted_ + 1, now());
    if (quota.is_accepted()) ++accepted_;
    return quota;
  }

  json::object recipient(const Mailbox& mailbox, std::size_t index, const Decision& message) {
    const Recipient recipient{mailbox, {}, {}};
    const bool is_surplus = index >= context_.settings.max_recipients;
    const Decision decision = !message.is_accepted() ? message
                              : is_surplus           ? Decision(Refused{Refusal::TooManyRecipients})
                                                     : judge_recipient(recipient);
    json::object row;
    row["email"] = format_mailbox(mailbox);
    if (decision.is_accepted()) {
      explain_acceptance(row, judge_.look_ahead(recipient));
    } else {
      explain_refusal(row, problem_of(decision));
    }
    row["smtp"] = events::status_json(submission::reply_to_recipient(decision));
    return row;
  }

  static void explain_refusal(json::object& row, const DecisionProblem& problem) {
    row["verdict"] = "refuse";
    row["rule"] = problem.rule();
    add_problem(row, problem);
    if (problem.wait.count() > 0) row["retry_after"] = problem.wait.count();
  }

  void explain_acceptance(json::object& row, const submission::Outlook& outlook) const {
    const bool is_boxed = judge_.principal().account_mode == AccountMode::Sandbox;
    row["statusCode"] = 200;
    if (!outlook.route) {
      row["verdict"] = "simulate";
      row["rule"] = "a test key: simulated, no mail server is contacted";
      return;
    }
    row["verdict"] = outlook.is_suppressed ? "suppress" : "relay";
    row["rule"] = outlook.is_suppressed ? "accepted and not sent: the address is on the account's suppression list"
                  : is_boxed            ? "a live key of a sandbox account, and the address is on the whitelist"
                                        : "a live key of a production account";
    row["route"] = json::object({{"name", outlook.route->name}, {"tls", name_of(outlook.route->tls)}});
  }

  ApiContext& context_;
  submission::Judge judge_;
  std::uint64_t accepted_ = 0;  // what the quota would hold for them already
};

net::Awaitable<ApiResponse> explain(ApiContext& context, ApiRequest& request) {
  const QuestionOrFault question = read_question(request.json);
  if (const auto* fault = std::get_if<EmailFault>(&question)) co_return fault->response();
  submission::Submitter submitter;
  submitter.key = request.caller.key->key;
  submitter.address = request.peer;
  Explanation explanation(context, submitter);
  json::object body;
  body["object"] = "explanation";
  body["recipients"] = explanation.recipients(std::get<Question>(question));
  co_return ApiResponse::json(body);
}

constexpr Parameter kExplainParameters[] = {kActingKey};

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
     .response_schema = "Explanation",
     .parameters = kExplainParameters,
     .failures = {409}},
}};

constexpr std::string_view kExplainSchemas = R"json({
"ExplainQuestion": {"type": "object", "required": ["from", "to"], "properties": {
  "from": {"type": "string"},
  "to": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
  "size": {"type": "integer", "description": "Octets of the message."},
  "scheduled_at": {"type": "string"},
  "headers": {"type": "object", "additionalProperties": {"type": "string"}}}},
"ExplainedRecipient": {"type": "object", "required": ["email", "verdict", "rule", "statusCode", "smtp"], "properties": {
  "email": {"type": "string"},
  "verdict": {"enum": ["relay", "suppress", "simulate", "refuse"],
    "description": "suppress: accepted, and not sent to."},
  "rule": {"type": "string", "description": "What decides."},
  "statusCode": {"type": "integer", "description": "What HTTP would answer if this were the only recipient."},
  "name": {"type": "string"}, "message": {"type": "string"}, "retry_after": {"type": "integer"},
  "route": {"type": "object", "required": ["name", "tls"], "description": "That would carry it.", "properties": {
    "name": {"type": "string"}, "tls": {"enum": ["none", "opportunistic", "required"]}}},
  "smtp": {"type": "object", "required": ["code", "text"], "properties": {
    "code": {"type": "integer"}, "enhanced": {"type": ["string", "null"]}, "text": {"type": "string"}}}}},
"Explanation": {"type": "object", "required": ["object", "recipients"], "properties": {
  "object": {"const": "explanation"},
  "recipients": {"type": "array", "items": {"$ref": "#/components/schemas/ExplainedRecipient"}}}}
})json";

}  // namespace

ApiArea explain_api() { return {kExplainRoutes, kExplainSchemas}; }

}  // namespace postern::api
