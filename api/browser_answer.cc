#include "api/browser_answer.h"

#include "api/record_json.h"
#include "auth/address_proof.h"
#include "auth/browser_session.h"
#include "auth/permission.h"
#include "core/time_format.h"
#include "web/session_cookie.h"

namespace postern::api {
namespace {

boost::json::value key_of(const Caller& caller) {
  if (!caller.key) return nullptr;
  return {{"id", format_id(caller.key->key)},
          {"name", caller.key->key_name},
          {"environment", environment_name(caller.key->environment)},
          {"permission", auth::permission_name(caller.key->permission)}};
}

}  // namespace

// isAdmin is what clients of such services look for.
boost::json::object person_json(const store::UserRecord& user, bool is_proven) {
  boost::json::object json = user_json(user);
  json["email_verified"] = is_proven;
  json["isAdmin"] = user.is_operator;
  return json;
}

boost::json::object browser_session_json(const store::SessionRecord& session, const Caller& caller) {
  return {{"object", "session"},
          {"id", format_id(session.id)},
          {"created_at", format_rfc3339(session.opened)},
          {"expires_at", format_rfc3339(session.expires_at)},
          {"peer", format_ip_address(session.address)},
          {"client", session.client},
          {"current", caller.browser && caller.browser->id == session.id}};
}

Result<std::optional<boost::json::object>> caller_json(ApiContext& context, const Caller& caller) {
  const store::Directory& directory = context.store.directory();
  const auto account = directory.find_account(caller.account);
  if (!account) return account.error();
  boost::json::value user = nullptr;
  if (caller.user) {
    const auto found = directory.find_user(*caller.user);
    if (!found) return found.error();
    if (!*found) return std::optional<boost::json::object>();
    const auto proven = context.proofs.is_proven(**found);
    if (!proven) return proven.error();
    user = person_json(**found, *proven);
  }
  if (!*account) return std::optional<boost::json::object>();
  const boost::json::value session =
      caller.browser ? boost::json::value(browser_session_json(*caller.browser, caller)) : boost::json::value(nullptr);
  return std::optional(boost::json::object{
      {"object", "me"},
      {"user", std::move(user)},
      {"api_key", key_of(caller)},
      {"account", {{"id", format_id((*account)->id)}, {"name", (*account)->name}, {"mode", account_mode_name((*account)->mode)}}},
      {"session", session}});
}

void set_session_cookie(const ApiRequest& request, ApiResponse& response, const Secret& text) {
  response.headers.emplace_back("Set-Cookie",
                                web::format_session_cookie(text, auth::kBrowserSessionLifetime, !request.tls.empty()));
}

Result<ApiResponse> answer_with_cookie(ApiContext& context, const ApiRequest& request, const Caller& caller, const Secret& text,
                                       std::uint16_t status) {
  const auto answer = caller_json(context, caller);
  if (!answer) return answer.error();
  if (!*answer) return Error(ErrorCode::NotFound);
  ApiResponse response = ApiResponse::json(**answer, status);
  set_session_cookie(request, response, text);
  return response;
}

}  // namespace postern::api
