// /v1/test/runs: the test mail of a run, by the user name of AUTH or the field `run`; waiting for it, and what is expected of it.
#include "lab/run_api.h"

#include "api/api_context.h"
#include "api/auth_filter.h"
#include "api/cursor.h"
#include "api/decision_problem.h"
#include "api/limits.h"
#include "api/own_email.h"
#include "api/worker_job.h"
#include "api/record_json.h"
#include "core/time_format.h"
#include "events/event_hub.h"
#include "events/event_json.h"
#include "lab/expectation.h"
#include "lab/new_run.h"
#include "lab/run_export.h"
#include "lab/run_journal.h"
#include "lab/run_look.h"
#include "lab/run_schemas.h"
#include "lab/script_text.h"
#include "relay/run_clock.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

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
constexpr std::uint64_t kMaxAdvanceSeconds = std::chrono::duration_cast<std::chrono::seconds>(relay::kLongestAdvance).count();
constexpr std::size_t kMaxToldEvents = 1'000;   // of one advance; all are in the run's journal

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

// --- Scripts and clocks ----------------------------------------------------------------------------------------------

Result<ApiResponse> list_scripts(ApiContext&, const ApiRequest&) {
  json::array data;
  for (const LibraryScript& script : script_library()) {
    data.push_back(json::object{{"name", script.name}, {"description", script.words}, {"script", json::parse(script.text)}});
  }
  return ApiResponse::json(api::page_json(std::move(data), {}));
}

json::object step_json(const Event& event) {
  return {{"type", events::event_wire_name(event.type)},
          {"created_at", api::instant_json(event.at)},
          {"email_id", format_message_id(event.message)},
          {"recipient", event.recipient.empty() ? json::value(nullptr) : json::value(event.recipient)},
          {"reply", event.status.code == 0 ? json::value(nullptr) : json::value(events::status_json(event.status))}};
}

json::object telling_json(const relay::RunTelling& told) {
  return {{"at", api::instant_json(told.at)},
          {"webhook_id", format_id(told.webhook)},
          {"type", events::event_wire_name(told.event.type)},
          {"email_id", format_message_id(told.event.message)},
          {"attempt", told.attempt},
          {"status", told.status == 0 ? json::value(nullptr) : json::value(told.status)},
          {"failure", told.failure.empty() ? json::value(nullptr) : json::value(told.failure)},
          {"is_last", told.is_last}};
}

Result<relay::Advance> advance_as_asked(ApiContext& context, const ApiRequest& request) {
  std::vector<std::string> problems;
  CheckedObject object(request.json, {}, problems);
  const auto seconds = object.number("seconds", 1, kMaxAdvanceSeconds);
  const auto to = object.text("to");
  const bool to_next = object.boolean("next").value_or(false);
  const std::size_t max_steps = object.number("max_steps", 1, relay::kMaxAdvanceSteps).value_or(relay::kMaxAdvanceSteps);
  if (seconds.has_value() + to.has_value() + to_next != 1) object.fail("seconds, to, next", "one of them has to be given");
  const auto until = to ? parse_rfc3339(*to) : Result<Instant>(Instant{});
  if (!until) object.fail("to", "has to be a time such as 2030-01-31T12:00:00Z");
  object.refuse_unknown();
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, joined_problems(problems));
  const AccountId& account = request.caller.account;
  const std::string_view run = request.path_parameter("run");
  if (context.run_clock == nullptr) return Error(ErrorCode::NotFound);
  if (to_next) return context.run_clock->advance_to_next(account, run);
  if (to) return context.run_clock->advance_to(account, run, *until, max_steps);
  const auto record = context.store.spool().find_run(account, run);
  if (!record) return record.error();
  if (!*record || !(*record)->clock) return Error(ErrorCode::NotFound);
  return context.run_clock->advance_to(account, run, *(*record)->clock + std::chrono::seconds(*seconds), max_steps);
}

Result<ApiResponse> advance_run(ApiContext& context, const ApiRequest& request) {
  const auto advance = advance_as_asked(context, request);
  if (!advance) return advance.error();
  context.event_hub.notify();
  const auto next = context.run_clock->next_due(request.caller.account, request.path_parameter("run"));
  if (!next) return next.error();
  json::array caused;
  for (std::size_t i = 0; i < advance->events.size() && i < kMaxToldEvents; ++i) caused.push_back(step_json(advance->events[i]));
  json::array told;
  for (std::size_t i = 0; i < advance->told.size() && i < kMaxToldEvents; ++i) told.push_back(telling_json(advance->told[i]));
  return ApiResponse::json(json::object{{"object", "advance"},
                                        {"run", request.path_parameter("run")},
                                        {"now", api::instant_json(advance->now)},
                                        {"steps", advance->steps},
                                        {"has_more", advance->has_more},
                                        {"next_due", api::instant_json(*next)},
                                        {"events", std::move(caused)},
                                        {"webhooks", std::move(told)}});
}

