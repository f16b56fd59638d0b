#include "api/auth_filter.h"

#include "auth/browser_session.h"
#include "auth/session_token.h"
#include "auth/usage_tracker.h"
#include "core/base64.h"
#include "core/bytes.h"
#include "core/operator_log.h"
#include "net/wait_for.h"
#include "submission/auth_failure.h"
#include "submission/counters.h"

#include <algorithm>
#include <utility>

namespace postern::api {
namespace {

// Of a User-Agent: name and version; the rest is for statistics that we do not make.
constexpr std::size_t kMaxUserAgentOctets = 64;

// RFC 6750 §2.1; the scheme's name in any case (RFC 9110 §11.1). nullopt: another scheme, or nothing behind it.
std::optional<std::string_view> bearer_token(std::string_view field) {
  static constexpr std::string_view kScheme = "bearer ";
  if (!starts_with_ignoring_case(field, kScheme)) return std::nullopt;
  field.remove_prefix(kScheme.size());
  while (field.starts_with(' ')) field.remove_prefix(1);
  if (field.empty()) return std::nullopt;
  return field;
}

// RFC 7617, as clients say it that know no tokens: the password is the key, or the user name where there is none. nullopt: another
// scheme, or nothing that could be one.
std::optional<Secret> basic_key(std::string_view field) {
  static constexpr std::string_view kScheme = "basic ";
  if (!starts_with_ignoring_case(field, kScheme)) return std::nullopt;
  const auto pair = decode_base64(trim_ascii_space(field.substr(kScheme.size())));
  const std::size_t colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::nullopt;
  const std::string_view user = std::string_view(*pair).substr(0, colon);
  const std::string_view password = std::string_view(*pair).substr(colon + 1);
  const std::string_view key = password.empty() ? user : password;
  return key.empty() ? std::nullopt : std::optional(Secret(std::string(key)));
}

// RFC 7519: three parts; keys have no dot.
bool is_session_token(std::string_view token) { return std::ranges::count(token, '.') == 2; }

std::string client_name(std::string_view user_agent) {
  return "HTTP " + escape_for_log(user_agent, kMaxUserAgentOctets);
}

}  // namespace

// Who it is, or how it is said that it is nobody.
struct AuthFilter::Verdict {
  std::optional<Caller> caller;
  Refusal refusal = Refusal::InvalidKey;  // without a caller
  std::optional<auth::KeyOwner> owner;    // of a key that was recognised and not let in
  bool is_session = false;
  bool is_guess = false;                  // counts against the address

