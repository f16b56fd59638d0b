// /v1/test/runs: the test mail of a run, by the user name of AUTH or the field `run`; waiting for it, and what is expected of it.
#include "lab/run_api.h"

#include "api/api_context.h"
#include "api/auth_filter.h"
#include "api/cursor.h"
#include "api/decision_problem.h"
#include "api/limits.h"
#include "api/worker_job.h"
#include "core/time_format.h"
#include "events/event_hub.h"
#include "lab/expectation.h"
#include "lab/new_run.h"
#include "lab/run_look.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace postern::lab {
namespace {

using api::ApiContext;
using api::ApiRequest;
using api::ApiResponse;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kRemovedAtOnce = 500;     // messages of one answer
constexpr std::size_t kMaxListedRuns = 1'000;   // with the messages of each counted: some milliseconds
constexpr std::chrono::seconds kUsualWait{10};
constexpr std::uint64_t kMaxWaitSeconds = 120;  // proxies and clients give up not much later
constexpr std::uint64_t kMaxAwaited = 1'000;

// --- Runs ------------------------------------------------------------------------------------------------------------

Result<ApiResponse> create_run(ApiContext& context, const ApiRequest& request) {
  const auto made = read_new_run(request.json, request.caller.account, context.clock.now(), context.random);
  if (!made) return made.error();
  if (const auto stored = context.store.spool().make_run(*made); !stored) return stored.error();
  return ApiResponse::json(run_json({.name = made->name, .record = *made, .first = {}, .last = {}}), 201);
}

// A pipeline makes hundreds at once: they stand in the longer line.
net::Awaitable<ApiResponse> make_run(ApiContext& context, ApiRequest& request) {
  return api::answer_on(context.look_turns, context.write_workers, request.caller.account, [&context, &request] {
    const store::ActorScope acting(api::actor_of(context, request));
    return create_run(context, request);
  });
}

Result<ApiResponse> list_runs(ApiContext& context, const ApiRequest& request) {
  auto runs = context.store.spool().list_runs(request.caller.account, kMaxListedRuns);
  if (!runs) return runs.error();
  const auto newest = [](const store::RunOutline& run) {
    return run.last.value_or(run.record ? run.record->created : Instant{});
  };
  std::ranges::sort(*runs, [&](const auto& a, const auto& b) { return newest(a) > newest(b); });
  json::array data;
  for (const store::RunOutline& run : *runs) data.push_back(run_json(run));
  return ApiResponse::json(api::page_json(std::move(data), {}));
}

// Counts its messages by what became of them. NotFound: it has no message and was not made.
Result<ApiResponse> get_run(ApiContext& context, const ApiRequest& request) {
  const std::string_view name = request.path_parameter("run");
  const store::Spool& spool = context.store.spool();
  auto record = spool.find_run(request.caller.account, name);
  if (!record) return record.error();
  const auto look = look_at_run(spool, request.caller.account, name, MailPattern{});
  if (!look) return look.error();
  if (!*record && look->seen == 0) return Error(ErrorCode::NotFound);
  store::RunOutline outline;
  outline.name = name;
  outline.record = std::move(*record);
  outline.messages = look->seen;
  const auto newest = spool.list_run_before(request.caller.account, name, std::nullopt, 1);
  const auto oldest = spool.list_run_after(request.caller.account, name, std::nullopt, 1);
  if (newest && !newest->empty()) outline.last = newest->front().message.accepted_at;
  if (oldest && !oldest->empty()) outline.first = oldest->front().message.accepted_at;
  return ApiResponse::json(run_json(outline));
}

Result<ApiResponse> delete_run(ApiContext& context, const ApiRequest& request) {
  std::optional<MessageId> before;
  const auto position = api::read_position(request, "after");
  if (!position) return position.error();
  if (*position) {
    before = parse_message_id(**position);
    if (!before) return Error(ErrorCode::InvalidArgument, "after: no place in the run");
  }
  const std::string_view run = request.path_parameter("run");
  store::Spool& spool = context.store.spool();
  const auto messages = spool.list_run_before(request.caller.account, run, before, kRemovedAtOnce);
  if (!messages) return messages.error();
  std::vector<MessageId> ids;
  for (const store::StoredMessage& stored : *messages) ids.push_back(stored.message.id);
  const auto removed = spool.remove_messages(ids);
  if (!removed) return removed.error();
  const bool has_more = ids.size() == kRemovedAtOnce;
  bool was_made = false;
  if (!has_more) {
    const auto erased = spool.remove_run(request.caller.account, run);
    if (!erased && erased.error().code() != ErrorCode::NotFound) return erased.error();
    was_made = erased.has_value();
  }
  if (ids.empty() && !was_made && !before) return Error(ErrorCode::NotFound);
  json::object body{{"object", "run"}, {"run", run}, {"deleted", *removed}, {"has_more", has_more}};
  body["next"] = has_more ? json::value(api::format_cursor(format_message_id(ids.back()))) : json::value(nullptr);
  return ApiResponse::json(body);
}

// --- Waiting ---------------------------------------------------------------------------------------------------------

struct Question {
  MailPattern pattern;                     // wait, extract
  std::uint64_t count = 1;
  std::optional<Instant> since;
  std::vector<Expectation> expectations;   // assert
  Steady::time_point until;                // how long the answer may be held
};

// What a look brought.
struct Finding {
  bool is_met = false;
  json::object answer;
};
using Look = Result<Finding> (*)(ApiContext&, const ApiRequest&, const Question&);

Steady::time_point read_timeout(CheckedObject& object, std::chrono::seconds usual) {
  const auto seconds = object.number("timeout_seconds", 0, kMaxWaitSeconds);
  return Steady::now() + (seconds ? std::chrono::seconds(*seconds) : usual);
}

Result<Question> read_wait(const json::value& body, std::chrono::seconds usual) {
  std::vector<std::string> problems;
  const json::value nothing = json::object();
  CheckedObject object(body.is_null() ? nothing : body, {}, problems);
  Question question;
  question.pattern = read_mail_pattern(object);
  question.count = object.number("count", 1, kMaxAwaited).value_or(1);
  if (const auto since = object.text("since")) {
    const auto instant = parse_rfc3339(*since);
    if (instant) question.since = *instant;
    if (!instant) object.fail("since", "has to be a time such as 2030-01-31T12:00:00Z");
  }
  question.until = read_timeout(object, usual);
  object.refuse_unknown();
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, joined_problems(problems));
  return question;
}

