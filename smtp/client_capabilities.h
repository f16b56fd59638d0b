// What an EHLO reply offers (RFC 5321 §4.1.1.1). Unknown keywords are passed over.
#pragma once

#include "smtp/client_session.h"

#include <string_view>

namespace postern::smtp {

// `lines` as in Reply::lines; the first is the peer's name and says nothing.
ClientCapabilities parse_capabilities(std::string_view lines);

}  // namespace postern::smtp
