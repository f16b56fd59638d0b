#include "app/egress_settings.h"

#include "app/config_keys.h"
#include "core/bytes.h"
#include "core/ip_address.h"
#include "core/mailbox.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace postern::app {
namespace {

constexpr std::size_t kMaxEgressNameOctets = 32;  // with a route's name it is a lane's; store::kMaxRouteOctets

bool is_egress_name(std::string_view text) {
  const auto is_of_name = [](char c) { return is_ascii_alnum(c) || c == '-' || c == '_'; };
  return !text.empty() && text.size() <= kMaxEgressNameOctets && std::ranges::all_of(text, is_of_name);
}

// "2026-12-01".
std::optional<std::chrono::sys_days> parse_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = parse_unsigned(text.substr(0, 4));
  const auto month = parse_unsigned(text.substr(5, 2));
  const auto day = parse_unsigned(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  return date.ok() ? std::optional(std::chrono::sys_days(date)) : std::nullopt;
}

struct Weighted {
  std::string_view name;
  std::uint32_t weight = 1;
};

// "out1", "out2:3".
std::optional<Weighted> parse_weighted(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return Weighted{text};
  const auto weight = parse_unsigned(text.substr(colon + 1));
  if (!weight || *weight == 0 || *weight > relay::kMaxSourceWeight) return std::nullopt;
  return Weighted{text.substr(0, colon), static_cast<std::uint32_t>(*weight)};
}

template <class Table>
const Table* find_table(const std::vector<Table>& tables, std::string_view name) {
  const auto found = std::ranges::find(tables, name, &Table::name);
  return found == tables.end() ? nullptr : &*found;
}

// The pool, the one that steps in for it, and so on; each once.
std::vector<const EgressPoolSettings*> chain_of(const Settings& settings, std::string_view name) {
  std::vector<const EgressPoolSettings*> chain;
  for (const auto* pool = find_table(settings.egress_pools, name); pool != nullptr;
       pool = find_table(settings.egress_pools, pool->overflow)) {
    if (std::ranges::find(chain, pool) != chain.end()) break;
    chain.push_back(pool);
  }
  return chain;
}

relay::EgressSource make_source(const EgressSourceSettings& settings) {
  relay::EgressSource source;
  source.name = settings.name;
  source.ehlo_name = settings.ehlo_name;
  for (const std::string& text : settings.addresses) {
    const auto address = parse_ip_address(text);
    if (address) (address->is_v4() ? source.v4 : source.v6) = address;
  }
  if (settings.family == "ipv4") source.order = relay::FamilyOrder::V4First;
  if (settings.family == "ipv6") source.order = relay::FamilyOrder::V6First;
  source.warm_up = {.from = parse_day(settings.warm_up_from),
                    .first_day = static_cast<std::uint32_t>(settings.warm_up_first_day),
                    .growth_percent = static_cast<std::uint32_t>(settings.warm_up_growth_percent),
                    .warm_at = static_cast<std::uint32_t>(settings.warm_up_until)};
  return source;
}

template <class Table>
void check_name(const Table& table, std::set<std::string>& names, Problems& problems) {
  if (!is_egress_name(table.name)) {
    problems.add({table.line, "name"}, quote_toml(table.name) + " is no name for it",
                 "write 1 to 32 letters, digits, - and _");
  } else if (!names.insert(table.name).second) {
    problems.add({table.line, "name"}, quote_toml(table.name) + " is the name of one above", "give it another");
  }
}

void check_source(const EgressSourceSettings& source, Problems& problems) {
  std::size_t four = 0;
  std::size_t six = 0;
  for (const std::string& text : source.addresses) {
    const auto address = parse_ip_address(text);
    if (!address) {
      problems.add({source.line, "addresses"}, quote_toml(text) + " is not an IP address", "write one such as \"192.0.2.25\"");
      continue;
    }
    ++(address->is_v4() ? four : six);
  }
  if (four > 1 || six > 1 || source.addresses.empty()) {
    problems.add({source.line, "addresses"}, "has to be one address of a family, or one of each",
                 "make a source of its own for each further address");
  }
  if (!source.ehlo_name.empty() && (!is_valid_domain(source.ehlo_name, false) || is_valid_address_literal(source.ehlo_name))) {
    problems.add({source.line, "ehlo_name"}, quote_toml(source.ehlo_name) + " is not a host name",
                 "write the name that its addresses lead back to, such as out1.example.org");
  }
  if (!source.warm_up_from.empty() && !parse_day(source.warm_up_from)) {
    problems.add({source.line, "warm_up_from"}, quote_toml(source.warm_up_from) + " is no day", "write one such as \"2026-12-01\"");
  }
}

template <class Id>
void check_ids(const EgressPoolSettings& pool, std::string_view key, const std::vector<std::string>& texts,
               std::optional<Id> (*parse)(std::string_view), Problems& problems) {
  for (const std::string& text : texts) {
    if (parse(text)) continue;
    problems.add({pool.line, std::string(key)}, quote_toml(text) + " is no id",
                 "write it as `postern account list` and `key list` do");
  }
}

void check_pool(const Settings& settings, const EgressPoolSettings& pool, Problems& problems) {
  std::set<std::string_view> seen;
  for (const std::string& text : pool.sources) {
    const auto weighted = parse_weighted(text);
    if (!weighted) {
      problems.add({pool.line, "sources"}, quote_toml(text) + " has no weight behind its colon", "write 1 to 1000: \"out2:3\"");
    } else if (find_table(settings.egress_sources, weighted->name) == nullptr) {
      problems.add({pool.line, "sources"}, "there is no [[egress_source]] " + quote_toml(weighted->name),
                   "add it, or remove the name");
    } else if (!seen.insert(weighted->name).second) {
      problems.add({pool.line, "sources"}, quote_toml(weighted->name) + " stands there twice", "give it a weight in place of that");
    }
  }
  if (pool.sources.empty()) problems.add({pool.line, "sources"}, "is empty", "name an [[egress_source]]");
  if (!pool.overflow.empty() && find_table(settings.egress_pools, pool.overflow) == nullptr) {
    problems.add({pool.line, "overflow"}, "there is no [[egress_pool]] " + quote_toml(pool.overflow), "add it, or remove the key");
  }
  if (const auto chain = chain_of(settings, pool.name); !chain.empty() && !chain.back()->overflow.empty() &&
                                                       find_table(settings.egress_pools, chain.back()->overflow) != nullptr) {
    problems.add({pool.line, "overflow"}, "leads in a circle", "let one of the pools have none");
  }
  check_ids(pool, "accounts", pool.accounts, &parse_account_id, problems);
  check_ids(pool, "keys", pool.keys, &parse_key_id, problems);
}

void check_pool_name(const Settings& settings, const std::string& name, const Place& place, Problems& problems) {
  if (name.empty() || find_table(settings.egress_pools, name) != nullptr) return;
  problems.add(place, "there is no [[egress_pool]] " + quote_toml(name), "add it, or remove the key");
}

template <class Id>
std::vector<Id> make_ids(const std::vector<std::string>& texts, std::optional<Id> (*parse)(std::string_view)) {
  std::vector<Id> ids;
  for (const std::string& text : texts) {
    if (const auto id = parse(text)) ids.push_back(*id);
  }
  return ids;
}

}  // namespace

