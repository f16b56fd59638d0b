// The caller's e-mail and its content, for every endpoint about one.
#pragma once

#include "api/api.h"
#include "api/api_context.h"
#include "core/result.h"

#include <string>

namespace postern::api {

// A test key sees test mail, a key that is limited to From domains mail from these.
bool can_see(const Caller& caller, const store::MessageRecord& message);
// That which the path's "id" names. NotFound: no such id, or the caller may not see that one.
Result<store::StoredMessage> find_own(const ApiContext& context, const ApiRequest& request);

// What leaves, or left: signatures on top. NotFound: the content is gone.
Result<std::string> read_content(const store::Spool& spool, const store::MessageRecord& message);
ApiResponse content_gone();

}  // namespace postern::api