Result<Question> read_assertion(const json::value& body) {
  Question question;
  auto expectations = read_expectations(body);
  if (!expectations) return expectations.error();
  question.expectations = std::move(*expectations);
  std::vector<std::string> problems;
  CheckedObject object(body, {}, problems);
  (void)object.member("expect");
  question.until = read_timeout(object, std::chrono::seconds(0));
  object.refuse_unknown();
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, joined_problems(problems));
  return question;
}

json::object answer_head(std::string_view object, const ApiRequest& request) {
  return {{"object", object}, {"run", request.path_parameter("run")}};
}

Result<Finding> look_for_mail(ApiContext& context, const ApiRequest& request, const Question& question) {
  const store::Spool& spool = context.store.spool();
  const auto look = look_at_run(spool, request.caller.account, request.path_parameter("run"), question.pattern, question.since);
  if (!look) return look.error();
  Finding finding{look->count >= question.count, answer_head("wait", request)};
  json::array data;
  for (const store::StoredMessage& stored : look->met) data.push_back(found_mail_json(spool, stored));
  finding.answer["met"] = finding.is_met;
  finding.answer["count"] = look->count;
  finding.answer["message"] = describe(*look, question.pattern);
  finding.answer["data"] = std::move(data);
  finding.answer["near_misses"] = finding.is_met ? json::array() : near_misses_json(*look);
  return finding;
}

