#include "relay/route.h"

#include "store/lane.h"

#include <algorithm>
#include <tuple>

namespace postern::relay {

bool matches_domain(std::string_view pattern, std::string_view domain) {
  if (pattern == "*" || pattern == domain) return true;
  if (!pattern.starts_with('.')) return false;
  return domain.ends_with(pattern) || domain == pattern.substr(1);
}

mx::TlsFloor floor_of(TlsPolicy policy) {
  switch (policy) {
    case TlsPolicy::None: return mx::TlsFloor::Never;
    case TlsPolicy::Opportunistic: return mx::TlsFloor::Opportunistic;
    case TlsPolicy::Required: return mx::TlsFloor::Verified;
  }
  return mx::TlsFloor::Verified;
}

bool operator==(const Route& a, const Route& b) {
  const auto facts = [](const Route& r) {
    return std::tie(r.name, r.domains, r.host, r.port, r.implicit_tls, r.tls, r.ca_file, r.user_name, r.max_connections,
                    r.max_messages_per_connection, r.idle_timeout, r.is_per_domain, r.is_mx);
  };
  return facts(a) == facts(b) && a.password.reveal() == b.password.reveal();  // to compare them
}

const Route* RouteTable::find_named(std::string_view name) const {
  const auto found = std::ranges::find(routes_, name, [](const Route& route) { return std::string_view(route.name); });
  return found == routes_.end() ? nullptr : &*found;
}

const Route* RouteTable::find_of_lane(std::string_view lane) const {
  const store::LaneParts parts = store::parts_of_lane(lane);
  const Route* const moved_to = parts.route.empty() ? nullptr : find_named(parts.route);
  return moved_to != nullptr ? moved_to : find(parts.domain);
}

const Route* RouteTable::find(std::string_view normalised_domain) const {
  for (const Route& route : routes_) {
    for (const std::string& pattern : route.domains) {
      if (matches_domain(pattern, normalised_domain)) return &route;
    }
  }
  return nullptr;
}

}  // namespace postern::relay