Result<ApiResponse> get_run_journal(ApiContext& context, const ApiRequest& request) {
  const auto journal = make_journal(context.store.spool(), context.submission.runs, request.caller.account,
                                    request.path_parameter("run"));
  if (!journal) return journal.error();
  return ApiResponse::json(*journal);
}

Result<ApiResponse> export_over_http(ApiContext& context, const ApiRequest& request) {
  if (context.submission.runs == nullptr) return Error(ErrorCode::NotFound);
  const auto exported = export_run(context.store.spool(), *context.submission.runs, request.caller.account,
                                   request.path_parameter("run"));
  if (!exported) return exported.error();
  return ApiResponse::json(*exported);
}

// NotFound: not of the run, came over HTTP, or its content is gone.
Result<ApiResponse> get_transcript(ApiContext& context, const ApiRequest& request) {
  const auto stored = api::find_own(context, request);
  if (!stored) return stored.error();
  if (store::run_of(stored->message) != request.path_parameter("run")) return Error(ErrorCode::NotFound);
  const auto transcript = context.store.spool().find_transcript(stored->message.id);
  if (!transcript) return transcript.error();
  if (!*transcript) return Error(ErrorCode::NotFound, "there is none: it came over HTTP, or is not kept any more");
  json::array lines;
  std::string_view rest = (*transcript)->text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return ApiResponse::json(json::object{{"object", "transcript"},
                                        {"run", request.path_parameter("run")},
                                        {"id", format_message_id(stored->message.id)},
                                        {"lines", std::move(lines)}});
}

// --- Waiting ---------------------------------------------------------------------------------------------------------

struct Question {
  MailPattern pattern;                     // wait, extract
  std::uint64_t count = 1;
  std::optional<RunWatch> watch;           // the same
  std::vector<Expectation> expectations;   // assert
  Steady::time_point until;                // how long the answer may be held
};

// What a look brought.
struct Finding {
  bool is_met = false;
  json::object answer;
};
using Look = Result<Finding> (*)(ApiContext&, const ApiRequest&, Question&);

Steady::time_point read_timeout(CheckedObject& object, std::chrono::seconds usual) {
  const auto seconds = object.number("timeout_seconds", 0, kMaxWaitSeconds);
  return Steady::now() + (seconds ? std::chrono::seconds(*seconds) : usual);
}

Result<Question> read_wait(const ApiRequest& request, std::chrono::seconds usual) {
  const json::value& body = request.json;
  std::vector<std::string> problems;
  const json::value nothing = json::object();
  CheckedObject object(body.is_null() ? nothing : body, {}, problems);
  Question question;
  question.pattern = read_mail_pattern(object);
  question.count = object.number("count", 1, kMaxAwaited).value_or(1);
  std::optional<Instant> since;
  if (const auto text = object.text("since")) {
    const auto instant = parse_rfc3339(*text);
    if (instant) since = *instant;
    if (!instant) object.fail("since", "has to be a time such as 2030-01-31T12:00:00Z");
  }
  question.until = read_timeout(object, usual);
  object.refuse_unknown();
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, joined_problems(problems));
  question.watch.emplace(request.caller.account, std::string(request.path_parameter("run")), question.pattern, since);
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

