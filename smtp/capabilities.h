// EHLO keywords as a function of configuration and state.
#pragma once

#include "core/time_format.h"
#include "smtp/config.h"

#include <string>
#include <vector>

namespace postern::smtp {

// The lines of the EHLO reply, the host name first. RFC 4865 §3 wants a date too: the longest hold from `opened_at` on, which is a
// little before what is taken.
std::vector<std::string> capabilities(const Config& config, bool is_tls, bool is_authenticated, Instant opened_at);
// AUTH may be said now (RFC 4954 §4: not where it would show the key to the network).
bool may_authenticate(const Config& config, bool is_tls);

}  // namespace postern::smtp
