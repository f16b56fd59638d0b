// What a key's policy lets through: client networks and From domains. Pure; an empty list always means "no restriction".
#pragma once

#include "core/ip_address.h"

#include <span>
#include <string>
#include <string_view>

namespace postern::auth {

bool is_network_allowed(std::span<const IpNetwork> networks, const IpAddress& client);

// Exactly: a subdomain is another domain. All of them normalised.
bool is_domain_allowed(std::span<const std::string> domains, std::string_view domain);

}  // namespace postern::auth
