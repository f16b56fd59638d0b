// /v1/auth: people sign up and in with an e-mail address and a password, and get a session token, or, at a browser, a cookie.
// Guessing is slowed by client address, as AUTH is.
#include "api/api.h"
#include "api/api_context.h"
#include "api/auth_filter.h"
#include "api/browser_answer.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "auth/address_proof.h"
#include "auth/browser_session.h"
#include "auth/session_token.h"
#include "auth/user_admin.h"
#include "core/log.h"
#include "core/operator_log.h"
#include "core/time_format.h"
#include "net/wait_for.h"

#include <boost/json/object.hpp>

namespace postern::api {
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

Result<ApiResponse> open_session(ApiContext& context, const store::UserRecord& user, std::uint16_t status) {
  const Secret token = context.tokens.issue(user);
  const auto claims = context.tokens.verify(token.reveal());  // for when it ends
  if (!claims) return claims.error();
  const auto proven = context.proofs.is_proven(user);
  if (!proven) return proven.error();
  const boost::json::object answer = {{"object", "session"},
                                      {"token_type", "Bearer"},
                                      {"expires_at", format_rfc3339(claims->expires_at)},
                                      {"user", person_json(user, *proven)}};
  return ApiResponse::json_with_secret(answer, "token", token, status);
}

// Where an account has a single key, whoever signs up gets it with the answer.
Result<std::optional<auth::CreatedKey>> make_only_key(ApiContext& context, const AccountId& account) {
  if (context.keys.scheme().max_active_keys != 1) return std::optional<auth::CreatedKey>();
  auth::NewKey wanted;
  wanted.name = "default";
  wanted.permission = store::Permission::FullAccess;
  auto created = context.keys.create(account, wanted);
  if (!created) return created.error();
  return std::optional(std::move(*created));
}

// The account is there also where no mail can be sent now: another one can be asked for.
void ask_for_proof(ApiContext& context, const store::UserRecord& user) {
  const auto account = context.store.directory().find_account(user.account);
  if (!account || !*account || !context.proofs.are_required(**account)) return;
  const auto asked = context.proofs.ask(**account, store::ConfirmationKind::User, user.email);
  if (!asked) {
    log::write(log::Level::Warning, "verification_not_sent",
               {{"account", format_id(user.account)}, {"account_name", (*account)->name}, {"error", asked.error().message()}});
  }
}

Result<ApiResponse> open_first_session(ApiContext& context, const store::UserRecord& user) {
  ask_for_proof(context, user);
  const auto key = make_only_key(context, user.account);
  if (!key) return key.error();
  Result<ApiResponse> response = open_session(context, user, 201);
  if (response && *key) response->add_secret("api_key", (*key)->text);  // the one time that it is shown
  return response;
}

ApiResponse too_many_failures(const auth::ThrottleDecision& throttled) {
  return api_refusal_with_wait(Refusal::TooManyFailures, {}, std::chrono::ceil<std::chrono::seconds>(throttled.blocked_for));
}

void log_person(std::string_view fact, const store::UserRecord& user, const IpAddress& peer) {
  log::write(log::Level::Info, fact,
             {{"user", format_id(user.id)},
              {"account", format_id(user.account)},
              {"account_name", operator_log::account_name(user.account)},
              {"peer", format_ip_address(peer)}});
}

net::Awaitable<ApiResponse> sign_up(ApiContext& context, ApiRequest& request) {
  if (!context.settings.signup_is_open) co_return api_problem(ApiProblem::SignupClosed);
  const auto credentials = read_credentials(request);
  if (!credentials) co_return api_error(credentials.error());
  const Instant now = context.clock.now();
  // Counted before it is tried, and also where it succeeds: nobody makes accounts without end, or tries out whose address has one.
  const auth::ThrottleDecision throttled = context.password_throttle.begin(request.peer, {}, now);
  if (throttled.is_blocked) co_return too_many_failures(throttled);
  auto answer = co_await context.password_workers.run([&]() -> Result<ApiResponse> {
    const store::ActorScope acting(
        {.kind = store::ActorKind::User, .name = credentials->email, .address = request.peer, .at = now});
    const auto user = context.users.sign_up(credentials->email, credentials->password, context.settings.signup_plan);
    if (!user) return user.error();
    log_person("signed_up", *user, request.peer);
    return open_first_session(context, *user);
  });
  if (answer && *answer) co_return std::move(**answer);
  const bool is_taken = answer && answer->error().code() == ErrorCode::AlreadyExists;
  if (!is_taken) context.password_throttle.withdraw(request.peer, {}, now);
  if (is_taken && throttled.delay > Duration(0)) co_await net::wait_for(throttled.delay);
  co_return answer ? api_error(answer->error()) : api_problem(ApiProblem::Unavailable);
}

// What whoever signed in gets: a token, or a cookie.
using AnswerUser = Result<ApiResponse> (*)(ApiContext&, const ApiRequest&, const store::UserRecord&);

net::Awaitable<ApiResponse> sign_in(ApiContext& context, ApiRequest& request, AnswerUser answer_user) {
  const auto credentials = read_credentials(request);
  if (!credentials) co_return api_error(credentials.error());
  const Instant now = context.clock.now();
  // Before the slow check: many at once count as many.
  const auth::ThrottleDecision throttled = context.password_throttle.begin(request.peer, credentials->email, now);
  if (throttled.is_blocked) co_return too_many_failures(throttled);
  auto answer = co_await context.password_workers.run([&]() -> Result<ApiResponse> {
    const auto user = context.users.sign_in(credentials->email, credentials->password);
    if (!user) return user.error();
    log_person("signed_in", *user, request.peer);
    return answer_user(context, request, *user);
  });
  if (answer && !*answer && answer->error().code() == ErrorCode::NotFound) {
    log::write(log::Level::Info, "sign_in_failed", {{"peer", format_ip_address(request.peer)}});
    if (throttled.delay > Duration(0)) co_await net::wait_for(throttled.delay);
    co_return api_problem(ApiProblem::InvalidCredentials);
  }
  if (answer && *answer) {
    context.password_throttle.succeeded(request.peer, credentials->email, now);
  } else {
    context.password_throttle.withdraw(request.peer, credentials->email, now);
  }
  if (!answer) co_return api_problem(ApiProblem::Unavailable);
  if (!*answer) co_return api_error(answer->error());
  co_return std::move(**answer);
}

Result<ApiResponse> answer_with_token(ApiContext& context, const ApiRequest&, const store::UserRecord& user) {
  return open_session(context, user, 200);
}

net::Awaitable<ApiResponse> log_in(ApiContext& context, ApiRequest& request) {
  auto answer = co_await sign_in(context, request, answer_with_token);
  co_return answer;
}

Result<ApiResponse> answer_user_with_cookie(ApiContext& context, const ApiRequest& request, const store::UserRecord& user) {
  auto opened = context.browsers.open(user, {request.peer, request.header("user-agent")});
  if (!opened) return opened.error();
  Caller caller{.account = user.account, .key = {}, .user = user.id, .session = {}};
  caller.browser = opened->record;
  return answer_with_cookie(context, request, caller, opened->text, 201);
}

// With a key a browser may do what the key may.
net::Awaitable<ApiResponse> sign_in_with_key(ApiContext& context, ApiRequest& request) {
  RequestFields fields(request.json);
  const Secret key = fields.required_secret("api_key");
  fields.refuse_unknown();
  if (fields.problem()) co_return api_problem(ApiProblem::ValidationError, *fields.problem());
  CredentialFacts facts{.authorization = Secret("Bearer " + std::string(key.reveal())),  // as a program would show it
                        .cookie = {},
                        .peer = request.peer,
                        .user_agent = request.header("user-agent")};
  AuthFilter filter(context);
  std::variant<Caller, ApiResponse> admitted = co_await filter.admit(Access::Manage, std::move(facts));
  if (auto* refused = std::get_if<ApiResponse>(&admitted)) co_return std::move(*refused);
  Caller& caller = std::get<Caller>(admitted);
  if (!caller.key) co_return api_problem(ApiProblem::InvalidCredentials);  // a token
  auto answer = co_await answer_on(context.write_turns, context.write_workers, caller.account, [&]() -> Result<ApiResponse> {
    auto opened = context.browsers.open(caller.account, caller.key->key, {request.peer, request.header("user-agent")});
    if (!opened) return opened.error();
    caller.browser = opened->record;
    return answer_with_cookie(context, request, caller, opened->text, 201);
  });
  co_return answer;
}

net::Awaitable<ApiResponse> sign_in_at_browser(ApiContext& context, ApiRequest& request) {
  const boost::json::object* const body = request.json.if_object();
  const bool has_key = body != nullptr && body->contains("api_key");
  auto answer = has_key ? sign_in_with_key(context, request) : sign_in(context, request, answer_user_with_cookie);
  ApiResponse response = co_await std::move(answer);
  co_return response;
}

// The token is worthless from here on, whatever time it has left.
Result<ApiResponse> log_out(ApiContext& context, const ApiRequest& request) {
  const Caller& caller = request.caller;
  if (!caller.user && !caller.browser) {
    return api_refusal(Refusal::PermissionDenied, "this needs a session token: an API key is revoked, not signed out");
  }
  const auto ended = caller.browser ? context.browsers.end(caller.browser->id) : context.users.sign_out(caller.session);
  if (!ended) return ended.error();
  ApiResponse response = ApiResponse::json(boost::json::object{{"object", "session"}, {"ended", true}});
  if (caller.browser) set_session_cookie(request, response, Secret());
  return response;
}

Result<ApiResponse> show_caller(ApiContext& context, const ApiRequest& request) {
  const auto answer = caller_json(context, request.caller);
  if (!answer) return answer.error();
  if (!*answer) return api_problem(ApiProblem::InvalidCredentials);
  return ApiResponse::json(**answer);
}

constexpr SchemaLimit kSessionLimits[] = {
    {"password_min", auth::kMinPasswordOctets},
    {"password_max", auth::kMaxPasswordOctets}};

constexpr std::string_view kSessionSchemas = R"({
  "NewUser": {"type": "object", "required": ["email", "password"], "properties": {
    "email": {"type": "string", "format": "email"},
    "password": {"type": "string", "minLength": "$password_min", "maxLength": "$password_max"}}},
  "Credentials": {"type": "object", "required": ["email", "password"], "properties": {
    "email": {"type": "string", "format": "email"},
    "password": {"type": "string"}}},
  "BrowserCredentials": {"type": "object", "description": "An address with its password, or a full_access key.", "properties": {
    "email": {"type": "string", "format": "email"},
    "password": {"type": "string"},
    "api_key": {"type": "string"}}},
  "User": {"type": "object", "required": ["id", "email", "email_verified", "isAdmin", "account_id", "created_at"], "properties": {
    "id": {"type": "string"}, "email": {"type": "string"}, "email_verified": {"type": "boolean"},
    "isAdmin": {"type": "boolean", "description": "Who operates the installation."}, "account_id": {"type": "string"},
    "created_at": {"type": "string", "format": "date-time"}}},
  "Session": {"type": "object", "required": ["object", "token", "token_type", "expires_at", "user"], "properties": {
    "object": {"const": "session"}, "token": {"type": "string", "examples": ["eyJhbGciOiJIUzI1NiJ9…"]},
    "token_type": {"const": "Bearer"},
    "expires_at": {"type": "string", "format": "date-time"}, "user": {"$ref": "#/components/schemas/User"},
    "api_key": {"type": "string", "description":
      "After signing up, where an account has a single key: that key, which is never shown again."}}},
  "EndedSession": {"type": "object", "required": ["object", "ended"], "properties": {
    "object": {"const": "session"}, "ended": {"const": true}}},
  "Me": {"type": "object", "required": ["object", "user", "api_key", "account", "session"], "properties": {
    "object": {"const": "me"},
    "session": {"description": "At a browser.", "oneOf": [{"$ref": "#/components/schemas/BrowserSession"}, {"type": "null"}]},
    "user": {"oneOf": [{"$ref": "#/components/schemas/User"}, {"type": "null"}]},
    "api_key": {"type": ["object", "null"], "required": ["id", "name", "environment", "permission"], "properties": {
      "id": {"type": "string"}, "name": {"type": "string"}, "environment": {"enum": ["live", "test"]},
      "permission": {"enum": ["full_access", "sending_access"]}}},
    "account": {"type": "object", "required": ["id", "name", "mode"], "properties": {
      "id": {"type": "string"}, "name": {"type": "string"}, "mode": {"enum": ["sandbox", "production"]}}}}},
  "BrowserSession": {"type": "object", "required": ["object", "id", "created_at", "expires_at", "peer", "client", "current"],
    "properties": {"object": {"const": "session"}, "id": {"type": "string"},
    "created_at": {"type": "string", "format": "date-time"}, "expires_at": {"type": "string", "format": "date-time"},
    "peer": {"type": "string", "examples": ["192.0.2.17"]},
    "client": {"type": "string", "description": "The User-Agent field."},
    "current": {"type": "boolean", "description": "The one that asks."}}}
})";

