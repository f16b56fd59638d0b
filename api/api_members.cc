// Who has to do with an account as a person: members, their sessions at browsers, their passwords.
#include "api/api.h"
#include "api/api_context.h"
#include "api/auth_filter.h"
#include "api/browser_answer.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "auth/browser_session.h"
#include "auth/user_admin.h"
#include "core/operator_log.h"
#include "core/time_format.h"
#include "net/wait_for.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace postern::api {
namespace {

namespace json = boost::json;

// A key that is taken away must not leave somebody behind who can come in.
std::optional<ApiResponse> refuse_keys(const Caller& caller) {
  if (caller.user) return std::nullopt;
  return api_refusal(Refusal::PermissionDenied, "this is for people: sign in with an address and its password");
}

Result<ApiResponse> list_members(ApiContext& context, const ApiRequest& request) {
  const auto users = context.store.directory().list_users(request.caller.account);
  if (!users) return users.error();
  json::array data;
  for (const store::UserRecord& user : *users) data.push_back(member_json(user));
  return ApiResponse::json(page_json(std::move(data), {}));
}

// On a password worker: a hash takes its time.
net::Awaitable<ApiResponse> add_member(ApiContext& context, ApiRequest& request) {
  if (auto refused = refuse_keys(request.caller)) co_return std::move(*refused);
  RequestFields fields(request.json);
  const std::string email = fields.required_text("email");
  const Secret password = fields.required_secret("password");
  fields.refuse_unknown();
  if (fields.problem()) co_return api_problem(ApiProblem::ValidationError, *fields.problem());
  auto answer = co_await context.password_workers.run([&]() -> Result<ApiResponse> {
    const store::ActorScope acting(actor_of(context, request));
    const auto user = context.users.create(request.caller.account, email, password);
    if (!user) return user.error();
    return ApiResponse::json(member_json(*user), 201);
  });
  if (!answer) co_return api_problem(ApiProblem::Unavailable);
  if (!*answer) co_return api_error(answer->error());
  co_return std::move(**answer);
}

Result<ApiResponse> remove_member(ApiContext& context, const ApiRequest& request) {
  if (auto refused = refuse_keys(request.caller)) return std::move(*refused);
  const auto id = parse_user_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound);
  const auto user = context.store.directory().find_user(*id);
  if (!user) return user.error();
  if (!*user || (*user)->account != request.caller.account) return Error(ErrorCode::NotFound);
  if (*id == *request.caller.user) return api_problem(ApiProblem::Conflict, "nobody removes himself: another member can");
  if (const auto removed = context.users.remove(*id); !removed) return removed.error();
  return ApiResponse::json(json::object{{"object", "member"}, {"id", format_id(*id)}, {"deleted", true}});
}

// Of who asks; with a key, those that were opened with it.
std::optional<KeyId> key_of_sessions(const Caller& caller) {
  return caller.key ? std::optional(caller.key->key) : std::nullopt;
}

Result<ApiResponse> list_browser_sessions(ApiContext& context, const ApiRequest& request) {
  const Caller& caller = request.caller;
  const auto sessions = context.browsers.list_of(caller.account, caller.user, key_of_sessions(caller));
  if (!sessions) return sessions.error();
  json::array data;
  for (const store::SessionRecord& session : *sessions) data.push_back(browser_session_json(session, caller));
  return ApiResponse::json(page_json(std::move(data), {}));
}

Result<ApiResponse> end_browser_session(ApiContext& context, const ApiRequest& request) {
  const Caller& caller = request.caller;
  const auto id = store::parse_session_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound);
  const auto session = context.store.directory().find_session(*id);
  if (!session) return session.error();
  const bool is_own = *session && (*session)->account == caller.account && (*session)->user == caller.user &&
                      (*session)->key == key_of_sessions(caller);
  if (!is_own) return Error(ErrorCode::NotFound);
  if (const auto ended = context.browsers.end(*id); !ended) return ended.error();
  return ApiResponse::json(json::object{{"object", "session"}, {"id", format_id(*id)}, {"ended", true}});
}

// All of the user's sessions end; the browser that asked has another from then on.
Result<ApiResponse> put_password(ApiContext& context, const ApiRequest& request, const store::UserRecord& user,
                                 const Secret& password) {
  const store::ActorScope acting(actor_of(context, request));
  if (const auto changed = context.users.set_password(user.id, password); !changed) return changed.error();
  ApiResponse response = ApiResponse::json(json::object{{"object", "password"}, {"changed", true}});
  if (!request.caller.browser) return response;
  const auto renewed = context.store.directory().find_user(user.id);
  if (!renewed) return renewed.error();
  if (!*renewed) return Error(ErrorCode::NotFound);
  auto opened = context.browsers.open(**renewed, {request.peer, request.header("user-agent")});
  if (!opened) return opened.error();
  set_session_cookie(request, response, opened->text);
  return response;
}