Result<Finding> look_for_mail(ApiContext& context, const ApiRequest& request, Question& question) {
  const store::Spool& spool = context.store.spool();
  const auto look = question.watch->look(spool);
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

// `answer` of the newest that fits.
Result<Finding> look_at_newest(ApiContext& context, const ApiRequest& request, Question& question, std::string_view object,
                               void (*answer)(const CapturedMail&, json::object&)) {
  const store::Spool& spool = context.store.spool();
  const auto look = question.watch->look(spool);
  if (!look) return look.error();
  Finding finding{look->newest.has_value(), answer_head(object, request)};
  if (!finding.is_met) return finding;
  const auto mail = load_mail(spool, *look->newest);
  if (!mail) return mail.error();
  finding.answer["id"] = format_message_id(mail->stored.message.id);
  answer(*mail, finding.answer);
  return finding;
}

Result<Finding> look_for_extraction(ApiContext& context, const ApiRequest& request, Question& question) {
  return look_at_newest(context, request, question, "extraction", [](const CapturedMail& mail, json::object& answer) {
    for (auto& [name, value] : extraction_json(mail)) answer[name] = value;
    const auto& codes = answer["codes"].as_array();
    answer["code"] = codes.empty() ? json::value(nullptr) : codes.front().as_object().at("code");
  });
}

Result<Finding> look_for_faults(ApiContext& context, const ApiRequest& request, Question& question) {
  return look_at_newest(context, request, question, "mail_check",
                        [](const CapturedMail& mail, json::object& answer) { answer["findings"] = findings_json(mail); });
}

Result<Finding> look_at_expectations(ApiContext& context, const ApiRequest& request, Question& question) {
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
  auto question = read_wait(request, kUsualWait);
  if (!question) co_return api::api_error(question.error());
  ApiResponse answer = co_await hold_until_found(context, request, std::move(*question), look_for_mail);
  co_return answer;
}

// 404 where no mail fits.
net::Awaitable<ApiResponse> ask_newest(ApiContext& context, ApiRequest& request, Look look) {
  auto question = read_wait(request, std::chrono::seconds(0));
  if (!question) co_return api::api_error(question.error());
  ApiResponse answer = co_await hold_until_found(context, request, std::move(*question), look);
  const bool is_nothing = answer.status == 200 && answer.body.find("\"id\":") == std::string::npos;
  if (is_nothing) co_return api::api_problem(api::ApiProblem::NotFound, "no mail of the run fits");
  co_return answer;
}

net::Awaitable<ApiResponse> extract_from_mail(ApiContext& context, ApiRequest& request) {
  return ask_newest(context, request, look_for_extraction);
}

net::Awaitable<ApiResponse> check_run_mail(ApiContext& context, ApiRequest& request) {
  return ask_newest(context, request, look_for_faults);
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

constexpr std::array<api::Route, 13> kRunRoutes = {{
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
    {.method = http::Method::Get,
     .path = "/v1/test/runs/:run/journal",
     .access = api::Access::Manage,
     .handler = api::on_worker<get_run_journal>,
     .operation = "getRunJournal",
     .summary = "What happened in a run, in its own time and without ids: the same for the same seed, script and mail",
     .tag = "tests",
     .response_schema = "RunJournal"},
    {.method = http::Method::Get,
     .path = "/v1/test/runs/:run/export",
     .access = api::Access::Manage,
     .handler = api::on_worker<export_over_http>,
     .operation = "exportRun",
     .summary = "A run with a clock, its mail and its journal as one file, which `postern run replay` plays again",
     .tag = "tests",
     .response_schema = "RunExport"},
    {.method = http::Method::Get,
     .path = "/v1/test/runs/:run/transcripts/:id",
     .access = api::Access::Manage,
     .handler = api::on_worker<get_transcript>,
     .operation = "getRunTranscript",
     .summary = "What was said in the SMTP session in which a test message came, up to its acceptance; never what AUTH said",
     .tag = "tests",
     .response_schema = "RunTranscript"},
    {.method = http::Method::Get,
     .path = "/v1/test/scripts",
     .access = api::Access::Manage,
     .handler = api::on_worker<list_scripts>,
     .operation = "listScripts",
     .summary = "The library of scripts; a run takes one by its name",
     .tag = "tests",
     .response_schema = "ScriptList"},
    asking("/v1/test/runs/:run/advance", api::on_worker<advance_run>, "advanceRun",
           "Move a run's own clock forward; answered when all that became due is done, in the order of its time", "RunAdvance",
           "RunAdvanced"),
    asking("/v1/test/runs/:run/wait", wait_for_mail, "waitForRunMail",
           "Hold the request until the run has such mail, sent since it began; at the end of the time say what is near",
           "RunWait", "RunFinding"),
    asking("/v1/test/runs/:run/extract", extract_from_mail, "extractFromRunMail",
           "Links, one-time codes and the unsubscribe header of the newest such mail", "RunWait", "RunExtraction"),
    asking("/v1/test/runs/:run/check", check_run_mail, "checkRunMail",
           "What receivers and their readers hold against the newest such mail; nothing that it names is fetched", "RunWait",
           "RunMailCheck"),
    asking("/v1/test/runs/:run/assert", assert_mail, "assertRunMail",
           "Compare the run's mail with expectations, and say what differs; with timeout_seconds, until all hold", "RunAssertion",
           "RunVerdicts"),
}};

constexpr api::SchemaLimit kRunLimits[] = {{"wait_seconds", kMaxWaitSeconds},
                                           {"awaited", kMaxAwaited},
                                           {"expectations", kMaxExpectations},
                                           {"run_seconds", kLongestRun.count()},
                                           {"advance_seconds", kMaxAdvanceSeconds},
                                           {"advance_steps", relay::kMaxAdvanceSteps}};

}  // namespace

api::ApiArea run_api() { return {.routes = kRunRoutes, .schemas = kRunSchemas, .limits = kRunLimits}; }

}  // namespace postern::lab
