// The cookie of a browser's session (RFC 6265): no script reads it, no other site's page makes a browser send it, and over TLS no
// other host of the domain can set it (its name begins with __Host-). Pure.
#pragma once

#include "core/secret.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::web {

// Takes the session's value out of the Cookie fields and wipes those: nobody behind this sees them. nullopt: there is none, or
// there are two. `fields`: names in lower case.
std::optional<Secret> take_session_cookie(std::vector<std::pair<std::string, std::string>>& fields, bool is_encrypted);

// Set-Cookie's value. An empty `value` ends it. `value`: no blank, comma or semicolon.
std::string format_session_cookie(const Secret& value, std::chrono::seconds lifetime, bool is_encrypted);

}  // namespace postern::web
