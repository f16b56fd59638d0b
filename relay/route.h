// Route: recipient domain → next hop. First match wins.
#pragma once

#include "core/secret.h"
#include "mx/tls_policy.h"
#include "relay/egress.h"
#include "store/records.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

enum class TlsPolicy {
  None,           // never TLS
  Opportunistic,  // if offered, without verification; in the clear otherwise
  Required,       // TLS with a verified certificate, or the attempt fails with 4.7.5
  // With is_mx the recipient's domain may ask for more than the second, by DANE and MTA-STS.
};

// The policy of a route to mail hosts.
mx::TlsFloor floor_of(TlsPolicy policy);

struct Route {
  std::string name;                   // for logs and `queue list`; unique
  std::vector<std::string> domains;   // normalised; ".example.org" also matches below it; "*" matches all
  std::string host;                   // of the smarthost: name or address; empty with is_mx
  std::uint16_t port = 25;
  bool implicit_tls = false;
  TlsPolicy tls = TlsPolicy::Opportunistic;
  std::string ca_file;                // empty: the system's store
  std::string user_name;              // AUTH if not empty; only under TLS unless the host is a loopback address
  Secret password;
  std::uint32_t max_connections = 8;  // at once
  std::uint32_t max_messages_per_connection = 100;
  std::chrono::seconds idle_timeout{30};  // of a connection kept for reuse
  bool is_per_domain = false;  // each recipient domain is a destination of its own
  bool is_mx = false;          // to the mail hosts of each domain; `host`, AUTH and implicit TLS do not apply
  EgressPool egress{};         // what its mail leaves from
  std::string variant_of{};    // the route that this one is with another pool, by name; "world@bulk" is "world" from pool "bulk"

  // Of the configuration.
  const std::string& configured_name() const { return variant_of.empty() ? name : variant_of; }
  friend bool operator==(const Route& a, const Route& b);
};

// As Route::domains has them.
bool matches_domain(std::string_view pattern, std::string_view normalised_domain);

// Pools that mail may leave by in place of its route's, and whose mail does.
struct EgressRules {
  std::vector<EgressPool> pools;
  std::vector<PoolRule> rules;

  friend bool operator==(const EgressRules&, const EgressRules&) = default;
};
// What RecipientState::route and a move's `to_route` hold in place of a route's name: the recipient's own route, from that pool.
inline constexpr char kPoolMark = '@';

class RouteTable {
 public:
  RouteTable() = default;
  // With each pool every route is there once more: another next hop, since what one address is refused another may be granted.
  explicit RouteTable(std::vector<Route> routes, EgressRules egress = {});

  // Null if no route matches. Valid while this table lives.
  const Route* find(std::string_view normalised_domain) const;
  const Route* find_named(std::string_view name) const;  // the same
  // Of a lane of live mail (store/lane.h): the route that its mail was moved to, else its domain's.
  const Route* find_of_lane(std::string_view lane) const;
  // `name` as RecipientState::route has it, for mail to the domain; empty or gone: the domain's route. The same.
  const Route* find_for(std::string_view name, std::string_view normalised_domain) const;
  // Those of the configuration, in its order, then those with other pools.
  const std::vector<Route>& routes() const { return routes_; }
  bool has_pool(std::string_view name) const;
  // For RecipientState::route of a new message's recipients: "@bulk"; empty: their route's own pool.
  std::string pool_for(const store::MessageRecord& message) const;

 private:
  std::vector<Route> routes_;
  EgressRules egress_;
};

}  // namespace postern::relay
