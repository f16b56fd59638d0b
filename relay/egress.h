// Egress: the addresses that mail leaves from, as values. A source is an address with its name; a pool is several of them with
// weights, and who steps in where they may send no more; rules say whose mail takes which pool. Pure: what is known of sources now
// is relay/source_book's, and who of them goes is decided here.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/ip_address.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::relay {

inline constexpr std::size_t kMaxPools = 50;          // with each of them every route is a next hop of its own
inline constexpr std::size_t kMaxPoolSources = 100;   // with those that step in
inline constexpr std::uint32_t kMaxSourceWeight = 1'000;

// Which of a mail host's addresses are tried first.
enum class FamilyOrder : std::uint8_t { AsFound, V4First, V6First };

// A new address earns its name: so many messages a day (UTC) to one provider, more each day.
struct WarmUp {
  std::optional<std::chrono::sys_days> from;  // its first day; nullopt: it is warm
  std::uint32_t first_day = 0;
  std::uint32_t growth_percent = 0;
  std::uint32_t warm_at = 0;  // a day that would have more has no bound

  friend bool operator==(const WarmUp&, const WarmUp&) = default;
};
// nullopt: any number. Before the first day: none.
std::optional<std::uint64_t> allowed_on(const WarmUp& plan, std::chrono::sys_days day);

struct EgressSource {
  std::string name;
  std::optional<IpAddress> v4;  // one of both at least
  std::optional<IpAddress> v6;
  std::string ehlo_name;        // empty: the installation's
  FamilyOrder order = FamilyOrder::AsFound;
  WarmUp warm_up;

  // What connections to the address leave from; null: it has none of that family.
  const IpAddress* address_for(const IpAddress& peer) const;
  friend bool operator==(const EgressSource&, const EgressSource&) = default;
};

struct PoolMember {
  EgressSource source;
  std::uint32_t weight = 1;  // at least 1
  std::uint32_t tier = 0;    // 0: the pool's own; then those of the pool that steps in, and so on

  friend bool operator==(const PoolMember&, const PoolMember&) = default;
};

struct EgressPool {
  std::string name;  // empty: none, and the machine chooses the address
  std::vector<PoolMember> members;

  friend bool operator==(const EgressPool&, const EgressPool&) = default;
};

// What is known of a member now, as far as one next hop is concerned.
enum class SourceState : std::uint8_t {
  Good,
  Failing,  // its last session there could not be had
  Resting,  // that provider may be given no more by it for now
  Spent,    // its day's share for that provider is used up
  Missing,  // its address is not on this machine
};
// One of the members, by weight: of the first tier that has a good one, or a failing one where none is good. Whoever rests keeps
// the tiers below it waiting, for what it may send is not lost; whoever is spent or missing does not. nullopt: nobody may go.
// `draw` is anything at all.
std::optional<std::size_t> choose_member(const EgressPool& pool, std::span<const SourceState> states, std::uint64_t draw);

// Whose mail takes a pool, beside the route's.
struct PoolRule {
  std::string pool;
  std::vector<AccountId> accounts;
  std::vector<KeyId> keys;
  std::vector<std::string> tags;  // a name, or "name=value"

  friend bool operator==(const PoolRule&, const PoolRule&) = default;
};
using Tags = std::vector<std::pair<std::string, std::string>>;
bool has_tag(const Tags& tags, std::string_view wanted);
// What is said of a tag goes before what is said of a key, and that before the account's; of equals the first. Empty: no rule.
std::string_view find_pool_for(std::span<const PoolRule> rules, const AccountId& account, const KeyId& key, const Tags& tags);

}  // namespace postern::relay
