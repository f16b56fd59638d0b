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
                    r.max_messages_per_connection, r.idle_timeout, r.is_per_domain, r.is_mx, r.egress, r.variant_of);
  };
  return facts(a) == facts(b) && a.password.reveal() == b.password.reveal();  // to compare them
}

RouteTable::RouteTable(std::vector<Route> routes, EgressRules egress) : routes_(std::move(routes)), egress_(std::move(egress)) {
  const std::size_t configured = routes_.size();
  routes_.reserve(configured * (1 + egress_.pools.size()));
  for (std::size_t i = 0; i < configured; ++i) {
    for (const EgressPool& pool : egress_.pools) {
      Route variant = routes_[i];
      variant.variant_of = variant.name;
      variant.name += kPoolMark + pool.name;
      variant.domains.clear();
      variant.egress = pool;
      routes_.push_back(std::move(variant));
    }
  }
}

const Route* RouteTable::find_named(std::string_view name) const {
  const auto found = std::ranges::find(routes_, name, [](const Route& route) { return std::string_view(route.name); });
  return found == routes_.end() ? nullptr : &*found;
}

const Route* RouteTable::find_of_lane(std::string_view lane) const {
  const store::LaneParts parts = store::parts_of_lane(lane);
  return find_for(parts.route, parts.domain);
}

const Route* RouteTable::find_for(std::string_view name, std::string_view normalised_domain) const {
  if (name.empty()) return find(normalised_domain);
  if (name.front() != kPoolMark) {
    const Route* const named = find_named(name);
    return named != nullptr ? named : find(normalised_domain);
  }
  const Route* const route = find(normalised_domain);
  const Route* const variant = route == nullptr ? nullptr : find_named(route->name + std::string(name));
  return variant != nullptr ? variant : route;
}

bool RouteTable::has_pool(std::string_view name) const {
  return std::ranges::any_of(egress_.pools, [name](const EgressPool& pool) { return pool.name == name; });
}

std::string RouteTable::pool_for(const store::MessageRecord& message) const {
  if (egress_.rules.empty() || message.environment == Environment::Test) return {};
  const std::string_view pool = find_pool_for(egress_.rules, message.account, message.key, message.summary.tags);
  return pool.empty() ? std::string() : kPoolMark + std::string(pool);
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
