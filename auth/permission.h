// What a key's policy lets through: permission, networks, From domains. Pure; an empty list always means "no restriction".
#pragma once

#include "core/ip_address.h"
#include "core/result.h"
#include "store/records.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::auth {

std::string_view permission_name(store::Permission permission);  // "full_access", "sending_access"
std::optional<store::Permission> parse_permission(std::string_view name);

bool is_network_allowed(std::span<const IpNetwork> networks, const IpAddress& client);

// "example.org" stands for itself: a subdomain is another domain. ".example.org" stands for it and for every name below it, as in a
// route's domains. All of them normalised.
bool is_domain_allowed(std::span<const std::string> domains, std::string_view domain);
// Whatever `domain` (either form) stands for, `allowed` does too.
bool covers_domain(std::string_view allowed, std::string_view domain);
// A From domain as people write it → normalised, its leading dot kept. InvalidArgument.
Result<std::string> read_from_domain(std::string_view text);
Result<std::vector<std::string>> read_from_domains(std::span<const std::string> texts);

}  // namespace postern::auth
