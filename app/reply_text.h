// docs/smtp-replies.md, made from the table of refusals (core/refusals) and that of the API's own problems (api/api).
#pragma once

#include <string>

namespace postern::app {

std::string make_reply_reference();

}  // namespace postern::app
