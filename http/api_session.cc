// /v1/auth: people sign up and in with an e-mail address and a password, and get a session token. Guessing is slowed by client
// address, as AUTH is.
#include "auth/session_token.h"
#include "auth/user_admin.h"
#include "core/log.h"
#include "core/time_format.h"
#include "http/account_json.h"
#include "http/api.h"
#include "http/api_context.h"
#include "http/request_fields.h"
#include "http/worker_job.h"
#include "net/wait_for.h"

#include <boost/json/object.hpp>

namespace postern::http {
namespace {

struct Credentials {
  std::string email;
  Secret password;
};

Result<Credentials> read_credentials(const ApiRequest& request) {
  RequestFields fields(request.json);
  Credentials credentials{fields.required_text("email"), fields.required_secret("password")};
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  return credentials;
}

// isAdmin is what clients of such services look for; over HTTP nobody administers the installation.
boost::json::object user_json(const store::UserRecord& user) {
  return {{"id", format_id(user.id)},
          {"email", user.email},
          {"isAdmin", false},
          {"account_id", format_id(user.account)},
          {"created_at", format_rfc3339(user.created)}};
}

Result<ApiResponse> open_session(ApiContext& context, const store::UserRecord& user, std::uint16_t status) {
  const Secret token = context.tokens.issue(user);
  const auto claims = context.tokens.verify(token.reveal());  // for when it ends
  if (!claims) return claims.error();
  const boost::json::object answer = {{"object", "session"},
                                      {"token_type", "Bearer"},
                                      {"expires_at", format_rfc3339(claims->expires_at)},
                                      {"user", user_json(user)}};
  return ApiResponse::json_with_secret(answer, "token", token, status);
}

ApiResponse too_many_failures(const auth::ThrottleDecision& throttled) {
  return api_refusal_with_wait(Refusal::TooManyFailures, {}, std::chrono::ceil<std::chrono::seconds>(throttled.blocked_for));
}

void log_person(std::string_view fact, const store::UserRecord& user, const IpAddress& peer) {
  log::write(log::Level::Info, fact,
             {{"user", format_id(user.id)}, {"account", format_id(user.account)}, {"peer", format_ip_address(peer)}});
}

net::Awaitable<ApiResponse> sign_up(ApiContext& context, ApiRequest& request) {
  if (!context.settings.signup_is_open) co_return api_problem(ApiProblem::SignupClosed);
  const auto credentials = read_credentials(request);
  if (!credentials) co_return api_error(credentials.error());
  const Instant now = context.clock.now();
  const auth::ThrottleDecision throttled = context.throttle.decide(request.peer, now);
  if (throttled.is_blocked) co_return too_many_failures(throttled);
  // Counted before it is tried, and also where it succeeds: nobody makes accounts without end, or tries out whose address has one.
  context.throttle.record_guess(request.peer, now);
  auto answer = co_await context.password_workers.run([&]() -> Result<ApiResponse> {
    const auto user = context.users.sign_up(credentials->email, credentials->password);
    if (!user) return user.error();
    log_person("signed_up", *user, request.peer);
    return open_session(context, *user, 201);
  });
  if (answer && *answer) co_return std::move(**answer);
  const bool is_taken = answer && answer->error().code() == ErrorCode::AlreadyExists;
  if (!is_taken) context.throttle.withdraw_guess(request.peer, now);
  if (is_taken && throttled.delay > Duration(0)) co_await net::wait_for(throttled.delay);
  co_return answer ? api_error(answer->error()) : api_problem(ApiProblem::Unavailable);
}

net::Awaitable<ApiResponse> log_in(ApiContext& context, ApiRequest& request) {
  const auto credentials = read_credentials(request);
  if (!credentials) co_return api_error(credentials.error());
  const Instant now = context.clock.now();
  const auth::ThrottleDecision throttled = context.throttle.decide(request.peer, now);
  if (throttled.is_blocked) co_return too_many_failures(throttled);
  context.throttle.record_guess(request.peer, now);  // before the slow check: many at once count as many
  auto answer = co_await context.password_workers.run([&]() -> Result<ApiResponse> {
    const auto user = context.users.sign_in(credentials->email, credentials->password);
    if (!user) return user.error();
    log_person("signed_in", *user, request.peer);
    return open_session(context, *user, 200);
  });
  if (answer && !*answer && answer->error().code() == ErrorCode::NotFound) {
    log::write(log::Level::Info, "sign_in_failed", {{"peer", format_ip_address(request.peer)}});
    if (throttled.delay > Duration(0)) co_await net::wait_for(throttled.delay);
    co_return api_problem(ApiProblem::InvalidCredentials);
  }
  context.throttle.withdraw_guess(request.peer, now);
  if (!answer) co_return api_problem(ApiProblem::Unavailable);
  if (!*answer) co_return api_error(answer->error());
  co_return std::move(**answer);
}

boost::json::value key_of(const Caller& caller) {
  if (!caller.key) return nullptr;
  return {{"id", format_id(caller.key->key)},
          {"name", caller.key->key_name},
          {"environment", environment_name(caller.key->environment)},
          {"permission", permission_name(caller.key->permission)}};
}

Result<ApiResponse> show_caller(ApiContext& context, const ApiRequest& request) {
  const Caller& caller = request.caller;
  const store::Directory& directory = context.store.directory();
  const auto account = directory.find_account(caller.account);
  if (!account) return account.error();
  boost::json::value user = nullptr;
  if (caller.user) {
    const auto found = directory.find_user(*caller.user);
    if (!found) return found.error();
    if (!*found) return api_problem(ApiProblem::InvalidCredentials);
    user = user_json(**found);
  }
  if (!*account) return api_problem(ApiProblem::InvalidCredentials);
  const boost::json::object answer = {{"object", "me"},
                                      {"user", std::move(user)},
                                      {"api_key", key_of(caller)},
                                      {"account",
                                       {{"id", format_id((*account)->id)},
                                        {"name", (*account)->name},
                                        {"mode", account_mode_name((*account)->mode)}}}};
  return ApiResponse::json(answer);
}

constexpr std::string_view kSchemas = R"({
  "NewUser": {"type": "object", "required": ["email", "password"], "properties": {
    "email": {"type": "string", "format": "email"},
    "password": {"type": "string", "minLength": 10, "maxLength": 1024}}},
  "Credentials": {"type": "object", "required": ["email", "password"], "properties": {
    "email": {"type": "string", "format": "email"},
    "password": {"type": "string"}}},
  "User": {"type": "object", "required": ["id", "email", "isAdmin", "account_id", "created_at"], "properties": {
    "id": {"type": "string"}, "email": {"type": "string"}, "isAdmin": {"const": false}, "account_id": {"type": "string"},
    "created_at": {"type": "string", "format": "date-time"}}},
  "Session": {"type": "object", "required": ["object", "token", "token_type", "expires_at", "user"], "properties": {
    "object": {"const": "session"}, "token": {"type": "string", "examples": ["eyJhbGciOiJIUzI1NiJ9…"]},
    "token_type": {"const": "Bearer"},
    "expires_at": {"type": "string", "format": "date-time"}, "user": {"$ref": "#/components/schemas/User"}}},
  "Me": {"type": "object", "required": ["object", "user", "api_key", "account"], "properties": {
    "object": {"const": "me"},
    "user": {"oneOf": [{"$ref": "#/components/schemas/User"}, {"type": "null"}]},
    "api_key": {"type": ["object", "null"], "required": ["id", "name", "environment", "permission"], "properties": {
      "id": {"type": "string"}, "name": {"type": "string"}, "environment": {"enum": ["live", "test"]},
      "permission": {"enum": ["full_access", "sending_access"]}}},
    "account": {"type": "object", "required": ["id", "name", "mode"], "properties": {
      "id": {"type": "string"}, "name": {"type": "string"}, "mode": {"enum": ["sandbox", "production"]}}}}}
})";

constexpr Route kRoutes[] = {
    {.method = Method::Post, .path = "/v1/auth/signup", .access = Access::Open, .body = Body::Json, .handler = sign_up,
     .operation = "signUp", .summary = "Make an account in sandbox mode with its first user", .tag = "session",
     .request_schema = "NewUser", .status = 201, .response_schema = "Session", .failures = {403, 409}},
    {.method = Method::Post, .path = "/v1/auth/login", .access = Access::Open, .body = Body::Json, .handler = log_in,
     .operation = "logIn", .summary = "Get a session token", .tag = "session", .request_schema = "Credentials",
     .response_schema = "Session", .failures = {401, 403}},
    {.method = Method::Get, .path = "/v1/auth/me", .access = Access::Manage, .body = Body::None, .handler = on_worker<show_caller>,
     .operation = "getMe", .summary = "Who asks: user or key, and the account", .tag = "session", .response_schema = "Me"},
};

}  // namespace

ApiArea session_api() { return {kRoutes, kSchemas}; }

}  // namespace postern::http
