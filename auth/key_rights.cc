#include "auth/key_rights.h"

#include "auth/permission.h"

#include <algorithm>

namespace postern::auth {
namespace {

bool are_domains_within(const store::KeyRecord& maker, const store::KeyRecord& key) {
  if (maker.from_domains.empty()) return true;
  const auto is_makers = [&](const std::string& domain) { return is_domain_allowed(maker.from_domains, domain); };
  return !key.from_domains.empty() && std::ranges::all_of(key.from_domains, is_makers);
}

bool are_networks_within(const store::KeyRecord& maker, const store::KeyRecord& key) {
  if (maker.networks.empty()) return true;
  const auto is_within = [&](const IpNetwork& network) {
    return std::ranges::any_of(maker.networks, [&](const IpNetwork& outer) {
      return outer.prefix_length <= network.prefix_length && outer.contains(network.address);
    });
  };
  return !key.networks.empty() && std::ranges::all_of(key.networks, is_within);
}

// Nothing is no bound.
template <class T>
bool is_bound_within(const std::optional<T>& outer, const std::optional<T>& inner) {
  return !outer || (inner && *inner <= *outer);
}

}  // namespace

bool can_see_key(const store::KeyRecord& maker, const store::KeyRecord& key) { return can_see_keys(maker, key.environment); }

bool can_see_keys(const store::KeyRecord& maker, Environment environment) {
  return maker.environment == Environment::Live || environment == Environment::Test;
}

std::optional<Instant> end_of_key(const store::KeyRecord& key) {
  if (!key.expires_at || !key.retires_at) return key.expires_at ? key.expires_at : key.retires_at;
  return std::min(*key.expires_at, *key.retires_at);
}

void inherit_rights(const store::KeyRecord& maker, store::KeyRecord& draft) {
  if (draft.from_domains.empty()) draft.from_domains = maker.from_domains;
  if (draft.networks.empty()) draft.networks = maker.networks;
  if (!draft.per_second) draft.per_second = maker.per_second;
  if (!draft.expires_at) draft.expires_at = end_of_key(maker);
}

std::optional<std::string_view> excess_right(const store::KeyRecord& maker, const store::KeyRecord& key) {
  if (!can_see_key(maker, key)) return "a test key manages test keys only";
  if (maker.permission == store::Permission::SendingAccess && key.permission == store::Permission::FullAccess) {
    return "full_access is more than this key's permission";
  }
  if (!are_domains_within(maker, key)) return "that key may use From domains that this key may not";
  if (!are_networks_within(maker, key)) return "that key may be used from networks that this key may not be used from";
  if (!is_bound_within(maker.per_second, key.per_second)) return "that key's rate is above this key's";
  if (!is_bound_within(end_of_key(maker), end_of_key(key))) return "that key would work for longer than this key";
  return std::nullopt;
}

}  // namespace postern::auth
