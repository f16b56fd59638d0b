#include "relay/egress.h"

#include <algorithm>

namespace postern::relay {
namespace {

constexpr std::uint64_t kPercent = 100;

template <class T>
bool is_among(const std::vector<T>& values, const T& value) {
  return std::ranges::find(values, value) != values.end();
}

struct Tier {
  std::uint64_t good = 0;  // weights
  std::uint64_t failing = 0;
  bool has_resting = false;
};

Tier weigh(const EgressPool& pool, std::span<const SourceState> states, std::uint32_t number) {
  Tier tier;
  for (std::size_t i = 0; i < pool.members.size(); ++i) {
    if (pool.members[i].tier != number) continue;
    if (states[i] == SourceState::Good) tier.good += pool.members[i].weight;
    if (states[i] == SourceState::Failing) tier.failing += pool.members[i].weight;
    tier.has_resting = tier.has_resting || states[i] == SourceState::Resting;
  }
  return tier;
}

}  // namespace

std::optional<std::uint64_t> allowed_on(const WarmUp& plan, std::chrono::sys_days day) {
  if (!plan.from) return std::nullopt;
  if (day < *plan.from) return 0;
  std::uint64_t allowed = plan.first_day;
  for (auto at = *plan.from; at < day && allowed <= plan.warm_at; at += std::chrono::days(1)) {
    // At least one more, so that every plan ends.
    allowed += std::max<std::uint64_t>(allowed * plan.growth_percent / kPercent, 1);
  }
  return allowed > plan.warm_at ? std::nullopt : std::optional(allowed);
}

const IpAddress* EgressSource::address_for(const IpAddress& peer) const {
  const std::optional<IpAddress>& own = peer.is_v4() ? v4 : v6;
  return own ? &*own : nullptr;
}

std::optional<std::size_t> choose_member(const EgressPool& pool, std::span<const SourceState> states, std::uint64_t draw) {
  std::uint32_t last = 0;
  for (const PoolMember& member : pool.members) last = std::max(last, member.tier);
  for (std::uint32_t number = 0; number <= last; ++number) {
    const Tier tier = weigh(pool, states, number);
    if (tier.good + tier.failing == 0 && tier.has_resting) return std::nullopt;
    const SourceState wanted = tier.good > 0 ? SourceState::Good : SourceState::Failing;
    const std::uint64_t weights = tier.good > 0 ? tier.good : tier.failing;
    if (weights == 0) continue;
    std::uint64_t place = draw % weights;
    for (std::size_t i = 0; i < pool.members.size(); ++i) {
      if (pool.members[i].tier != number || states[i] != wanted) continue;
      if (place < pool.members[i].weight) return i;
      place -= pool.members[i].weight;
    }
  }
  return std::nullopt;
}

bool has_tag(const Tags& tags, std::string_view wanted) {
  const std::size_t equals = wanted.find('=');
  return std::ranges::any_of(tags, [&](const auto& one) {
    if (equals == std::string_view::npos) return one.first == wanted;
    return one.first == wanted.substr(0, equals) && one.second == wanted.substr(equals + 1);
  });
}

std::string_view find_pool_for(std::span<const PoolRule> rules, const AccountId& account, const KeyId& key, const Tags& tags) {
  const auto first = [&](const auto& applies) {
    const auto found = std::ranges::find_if(rules, applies);
    return found == rules.end() ? std::string_view() : std::string_view(found->pool);
  };
  const std::string_view by_tag = first([&](const PoolRule& rule) {
    return std::ranges::any_of(rule.tags, [&](const std::string& tag) { return has_tag(tags, tag); });
  });
  if (!by_tag.empty()) return by_tag;
  const std::string_view by_key = first([&](const PoolRule& rule) { return is_among(rule.keys, key); });
  if (!by_key.empty()) return by_key;
  return first([&](const PoolRule& rule) { return is_among(rule.accounts, account); });
}

}  // namespace postern::relay
