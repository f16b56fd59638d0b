#include "auth/permission.h"

#include <algorithm>

namespace postern::auth {

bool is_network_allowed(std::span<const IpNetwork> networks, const IpAddress& client) {
  return networks.empty() ||
         std::any_of(networks.begin(), networks.end(), [&](const IpNetwork& network) { return network.contains(client); });
}

bool is_domain_allowed(std::span<const std::string> domains, std::string_view domain) {
  return domains.empty() || std::find(domains.begin(), domains.end(), domain) != domains.end();
}

}  // namespace postern::auth
