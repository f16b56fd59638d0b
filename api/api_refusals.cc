// /v1/refusals: the last of what was refused of an account's mail, the newest first. What is refused is no message: this is the one
// place that has it. Up to kRefusalsKept, and no more than the book holds.
#include "api/api.h"
#include "api/api_context.h"
#include "api/email_filter.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "core/time_format.h"
#include "submission/refusal_book.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <charconv>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;

using submission::RefusedMail;

constexpr std::size_t kMaxRefusalsPage = 200;
constexpr std::size_t kRefusalsPage = 50;

struct RefusalQuestion {
  std::optional<std::uint64_t> before;  // a refusal's number
  std::optional<Environment> environment;
  std::optional<KeyId> key;
  std::string token;  // empty: any
  std::optional<Instant> since;
  std::optional<Instant> until;

  bool wants(const RefusedMail& refused) const {
    return (!before || refused.number < *before) && (!environment || refused.environment == *environment) &&
           (!key || refused.key == *key) && (token.empty() || refused.token == token) && (!since || refused.at >= *since) &&
           (!until || refused.at < *until);
  }
};

Result<std::optional<std::uint64_t>> read_refusal_place(const ApiRequest& request) {
  const auto position = read_position(request, "after");
  if (!position) return position.error();
  if (!*position) return std::optional<std::uint64_t>();
  std::uint64_t number = 0;
  const char* const end = (*position)->data() + (*position)->size();
  const auto [read, failure] = std::from_chars((*position)->data(), end, number);
  if (failure != std::errc{} || read != end) return Error(ErrorCode::InvalidArgument, "after must be a place in the list");
  return std::optional(number);
}

Result<RefusalQuestion> read_refusal_question(const ApiRequest& request) {
  RefusalQuestion question;
  const auto before = read_refusal_place(request);
  if (!before) return before.error();
  question.before = *before;
  const auto environment = request.query_parameter("environment");
  if (environment && *environment != "live" && *environment != "test") {
    return Error(ErrorCode::InvalidArgument, "environment must be live or test");
  }
  if (environment) question.environment = *environment == "live" ? Environment::Live : Environment::Test;
  if (request.caller.has_test_key()) {
    if (environment == "live") return Error(ErrorCode::InvalidArgument, "environment: a test key sees test mail only");
    question.environment = Environment::Test;
  }
  if (const auto key = request.query_parameter("key")) {
    question.key = parse_key_id(*key);
    if (!question.key) return Error(ErrorCode::InvalidArgument, "key must be the id of an API key");
  }
  question.token = request.query_parameter("token").value_or(std::string_view());
  for (const auto& [name, into] : {std::pair{"since", &question.since}, std::pair{"until", &question.until}}) {
    const auto time = read_time_filter(request.query_parameter(name), name);
    if (!time) return time.error();
    *into = *time;
  }
  return question;
}

json::value or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

json::object refusal_json(const RefusedMail& refused) {
  return {{"object", "refusal"},
          {"at", format_rfc3339(refused.at)},
          {"environment", environment_name(refused.environment)},
          {"api_key_id", format_id(refused.key)},
          {"door", refused.is_http ? "http" : "smtp"},
          {"token", refused.token},
          {"message", refused.words},
          {"from", or_null(refused.from)},
          {"to", or_null(refused.to)},
          {"peer", refused.peer},
          {"client", or_null(refused.client)}};
}

Result<ApiResponse> list_refusals(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxRefusalsPage, kRefusalsPage);
  if (!limit) return limit.error();
  const auto question = read_refusal_question(request);
  if (!question) return question.error();
  std::vector<RefusedMail> refused;
  submission::RefusalBook* const book = context.submission.refusals;
  if (book != nullptr) refused = book->list(request.caller.account, context.clock.now());
  std::erase_if(refused, [&](const RefusedMail& one) { return !question->wants(one); });
  json::array data;
  for (const RefusedMail& one : refused) {
    if (data.size() < *limit) data.push_back(refusal_json(one));
  }
  const bool has_more = refused.size() > *limit;
  return ApiResponse::json(
      page_json(std::move(data), has_more ? std::optional(std::to_string(refused[*limit - 1].number)) : std::nullopt));
}

constexpr Parameter kRefusalParameters[] = {
    limit_parameter(kMaxRefusalsPage, kRefusalsPage),
    {.name = "after", .description = kAfterWords},
    {.name = "environment", .description = "Only of live or only of test keys.", .values = "live test"},
    {.name = "key", .description = "Only of that API key, by its id."},
    {.name = "token", .description = "Only for that reason: a token of docs/smtp-replies.md."},
    {.name = "since", .description = "Not before.", .format = "date-time"},
    {.name = "until", .description = "Before.", .format = "date-time"}};

constexpr Route kRefusalRoutes[] = {
    {.method = Method::Get,
     .path = "/v1/refusals",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker<list_refusals>,
     .operation = "listRefusals",
     .summary = "What was refused of the account's mail and keys lately: 500 at most, for seven days",
     .tag = "refusals",
     .response_schema = "RefusalList",
     .parameters = kRefusalParameters}};

constexpr std::string_view kRefusalSchemas = R"({
  "RefusedMail": {"type": "object", "required": ["object", "at", "environment", "api_key_id", "door", "token", "message", "from",
    "to", "peer", "client"], "properties": {"object": {"const": "refusal"},
    "at": {"type": "string", "format": "date-time"},
    "environment": {"enum": ["live", "test"]},
    "api_key_id": {"type": "string"},
    "door": {"enum": ["smtp", "http"]},
    "token": {"type": "string", "examples": ["recipient_not_whitelisted"]},
    "message": {"type": "string", "description": "What the client was told."},
    "from": {"type": ["string", "null"], "description": "null: the key itself was refused, or the sender was empty."},
    "to": {"type": ["string", "null"], "description": "Whom it was about; null: it was about the sender, or the key."},
    "peer": {"type": "string", "description": "Address of the client.", "examples": ["192.0.2.17"]},
    "client": {"type": ["string", "null"], "description": "Its HELO name or user agent, where it said one."}}},
  "RefusalList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/RefusedMail"}},
    "next": {"$ref": "#/components/schemas/Cursor"}}}
})";

}  // namespace

ApiArea refusal_api() {
  return {kRefusalRoutes, kRefusalSchemas};
}

}  // namespace postern::api
