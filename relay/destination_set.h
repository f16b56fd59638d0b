// All destinations by one route table: recipient domain → destination, and lane → destination for what was seen already.
#pragma once

#include "core/clock.h"
#include "core/mailbox.h"
#include "relay/destination.h"
#include "relay/route.h"
#include "store/records.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace postern::relay {

// Makes a destination's transport; `route` is in `routes`, or null for the simulation.
using TransportFactory =
    std::function<std::unique_ptr<Transport>(const std::shared_ptr<const RouteTable>& routes, const Route* route)>;

class DestinationSet {
 public:
  // `max_leased` weight is shared out evenly, so that no destination can take what another needs. A destination of `before` whose
  // route is the same goes on as it is; another one to the same next hop is succeeded by the new one.
  DestinationSet(std::shared_ptr<const RouteTable> routes, const TransportFactory& make_transport, std::size_t max_leased,
                 const std::vector<std::shared_ptr<Destination>>& before = {});

  struct Group {
    std::shared_ptr<Destination> destination;  // null: no route leads there
    std::vector<std::uint32_t> recipients;
  };
  // The recipients that are pending and due, by destination.
  std::vector<Group> group_due(const store::StoredMessage& stored, Instant now);
  // True if a route leads to that mailbox's domain.
  bool is_routed(const Mailbox& mailbox) const { return routes_->find(normalised_domain(mailbox.domain)) != nullptr; }

  // Null if the lane is mixed or was not met yet.
  Destination* find_by_lane(std::uint64_t lane) const;

  const std::vector<std::shared_ptr<Destination>>& all() const { return all_; }

 private:
  std::shared_ptr<Destination> destination_for(const store::MessageRecord& message, std::uint32_t recipient);

  std::shared_ptr<const RouteTable> routes_;  // shared with the transports, which may outlive this set
  // One for each route in its order, then the simulation. Shared with the deliveries under way, which outlive a reload.
  std::vector<std::shared_ptr<Destination>> all_;
  std::unordered_map<std::uint64_t, Destination*> by_lane_;
};

}  // namespace postern::relay