constexpr Route kSessionRoutes[] = {
    {.method = Method::Post, .path = "/v1/auth/signup", .access = Access::Open, .body = Body::Json, .handler = sign_up,
     .operation = "signUp", .summary = "Make an account in sandbox mode with its first user", .tag = "session",
     .request_schema = "NewUser", .status = 201, .response_schema = "Session", .failures = {403, 409}},
    {.method = Method::Post, .path = "/v1/auth/login", .access = Access::Open, .body = Body::Json, .handler = log_in,
     .operation = "logIn", .summary = "Get a session token", .tag = "session", .request_schema = "Credentials",
     .response_schema = "Session", .failures = {401, 403}},
    {.method = Method::Post, .path = "/v1/auth/session", .access = Access::Open, .body = Body::Json,
     .handler = sign_in_at_browser, .operation = "signInAtBrowser",
     .summary = "Get a session as a cookie, for pages of this server", .tag = "session", .request_schema = "BrowserCredentials",
     .status = 201, .response_schema = "Me", .failures = {401, 403}, .is_for_browsers = true},
    {.method = Method::Post, .path = "/v1/auth/logout", .access = Access::Manage, .body = Body::None,
     .handler = on_worker<log_out>, .operation = "logOut", .summary = "End the session: its token is worthless from now on",
     .tag = "session", .response_schema = "EndedSession", .failures = {403}, .serves_domain_keys = true},
    {.method = Method::Get, .path = "/v1/auth/me", .access = Access::Manage, .body = Body::None, .handler = on_worker<show_caller>,
     .operation = "getMe", .summary = "Who asks: user or key, and the account", .tag = "session", .response_schema = "Me",
     .serves_domain_keys = true},
};

}  // namespace

ApiArea session_api() { return {kSessionRoutes, kSessionSchemas, {}, kSessionLimits}; }

}  // namespace postern::api