void check_egress(const Settings& settings, Problems& problems) {
  std::set<std::string> names;
  for (const auto& source : settings.egress_sources) {
    check_name(source, names, problems);
    check_source(source, problems);
  }
  names.clear();
  for (const auto& pool : settings.egress_pools) {
    check_name(pool, names, problems);
    check_pool(settings, pool, problems);
    if (make_egress_pool(settings, pool.name).members.size() > relay::kMaxPoolSources) {
      problems.add({pool.line, "sources"}, "are more than " + std::to_string(relay::kMaxPoolSources) + ", with those that step in",
                   "divide the pool");
    }
  }
  if (settings.egress_pools.size() > relay::kMaxPools) {
    problems.add({settings.egress_pools.back().line, "name"}, "is one pool too many: 50 at most", "remove some");
  }
  check_pool_name(settings, settings.egress_pool, {0, "egress_pool"}, problems);
  for (const auto& route : settings.routes) {
    check_pool_name(settings, route.egress_pool, {route.line, "egress_pool"}, problems);
    if (!settings.egress_pools.empty() && route.name.find(relay::kPoolMark) != std::string::npos) {
      problems.add({route.line, "name"}, quote_toml(route.name) + " has an @, which stands before a pool's name", "leave it out");
    }
  }
}

relay::EgressPool make_egress_pool(const Settings& settings, std::string_view name) {
  relay::EgressPool made{.name = std::string(name), .members = {}};
  std::uint32_t tier = 0;
  for (const EgressPoolSettings* pool : chain_of(settings, name)) {
    for (const std::string& text : pool->sources) {
      const auto weighted = parse_weighted(text);
      const auto* source = weighted ? find_table(settings.egress_sources, weighted->name) : nullptr;
      const bool is_there = source == nullptr || std::ranges::any_of(made.members, [&](const relay::PoolMember& member) {
                              return member.source.name == source->name;
                            });
      if (!is_there) made.members.push_back({.source = make_source(*source), .weight = weighted->weight, .tier = tier});
    }
    ++tier;
  }
  return made;
}

relay::EgressRules make_egress_rules(const Settings& settings) {
  relay::EgressRules made;
  for (const auto& pool : settings.egress_pools) {
    made.pools.push_back(make_egress_pool(settings, pool.name));
    if (pool.accounts.empty() && pool.keys.empty() && pool.tags.empty()) continue;
    made.rules.push_back({.pool = pool.name,
                          .accounts = make_ids(pool.accounts, &parse_account_id),
                          .keys = make_ids(pool.keys, &parse_key_id),
                          .tags = pool.tags});
  }
  return made;
}

std::vector<relay::EgressSource> make_egress_sources(const Settings& settings) {
  std::vector<relay::EgressSource> sources;
  for (const auto& source : settings.egress_sources) sources.push_back(make_source(source));
  return sources;
}

}  // namespace postern::app