// Of the newest that fits.
Result<Finding> look_for_extraction(ApiContext& context, const ApiRequest& request, const Question& question) {
  const store::Spool& spool = context.store.spool();
  const auto look = look_at_run(spool, request.caller.account, request.path_parameter("run"), question.pattern, question.since);
  if (!look) return look.error();
  Finding finding{!look->met.empty(), answer_head("extraction", request)};
  if (!finding.is_met) return finding;
  const auto mail = load_mail(spool, look->met.back());
  if (!mail) return mail.error();
  finding.answer["id"] = format_message_id(mail->stored.message.id);
  for (auto& [name, value] : extraction_json(*mail)) finding.answer[name] = value;
  const auto& codes = finding.answer["codes"].as_array();
  finding.answer["code"] = codes.empty() ? json::value(nullptr) : codes.front().as_object().at("code");
  return finding;
}

Result<Finding> look_at_expectations(ApiContext& context, const ApiRequest& request, const Question& question) {
  const auto verdicts =
      judge_run(context.store.spool(), request.caller.account, request.path_parameter("run"), question.expectations);
  if (!verdicts) return verdicts.error();
  Finding finding{have_passed(*verdicts), answer_head("assertion", request)};
  finding.answer["passed"] = finding.is_met;
  finding.answer["results"] = verdicts_json(*verdicts);
  finding.answer["tap"] = format_tap(*verdicts);
  return finding;
}

// Looks whenever something happened, until the look finds what is asked for or time is up; the last look is the answer.
net::Awaitable<ApiResponse> hold_until_found(ApiContext& context, ApiRequest& request, Question question, Look look) {
  const auto place = co_await context.wait_turns.take(request.caller.account);
  if (!place) co_return api::api_refusal(Refusal::TooManyConnections, "too many waits of this account are held: end some");
  std::uint64_t seen = 0;
  for (;;) {
    auto job = [&context, &request, &question, look] { return look(context, request, question); };
    auto found = co_await api::run_in_turn(context.look_turns, context.workers, request.caller.account, job);
    if (!found) co_return api::api_problem(api::ApiProblem::Unavailable, "too many requests wait: try again later");
    if (!*found) co_return api::api_error(found->error());
    const Steady::duration rest = question.until - Steady::now();
    if ((*found)->is_met || rest <= Steady::duration::zero()) co_return ApiResponse::json((*found)->answer);
    const std::uint64_t known = co_await context.event_hub.wait_above(seen, rest);
    const bool is_over = known <= seen && Steady::now() < question.until;  // the server stops
    if (is_over) co_return ApiResponse::json((*found)->answer);
    seen = known;
  }
}

net::Awaitable<ApiResponse> wait_for_mail(ApiContext& context, ApiRequest& request) {
  auto question = read_wait(request.json, kUsualWait);
  if (!question) co_return api::api_error(question.error());
  ApiResponse answer = co_await hold_until_found(context, request, std::move(*question), look_for_mail);
  co_return answer;
}

net::Awaitable<ApiResponse> extract_from_mail(ApiContext& context, ApiRequest& request) {
  auto question = read_wait(request.json, std::chrono::seconds(0));
  if (!question) co_return api::api_error(question.error());
  ApiResponse answer = co_await hold_until_found(context, request, std::move(*question), look_for_extraction);
  const bool is_nothing = answer.status == 200 && answer.body.find("\"id\":") == std::string::npos;
  if (is_nothing) co_return api::api_problem(api::ApiProblem::NotFound, "no mail of the run fits");
  co_return answer;
}

net::Awaitable<ApiResponse> assert_mail(ApiContext& context, ApiRequest& request) {
  auto question = read_assertion(request.json);
  if (!question) co_return api::api_error(question.error());
  ApiResponse answer = co_await hold_until_found(context, request, std::move(*question), look_at_expectations);
  co_return answer;
}

