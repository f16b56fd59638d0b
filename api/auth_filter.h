// AuthFilter: the Authorization field, or a session's cookie → who asks, or the refusal. API keys and the users' session tokens,
// throttled together as SMTP's AUTH is: a guess costs the same at either door.
#pragma once

#include "api/api.h"
#include "api/api_context.h"
#include "net/awaitable.h"

#include <optional>
#include <string_view>
#include <variant>

namespace postern::api {

// What a request says of itself.
struct CredentialFacts {
  std::optional<Secret> authorization;  // the field's value
  std::optional<Secret> cookie = {};    // of a session; counts where there is no Authorization
  IpAddress peer;
  std::string_view user_agent;          // remembered beside a key's last use
  bool may_be_basic = false;            // the row takes a key as a password, too (RFC 7617)
  std::optional<std::string> acting_key = {};  // the id of the key by which who signed in sends
};

class AuthFilter {
 public:
  // `context` outlives this.
  explicit AuthFilter(ApiContext& context) : context_(context) {}

  // Requires: `access` is not Open. Waits before it says that a credential is wrong, if there were many. A suspended account is
  // refused whatever it asks for. Any thread.
  net::Awaitable<std::variant<Caller, ApiResponse>> admit(Access access, CredentialFacts facts);

 private:
  using Answer = std::variant<Caller, ApiResponse>;
  struct Verdict;

  Verdict check(std::string_view token, const CredentialFacts& facts, Instant now);
  Verdict check_key(std::string_view key, const CredentialFacts& facts, Instant now);
  Verdict check_session(std::string_view token) const;
  template <class IsHis>
  Verdict check_user(Caller caller, IsHis is_his) const;
  Verdict check_cookie(std::string_view cookie, const CredentialFacts& facts, Instant now) const;
  std::optional<ApiResponse> act_by_key(Caller& caller, const CredentialFacts& facts, Instant now);

  ApiContext& context_;
};

// Whether the caller could still come in: his key, user, session and account are looked at again. What streams ask.
bool may_still_come_in(const ApiContext& context, const Caller& caller, const IpAddress& peer);

// Whose doing it is what the request changes.
store::Actor actor_of(const ApiContext& context, const ApiRequest& request);

}  // namespace postern::api
