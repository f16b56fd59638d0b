// All destinations by one route table. Those of configured next hops are there as long as the
// table; those of single domains come when something of theirs is taken up, and go a little after
// they hold nothing. What is asked for at every message is one look-up.
#pragma once

#include "core/clock.h"
#include "core/mailbox.h"
#include "relay/destination.h"
#include "relay/due_reader.h"
#include "relay/orders.h"
#include "relay/route.h"
#include "store/records.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace postern::relay {

// Makes a destination's transport; `route` is in `routes`, or null for the simulation.
using TransportFactory = std::function<std::unique_ptr<Transport>(
    const std::shared_ptr<const RouteTable>& routes, const Route* route)>;

class DestinationSet {
 public:
  static constexpr HopId kNoRoute = 0;  // of lanes that no route leads from
  static constexpr HopId kHeld = 1;     // of lanes that an operator holds: not read, and without a destination
  // How long a domain's destination is kept for its idle connections.
  static constexpr Duration kIdleFor = std::chrono::seconds(30);

  // A destination of `before` whose route is the same goes on as it is; another one to the same
  // next hop is succeeded by the new one.
  DestinationSet(std::shared_ptr<const RouteTable> routes, TransportFactory make_transport,
                 const DestinationSet* before = nullptr);

  // Which lanes are held. What is known of lanes and hops is not true any more.
  void use_orders(std::shared_ptr<const OrderBook> orders, Instant now);

  const RouteTable& routes() const { return *routes_; }
  HopId hop_of(std::string_view lane);
  // Null: none leads from there, or it is test mail's. Into the table.
  const Route* route_of(std::string_view lane) const;
  // False: of a set before this one, whose lanes have other hops now. Ids are not used twice.
  bool is_current(HopId hop) const;
  // Null for kNoRoute and kHeld. Made where it is not there: `hop` is of hop_of().
  std::shared_ptr<Destination> at(HopId hop);
  // Null if it is not there.
  std::shared_ptr<Destination> find(HopId hop) const;
  // The recipients that are pending, due, and in lanes of `hop`.
  std::vector<std::uint32_t> due_recipients(const store::StoredMessage& stored, HopId hop,
                                            Instant now);
  // True if a route leads to that mailbox's domain.
  bool is_routed(const Mailbox& mailbox) const {
    return routes_->find(normalised_domain(mailbox.domain)) != nullptr;
  }

  // The hop has neither lanes nor anything else that is known: a domain's is let go, at once or
  // after kIdleFor.
  void no_lanes_left(HopId hop, Instant now);
  // Those whose time is over. `knows` as DueReader::knows().
  void drop_idle(const std::function<bool(HopId)>& knows, Instant now);

  // Destinations that exist now; a walk over all, for reloads and the end.
  std::vector<std::shared_ptr<Destination>> all() const;
  // Null if it is not there.
  std::shared_ptr<Destination> find_named(std::string_view name) const;
  // True: it is of a configured next hop, not of a domain.
  bool is_configured(const Destination& destination) const {
    return by_hop_.contains(destination.hop());
  }
  std::size_t size() const { return configured_.size() + domains_.size(); }

 private:
  struct Domain {
    std::string lane;
    const Route* route = nullptr;
    std::shared_ptr<Destination> destination;  // null: not taken up yet
    bool is_leaving = false;                   // among idle_
  };

  std::shared_ptr<Destination> make(HopId hop, std::string name, const Route* route) const;
  // nullopt: of a domain that has none.
  std::optional<HopId> find_hop(std::string_view lane) const;
  void forget(std::unordered_map<HopId, Domain>::iterator domain);

  std::shared_ptr<const RouteTable>
      routes_;  // shared with the transports, which may outlive this set
  TransportFactory make_transport_;
  // One for each route in its order, then the simulation. Shared with the deliveries under way,
  // which outlive a reload.
  std::vector<std::shared_ptr<Destination>> configured_;
  std::unordered_map<HopId, std::shared_ptr<Destination>> by_hop_;  // the same
  std::shared_ptr<const OrderBook> orders_ = std::make_shared<const OrderBook>();
  HopId next_hop_ = kHeld + 1;
  std::unordered_map<HopId, Domain> domains_;
  std::unordered_map<std::string, HopId> hops_by_lane_;
  std::deque<std::pair<Instant, HopId>> idle_;  // since when
};

}  // namespace postern::relay