// --- The table -------------------------------------------------------------------------------------------------------

constexpr api::Parameter kDeleteParameters[] = {
    {.name = "after", .description = "Where an answer says `has_more`: its `next`, to delete those that are older."}};

constexpr api::Route asking(std::string_view path, api::Handler handler, std::string_view operation, std::string_view summary,
                            std::string_view asked, std::string_view answered) {
  return {.method = http::Method::Post,
          .path = path,
          .access = api::Access::Manage,
          .body = api::Body::Json,
          .handler = handler,
          .operation = operation,
          .summary = summary,
          .tag = "tests",
          .request_schema = asked,
          .response_schema = answered};
}

constexpr std::array<api::Route, 7> kRunRoutes = {{
    {.method = http::Method::Get,
     .path = "/v1/test/runs",
     .access = api::Access::Manage,
     .handler = api::on_worker<list_runs>,
     .operation = "listRuns",
     .summary = "List test runs, the latest first: those with mail, and those that were made",
     .tag = "tests",
     .response_schema = "RunList"},
    {.method = http::Method::Post,
     .path = "/v1/test/runs",
     .access = api::Access::Manage,
     .body = api::Body::Json,
     .handler = make_run,
     .operation = "createRun",
     .summary = "Make a run, which ends by itself with all its mail; a run that nobody makes begins with its first message",
     .tag = "tests",
     .request_schema = "NewRun",
     .status = 201,
     .response_schema = "Run",
     .failures = {409, 507}},
    {.method = http::Method::Get,
     .path = "/v1/test/runs/:run",
     .access = api::Access::Manage,
     .handler = api::on_worker<get_run>,
     .operation = "getRun",
     .summary = "Show a run",
     .tag = "tests",
     .response_schema = "Run"},
    {.method = http::Method::Delete,
     .path = "/v1/test/runs/:run",
     .access = api::Access::Manage,
     .body = api::Body::None,
     .handler = api::on_worker<delete_run>,
     .operation = "deleteRun",
     .summary = "Delete a run with its test mail, queued or captured; its events stay for their time",
     .tag = "tests",
     .response_schema = "DeletedRun",
     .parameters = kDeleteParameters},
    asking("/v1/test/runs/:run/wait", wait_for_mail, "waitForRunMail",
           "Hold the request until the run has such mail, sent since it began; at the end of the time say what is near",
           "RunWait", "RunFinding"),
    asking("/v1/test/runs/:run/extract", extract_from_mail, "extractFromRunMail",
           "Links, one-time codes and the unsubscribe header of the newest such mail", "RunWait", "RunExtraction"),
    asking("/v1/test/runs/:run/assert", assert_mail, "assertRunMail",
           "Compare the run's mail with expectations, and say what differs; with timeout_seconds, until all hold", "RunAssertion",
           "RunVerdicts"),
}};

constexpr api::SchemaLimit kRunLimits[] = {{"wait_seconds", kMaxWaitSeconds},
                                           {"awaited", kMaxAwaited},
                                           {"expectations", kMaxExpectations},
                                           {"run_seconds", kLongestRun.count()}};

constexpr std::string_view kRunSchemas = R"json({
"DeletedRun": {"type": "object", "required": ["object", "run", "deleted", "has_more", "next"], "properties": {
  "object": {"const": "run"},
  "run": {"type": "string"},
  "deleted": {"type": "integer", "description": "Messages, the relay's notices about them included."},
  "has_more": {"type": "boolean", "description": "More are left than one request deletes."},
  "next": {"$ref": "#/components/schemas/Cursor"}}},