  ApiResponse response() const {
    if (is_session && refusal == Refusal::InvalidKey) return api_problem(ApiProblem::InvalidCredentials);
    return api_refusal(refusal);
  }
};

net::Awaitable<std::variant<Caller, ApiResponse>> AuthFilter::admit(Access access, CredentialFacts facts) {
  std::optional<std::string_view> token = facts.authorization ? bearer_token(facts.authorization->reveal()) : std::nullopt;
  const bool may_be_basic = facts.may_be_basic && facts.authorization && !token;
  const std::optional<Secret> basic = may_be_basic ? basic_key(facts.authorization->reveal()) : std::nullopt;
  if (basic) token = basic->reveal();
  const bool has_cookie = !facts.authorization && facts.cookie;
  if (!token && !has_cookie) {
    co_return api_refusal(Refusal::AuthRequired, "authenticate first: Authorization: Bearer, with an API key or a session token");
  }
  const Instant now = context_.clock.now();
  const auth::ThrottleDecision throttled = context_.throttle.decide(facts.peer, now);
  // Each is what it is for.
  Verdict verdict = has_cookie ? check_cookie(facts.cookie->reveal(), facts, now) : check(*token, facts, now);
  if (!verdict.caller) {
    submission::count_auth_failure(submission::Door::Http);
    if (verdict.is_guess && throttled.is_blocked) {
      operator_log::auth_failed(Refusal::TooManyFailures, facts.peer);
      co_return api_refusal_with_wait(Refusal::TooManyFailures, {}, std::chrono::ceil<std::chrono::seconds>(throttled.blocked_for));
    }
    const auth::AuthFailure failure{verdict.refusal, verdict.owner};
    submission::log_auth_failure(failure, facts.peer);
    submission::remember_refusal(context_.submission, submission::Door::Http, failure,
                                 {now, facts.peer, client_name(facts.user_agent)});
    if (verdict.is_guess) context_.throttle.record_failure(facts.peer, now);
    if (throttled.delay > Duration(0)) co_await net::wait_for(throttled.delay);
    co_return verdict.response();
  }
  context_.throttle.record_success(facts.peer, now);
  Caller& caller = *verdict.caller;
  if (access == Access::Send) {
    if (auto refused = act_by_key(caller, facts, now)) co_return std::move(*refused);
  }
  const bool may_manage = !caller.key || caller.key->permission == store::Permission::FullAccess;
  if (access == Access::Manage && !may_manage) {
    co_return api_refusal(Refusal::PermissionDenied, "this needs an API key with full_access: a sending_access key only sends");
  }
  if (access == Access::Operate && !caller.is_operator) {
    co_return api_refusal(Refusal::PermissionDenied, "this is for who operates the installation: postern user create --operator");
  }
  co_return std::move(*verdict.caller);
}

AuthFilter::Verdict AuthFilter::check(std::string_view token, const CredentialFacts& facts, Instant now) {
  return is_session_token(token) ? check_session(token) : check_key(token, facts, now);
}

AuthFilter::Verdict AuthFilter::check_key(std::string_view key, const CredentialFacts& facts, Instant now) {
  auth::AuthResult result = context_.authenticator.authenticate(key, facts.peer, now);
  if (const auto* failure = std::get_if<auth::AuthFailure>(&result)) {
    return {.caller = {}, .refusal = failure->refusal, .owner = failure->owner, .is_guess = auth::is_guess(*failure)};
  }
  auto& principal = std::get<auth::Principal>(result);
  if (principal.account_state == store::AccountState::Suspended) {
    return {.caller = {}, .refusal = Refusal::AccountSuspended, .owner = {}};
  }
  context_.usage.record(principal.key, {now, facts.peer, client_name(facts.user_agent)});
  Caller caller{.account = principal.account, .key = {}, .user = {}, .session = {}};
  caller.name = principal.key_name;
  caller.key = std::move(principal);
  return {.caller = std::move(caller), .owner = {}};
}

// The token says who signed in; the directory says whether that still holds.
AuthFilter::Verdict AuthFilter::check_session(std::string_view token) const {
  const Result<auth::SessionClaims> claims = context_.tokens.verify(token);
  const bool is_over = !claims && claims.error().code() == ErrorCode::DeadlinePassed;
  if (!claims) return {.caller = {}, .owner = {}, .is_session = true, .is_guess = !is_over};
  Caller caller{.account = claims->account, .key = {}, .user = claims->user, .session = *claims};
  return check_user(std::move(caller), [&](const store::UserRecord& user) { return auth::is_session_of(*claims, user); });
}

// Of a user who has signed in: `is_his` says whether the session is still that user's.
template <class IsHis>
AuthFilter::Verdict AuthFilter::check_user(Caller caller, IsHis is_his) const {
  const store::Directory& directory = context_.store.directory();
  const auto user = directory.find_user(*caller.user);
  const auto account = directory.find_account(caller.account);
  if (!user || !account) return {.caller = {}, .refusal = Refusal::AuthUnavailable, .owner = {}, .is_session = true};
  const bool is_known = *user && *account && (*user)->account == caller.account && is_his(**user);
  if (!is_known) return {.caller = {}, .owner = {}, .is_session = true};
  if ((*account)->state == store::AccountState::Suspended) {
    return {.caller = {}, .refusal = Refusal::AccountSuspended, .owner = {}, .is_session = true};
  }
  caller.name = (*user)->email;
  caller.is_operator = (*user)->is_operator;
  return {.caller = std::move(caller), .owner = {}, .is_session = true};
}

// A cookie that is not known is one of a session that was ended: nobody guesses one, and nobody is slowed for having one.
AuthFilter::Verdict AuthFilter::check_cookie(std::string_view cookie, const CredentialFacts& facts, Instant now) const {
  auto session = context_.browsers.find(cookie);
  if (!session) return {.caller = {}, .refusal = Refusal::AuthUnavailable, .owner = {}, .is_session = true};
  if (!*session) return {.caller = {}, .owner = {}, .is_session = true};
  Caller caller{.account = (*session)->account, .key = {}, .user = (*session)->user, .session = {}};
  caller.browser = std::move(**session);
  if (caller.user) {
    const std::string mark = caller.browser->password_mark;
    return check_user(std::move(caller), [&](const store::UserRecord& user) { return auth::password_mark(user) == mark; });
  }
  auth::AuthResult result = context_.authenticator.refresh(*caller.browser->key, facts.peer, now);
  if (const auto* failure = std::get_if<auth::AuthFailure>(&result)) {
    return {.caller = {}, .refusal = failure->refusal, .owner = failure->owner, .is_session = true};
  }
  auto& principal = std::get<auth::Principal>(result);
  if (principal.account_state == store::AccountState::Suspended) {
    return {.caller = {}, .refusal = Refusal::AccountSuspended, .owner = {}, .is_session = true};
  }
  caller.name = principal.key_name;
  caller.key = std::move(principal);
  return {.caller = std::move(caller), .owner = {}, .is_session = true};
}

// Sending is a key's work: who signed in names the one of the account that does it, and everything goes by its rules.
std::optional<ApiResponse> AuthFilter::act_by_key(Caller& caller, const CredentialFacts& facts, Instant now) {
  if (caller.key) {
    const bool is_own = !facts.acting_key || *facts.acting_key == format_id(caller.key->key);
    if (is_own) return std::nullopt;
    return api_refusal(Refusal::PermissionDenied, "a key acts for itself, and for no other key");
  }
  if (!facts.acting_key) {
    return api_refusal(Refusal::PermissionDenied, "this needs an API key: who signed in names one of the account's, ?api_key_id=");
  }
  const auto unknown = [] { return api_problem(ApiProblem::NotFound, "api_key_id: the account has no such key"); };
  const auto id = parse_key_id(*facts.acting_key);
  if (!id) return unknown();
  auth::AuthResult result = context_.authenticator.refresh(*id, facts.peer, now);
  if (const auto* failure = std::get_if<auth::AuthFailure>(&result)) {
    if (failure->refusal == Refusal::AuthUnavailable) return api_refusal(failure->refusal);
    const bool is_own = failure->owner && failure->owner->account == caller.account;
    // Not 401: it is the key that is refused, and who asks is still signed in.
    return is_own ? api_problem(ApiProblem::Conflict, refusal_row(failure->refusal).text) : unknown();
  }
  auto& principal = std::get<auth::Principal>(result);
  if (principal.account != caller.account) return unknown();
  context_.usage.record(principal.key, {now, facts.peer, client_name(facts.user_agent)});
  caller.name = principal.key_name;
  caller.key = std::move(principal);
  return std::nullopt;
}

bool may_still_come_in(const ApiContext& context, const Caller& caller, const IpAddress& peer) {
  const store::Directory& directory = context.store.directory();
  if (caller.browser) {
    const auto session = directory.find_session(caller.browser->id);
    if (!session || !*session || (*session)->expires_at <= context.clock.now()) return false;
  }
  if (caller.key) {
    const auth::AuthResult fresh = context.authenticator.refresh(caller.key->key, peer, context.clock.now());
    const auto* principal = std::get_if<auth::Principal>(&fresh);
    const bool may_read = principal != nullptr && principal->account_state == store::AccountState::Active &&
                          principal->permission == store::Permission::FullAccess;
    // A key that was narrowed meanwhile: the client comes again, and sees what it may now.
    return may_read && principal->has_own_domains == caller.key->has_own_domains &&
           principal->from_domains == caller.key->from_domains;
  }
  const auto user = directory.find_user(*caller.user);
  const auto account = directory.find_account(caller.account);
  const bool is_known = user && *user && account && *account && (*account)->state == store::AccountState::Active;
  return is_known && (caller.browser || auth::is_session_of(caller.session, **user));
}

store::Actor actor_of(const ApiContext& context, const ApiRequest& request) {
  const Caller& caller = request.caller;
  store::Actor actor{.kind = caller.key ? store::ActorKind::Key : store::ActorKind::User,
                     .id = caller.key ? format_id(caller.key->key) : caller.user ? format_id(*caller.user) : std::string(),
                     .name = caller.name,
                     .address = request.peer,
                     .at = context.clock.now()};
  return actor;
}

}  // namespace postern::api
