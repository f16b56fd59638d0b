#include "relay/route.h"

#include <tuple>

namespace postern::relay {
namespace {

bool matches(std::string_view pattern, std::string_view domain) {
  if (pattern == "*" || pattern == domain) return true;
  if (!pattern.starts_with('.')) return false;
  return domain.ends_with(pattern) || domain == pattern.substr(1);
}

}  // namespace

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

const Route* RouteTable::find(std::string_view normalised_domain) const {
  for (const Route& route : routes_) {
    for (const std::string& pattern : route.domains) {
      if (matches(pattern, normalised_domain)) return &route;
    }
  }
  return nullptr;
}

}  // namespace postern::relay