"NewRun": {"type": "object", "properties": {
  "run": {"type": "string", "maxLength": 64,
    "description": "What clients give as the user name of AUTH: letters, digits, dot, hyphen, underscore. Absent: one is made up."},
  "label": {"type": "string", "maxLength": 200, "description": "For people."},
  "seed": {"type": "integer", "minimum": 0, "description": "Of its chance. Absent: made up."},
  "expires_in_seconds": {"type": "integer", "minimum": 60, "maximum": "$run_seconds",
    "description": "It goes then, with all that it holds. 3600 unless given."}}},
"Run": {"type": "object",
  "required": ["object", "run", "messages", "first_message_at", "last_message_at", "label", "seed", "created_at", "expires_at"],
  "properties": {
  "object": {"const": "run"},
  "run": {"type": "string"},
  "messages": {"type": "integer", "description": "The relay's notices about them included."},
  "first_message_at": {"type": ["string", "null"], "format": "date-time"},
  "last_message_at": {"type": ["string", "null"], "format": "date-time"},
  "label": {"type": ["string", "null"]},
  "seed": {"type": ["integer", "null"]},
  "created_at": {"type": ["string", "null"], "format": "date-time", "description": "null: nobody made it, its mail did."},
  "expires_at": {"type": ["string", "null"], "format": "date-time"}}},
