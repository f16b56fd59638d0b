#include "auth/permission.h"

#include "core/mailbox.h"

#include <algorithm>

namespace postern::auth {

bool is_network_allowed(std::span<const IpNetwork> networks, const IpAddress& client) {
  return networks.empty() ||
         std::any_of(networks.begin(), networks.end(), [&](const IpNetwork& network) { return network.contains(client); });
}

bool is_domain_allowed(std::span<const std::string> domains, std::string_view domain) {
  return domains.empty() ||
         std::any_of(domains.begin(), domains.end(), [&](const std::string& allowed) { return covers_domain(allowed, domain); });
}

bool covers_domain(std::string_view allowed, std::string_view domain) {
  if (allowed == domain) return true;
  return allowed.starts_with('.') && (domain.ends_with(allowed) || domain == allowed.substr(1));
}

Result<std::string> read_from_domain(std::string_view text) {
  const std::string_view name = text.starts_with('.') ? text.substr(1) : text;
  if (!is_valid_domain(name, true)) return Error(ErrorCode::InvalidArgument, "not a domain: " + std::string(text));
  return std::string(text.substr(0, text.size() - name.size())) + normalised_domain(name);
}

Result<std::vector<std::string>> read_from_domains(std::span<const std::string> texts) {
  std::vector<std::string> domains;
  for (const std::string& text : texts) {
    Result<std::string> domain = read_from_domain(text);
    if (!domain) return domain.error();
    domains.push_back(std::move(*domain));
  }
  return domains;
}

std::string_view permission_name(store::Permission permission) {
  return permission == store::Permission::FullAccess ? "full_access" : "sending_access";
}

std::optional<store::Permission> parse_permission(std::string_view name) {
  if (name == "full_access") return store::Permission::FullAccess;
  if (name == "sending_access") return store::Permission::SendingAccess;
  return std::nullopt;
}

}  // namespace postern::auth
