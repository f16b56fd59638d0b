// What the endpoints of sessions say of who asks, and the cookie that a browser gets with it.
#pragma once

#include "api/api.h"
#include "api/api_context.h"

#include <boost/json/object.hpp>

#include <optional>

namespace postern::api {

// With `email_verified` and `isAdmin`.
boost::json::object person_json(const store::UserRecord& user, bool is_proven);
boost::json::object browser_session_json(const store::SessionRecord& session, const Caller& caller);

// "Me": user or key, account, session. nullopt: the user or the account is gone. Reads the directory: on a worker.
Result<std::optional<boost::json::object>> caller_json(ApiContext& context, const Caller& caller);

// Empty: the browser is to forget it.
void set_session_cookie(const ApiRequest& request, ApiResponse& response, const Secret& text);
// "Me" and the cookie.
Result<ApiResponse> answer_with_cookie(ApiContext& context, const ApiRequest& request, const Caller& caller, const Secret& text,
                                       std::uint16_t status);

}  // namespace postern::api