"RunList": {"type": "object", "required": ["object", "data", "has_more", "next"], "properties": {
  "object": {"const": "list"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/Run"}},
  "has_more": {"type": "boolean"},
  "next": {"$ref": "#/components/schemas/Cursor"}}},
"RunWait": {"type": "object", "properties": {
  "to": {"type": "string", "description": "One of the envelope's recipients; `*` stands for any run of characters."},
  "from": {"type": "string", "description": "The author or the reverse-path; the same."},
  "subject": {"type": "string", "description": "The subject holds it, without regard to the case of ASCII letters."},
  "tag": {"type": "string", "description": "name, or name:value."},
  "message_id": {"type": "string"},
  "status": {"type": "string", "enum": ["scheduled", "queued", "delivery_delayed", "delivered", "bounced", "complained", "failed",
    "suppressed", "canceled"],
    "description": "last_event: of the recipient where `to` is given, else of the e-mail."},
  "kind": {"type": "string", "enum": ["mail", "notice"],
    "description": "notice: what the relay itself sent about the run's mail (DSN)."},
  "count": {"type": "integer", "minimum": 1, "maximum": "$awaited", "description": "So many, or more; 1 unless given."},
  "since": {"type": "string", "format": "date-time", "description": "Accepted then or later. Absent: since the run began."},
  "timeout_seconds": {"type": "integer", "minimum": 0, "maximum": "$wait_seconds",
    "description": "How long the answer is held at most: 10 for wait and 0 for extract unless given."}}},
"RunMail": {"allOf": [{"$ref": "#/components/schemas/EmailItem"}, {"type": "object", "required": ["kind"], "properties": {
  "kind": {"type": "string", "enum": ["mail", "notice"]},
  "codes": {"$ref": "#/components/schemas/OneTimeCodes"},
  "links": {"$ref": "#/components/schemas/RunLinks"},
  "unsubscribe": {"$ref": "#/components/schemas/RunUnsubscribe"}}}]},
"OneTimeCodes": {"type": "array", "description": "Those that the text announces first.",
  "items": {"type": "object", "required": ["code", "line", "is_announced"],
  "properties": {"code": {"type": "string"}, "line": {"type": "string"}, "is_announced": {"type": "boolean"}}}},
"RunLinks": {"type": "array", "description": "Listed, never fetched.",
  "items": {"type": "object", "required": ["url", "element", "text"],
  "properties": {"url": {"type": "string"}, "element": {"type": "string"}, "text": {"type": "string"}}}},
"RunUnsubscribe": {"type": "object", "required": ["addresses", "one_click"], "properties": {
  "addresses": {"type": "array", "items": {"type": "string"}},
  "one_click": {"type": "boolean", "description": "As RFC 8058 has it."}}},
"RunFinding": {"type": "object", "required": ["object", "run", "met", "count", "message", "data", "near_misses"], "properties": {
  "object": {"const": "wait"},
  "run": {"type": "string"},
  "met": {"type": "boolean"},
  "count": {"type": "integer"},
  "message": {"type": "string", "description": "For people: what was found, or what is near."},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/RunMail"}},
  "near_misses": {"type": "array", "items": {"allOf": [{"$ref": "#/components/schemas/EmailItem"},
    {"type": "object", "required": ["differs_in"], "properties": {"differs_in": {"type": "string"}}}]}}}},
"RunExtraction": {"type": "object", "required": ["object", "run", "id", "code", "codes", "links", "unsubscribe"], "properties": {
  "object": {"const": "extraction"},
  "run": {"type": "string"},
  "id": {"type": "string"},
  "code": {"type": ["string", "null"], "description": "The first of `codes`."},
  "codes": {"$ref": "#/components/schemas/OneTimeCodes"},
  "links": {"$ref": "#/components/schemas/RunLinks"},
  "unsubscribe": {"$ref": "#/components/schemas/RunUnsubscribe"}}},
"RunAssertion": {"type": "object", "required": ["expect"], "properties": {
  "expect": {"type": "array", "minItems": 1, "maxItems": "$expectations", "items": {"$ref": "#/components/schemas/Expectation"}},
  "timeout_seconds": {"type": "integer", "minimum": 0, "maximum": "$wait_seconds", "description": "Wait so long until all hold."}}},
"Expectation": {"type": "object", "properties": {
  "name": {"type": "string"},
  "to": {"type": "string"},
  "from": {"type": "string"},
  "subject": {"type": "string"},
  "tag": {"type": "string"},
  "message_id": {"type": "string"},
  "status": {"type": "string"},
  "kind": {"type": "string", "enum": ["mail", "notice"]},
  "count": {"type": "integer", "minimum": 0, "description": "So many mails fit what stands above. Absent: one or more."},
  "at_least": {"type": "integer", "minimum": 0},
  "at_most": {"type": "integer", "minimum": 0},
  "text": {"description": "Of each of them, what people read holds it.", "type": ["string", "array"], "items": {"type": "string"}},
  "no_text": {"type": ["string", "array"], "items": {"type": "string"}},
  "html": {"type": ["string", "array"], "items": {"type": "string"}},
  "header": {"type": "object", "additionalProperties": {"type": ["string", "boolean"]},
    "description": "Field → what it holds, or whether it is there."},
  "attachments": {"type": ["string", "array"], "items": {"type": "string"}, "description": "Names; `*` is any run of characters."},
  "link": {"type": "string", "description": "One of its links; `*` the same."},
  "max_octets": {"type": "integer", "minimum": 1},
  "code": {"type": "boolean", "description": "A one-time code is found."},
  "both_parts": {"type": "boolean", "description": "Text and HTML."},
  "one_click": {"type": "boolean", "description": "List-Unsubscribe and List-Unsubscribe-Post as RFC 8058 has them."},
  "sound_lines": {"type": "boolean", "description": "At most 998 octets, and CR LF only."}}},
"RunVerdicts": {"type": "object", "required": ["object", "run", "passed", "results", "tap"], "properties": {
  "object": {"const": "assertion"},
  "run": {"type": "string"},
  "passed": {"type": "boolean"},
  "results": {"type": "array", "items": {"type": "object", "required": ["name", "passed", "emails", "problems"], "properties": {
    "name": {"type": "string"},
    "passed": {"type": "boolean"},
    "emails": {"type": "array", "items": {"type": "string"}},
    "problems": {"type": "array", "items": {"type": "string"}}}}},
  "tap": {"type": "string", "description": "The same as TAP 14."}}}
})json";

}  // namespace

api::ApiArea run_api() { return {.routes = kRunRoutes, .schemas = kRunSchemas, .limits = kRunLimits}; }

}  // namespace postern::lab