// Throttled as signing in is: whoever found a browser open guesses the password no faster here.
net::Awaitable<ApiResponse> change_password(ApiContext& context, ApiRequest& request) {
  if (auto refused = refuse_keys(request.caller)) co_return std::move(*refused);
  RequestFields fields(request.json);
  const Secret current = fields.required_secret("current_password");
  const Secret wanted = fields.required_secret("new_password");
  fields.refuse_unknown();
  if (fields.problem()) co_return api_problem(ApiProblem::ValidationError, *fields.problem());
  const Instant now = context.clock.now();
  const std::string email = request.caller.name;
  const auth::ThrottleDecision throttled = context.password_throttle.begin(request.peer, email, now);
  if (throttled.is_blocked) {
    co_return api_refusal_with_wait(Refusal::TooManyFailures, {}, std::chrono::ceil<std::chrono::seconds>(throttled.blocked_for));
  }
  bool is_wrong = false;
  auto answer = co_await context.password_workers.run([&]() -> Result<ApiResponse> {
    const auto user = context.users.sign_in(email, current);
    is_wrong = !user && user.error().code() == ErrorCode::NotFound;
    if (!user) return user.error();
    return put_password(context, request, *user, wanted);
  });
  if (is_wrong) {
    if (throttled.delay > Duration(0)) co_await net::wait_for(throttled.delay);
    co_return api_problem(ApiProblem::InvalidCredentials, "the current password is another one");
  }
  context.password_throttle.withdraw(request.peer, email, now);
  if (!answer) co_return api_problem(ApiProblem::Unavailable);
  const bool is_refused = !*answer && answer->error().code() == ErrorCode::InvalidArgument;
  if (is_refused) co_return api_problem(ApiProblem::ValidationError, "new_password: " + answer->error().context());
  if (!*answer) co_return api_error(answer->error());
  co_return std::move(**answer);
}

constexpr SchemaLimit kMemberLimits[] = {{"password_min", auth::kMinPasswordOctets}, {"password_max", auth::kMaxPasswordOctets}};

constexpr std::string_view kMemberSchemas = R"({
  "NewMember": {"type": "object", "required": ["email", "password"], "properties": {
    "email": {"type": "string", "format": "email"},
    "password": {"type": "string", "minLength": "$password_min", "maxLength": "$password_max"}}},
  "Member": {"type": "object", "required": ["object", "id", "email", "account_id", "is_operator", "created_at"], "properties": {
    "object": {"const": "member"}, "id": {"type": "string"}, "email": {"type": "string"}, "account_id": {"type": "string"},
    "is_operator": {"type": "boolean", "description": "Operates the installation."},
    "created_at": {"type": "string", "format": "date-time"}}},
  "MemberList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {"next": {"type": "null"},
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/Member"}}}},
  "RemovedMember": {"type": "object", "required": ["object", "id", "deleted"], "properties": {
    "object": {"const": "member"}, "id": {"type": "string"}, "deleted": {"const": true}}},
  "BrowserSessionList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
    "next": {"type": "null"}, "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/BrowserSession"}}}},
  "EndedBrowserSession": {"type": "object", "required": ["object", "id", "ended"], "properties": {
    "object": {"const": "session"}, "id": {"type": "string"}, "ended": {"const": true}}},
  "NewPassword": {"type": "object", "required": ["current_password", "new_password"], "properties": {
    "current_password": {"type": "string"},
    "new_password": {"type": "string", "minLength": "$password_min", "maxLength": "$password_max"}}},
  "ChangedPassword": {"type": "object", "required": ["object", "changed"], "properties": {
    "object": {"const": "password"}, "changed": {"const": true}}}
})";

constexpr Route kMemberRoutes[] = {
    {.method = Method::Get,
     .path = "/v1/members",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker_live<list_members>,
     .operation = "listMembers",
     .summary = "List the people of the account",
     .tag = "members",
     .response_schema = "MemberList"},
    {.method = Method::Post,
     .path = "/v1/members",
     .access = Access::Manage,
     .body = Body::Json,
     .handler = add_member,
     .operation = "addMember",
     .summary = "Let another person manage the account",
     .tag = "members",
     .request_schema = "NewMember",
     .status = 201,
     .response_schema = "Member",
     .failures = {403, 409}},
    {.method = Method::Delete,
     .path = "/v1/members/:id",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker<remove_member>,
     .operation = "removeMember",
     .summary = "Take a person's access away",
     .tag = "members",
     .response_schema = "RemovedMember",
     .failures = {403, 409}},
    {.method = Method::Get,
     .path = "/v1/auth/sessions",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker<list_browser_sessions>,
     .operation = "listBrowserSessions",
     .summary = "Where the caller is signed in at a browser",
     .tag = "session",
     .response_schema = "BrowserSessionList",
     .serves_domain_keys = true},
    {.method = Method::Delete,
     .path = "/v1/auth/sessions/:id",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker<end_browser_session>,
     .operation = "endBrowserSession",
     .summary = "Sign a browser out",
     .tag = "session",
     .response_schema = "EndedBrowserSession",
     .serves_domain_keys = true},
    {.method = Method::Post,
     .path = "/v1/auth/password",
     .access = Access::Manage,
     .body = Body::Json,
     .handler = change_password,
     .operation = "changePassword",
     .summary = "Change the own password: all sessions end, but for a new one of the browser that asks",
     .tag = "session",
     .request_schema = "NewPassword",
     .response_schema = "ChangedPassword",
     .failures = {401, 403}},
};

}  // namespace

ApiArea member_api() {
  return {kMemberRoutes, kMemberSchemas, {}, kMemberLimits};
}

}  // namespace postern::api
