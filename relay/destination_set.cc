#include "relay/destination_set.h"

#include "store/lane.h"

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

constexpr std::uint32_t kSimulationLimit = 1;  // a simulated delivery waits for nothing
constexpr std::uint32_t kFirstConnections = 2;  // to the hosts of a domain, until one of them has answered

using Destinations = std::vector<std::shared_ptr<Destination>>;

// The one that `route` had before; null if it is new or changed.
std::shared_ptr<Destination> kept_destination(const Route* route, const Destinations& before) {
  const auto found = std::ranges::find_if(before, [route](const auto& old) {
    if (route == nullptr || old->route() == nullptr) return route == old->route();
    return *route == *old->route();
  });
  return found == before.end() ? nullptr : *found;
}

bool is_same_hop(const Route* a, const Route* b) {
  return a != nullptr && b != nullptr && a->host == b->host && a->port == b->port;
}

bool is_left_due(const store::RecipientState& state, Instant now) {
  return state.stage == store::RecipientStage::Pending && state.next_attempt <= now;
}

}  // namespace

DestinationSet::DestinationSet(std::shared_ptr<const RouteTable> routes,
                               TransportFactory make_transport, const DestinationSet* before)
    : routes_(std::move(routes)), make_transport_(std::move(make_transport)) {
  const Destinations old = before == nullptr ? Destinations() : before->configured_;
  if (before != nullptr) next_hop_ = before->next_hop_;
  if (before != nullptr) orders_ = before->orders_;
  std::vector<const Route*> wanted;
  for (const Route& route : routes_->routes()) wanted.push_back(&route);
  wanted.push_back(nullptr);
  for (const Route* route : wanted) {
    std::shared_ptr<Destination> kept = kept_destination(route, old);
    if (!kept) kept = make(next_hop_++, route == nullptr ? "simulation" : route->name, route);
    by_hop_.emplace(kept->hop(), kept);
    configured_.push_back(std::move(kept));
  }
  for (const auto& gone : old) {
    if (std::ranges::find(configured_, gone) != configured_.end()) continue;
    const auto heir = std::ranges::find_if(
        configured_, [&gone](const auto& d) { return is_same_hop(d->route(), gone->route()); });
    if (heir != configured_.end()) (*heir)->succeed(gone);
  }
}

std::shared_ptr<Destination> DestinationSet::make(HopId hop, std::string name,
                                                  const Route* route) const {
  DestinationLimits limits;
  limits.max_connections =
      route == nullptr ? kSimulationLimit : std::max(route->max_connections, 1U);
  if (route != nullptr && route->is_per_domain) limits.first_connections = kFirstConnections;
  auto made =
      std::make_shared<Destination>(std::move(name), std::shared_ptr<const Route>(routes_, route),
                                    limits, make_transport_(routes_, route));
  made->set_hop(hop);
  return made;
}

void DestinationSet::use_orders(std::shared_ptr<const OrderBook> orders, Instant now) {
  orders_ = std::move(orders);
  std::vector<HopId> hops;
  for (const auto& [hop, domain] : domains_) hops.push_back(hop);
  for (const HopId hop : hops) no_lanes_left(hop, now);
}

const Route* DestinationSet::route_of(std::string_view lane) const {
  return lane == store::kTestLane ? nullptr : routes_->find_of_lane(lane);
}

HopId DestinationSet::hop_of(std::string_view lane) {
  if (const std::optional<HopId> known = find_hop(lane)) return *known;
  const HopId hop = next_hop_++;
  hops_by_lane_.emplace(lane, hop);
  domains_.emplace(hop, Domain{std::string(lane), route_of(lane), nullptr});
  return hop;
}

std::optional<HopId> DestinationSet::find_hop(std::string_view lane) const {
  if (lane == store::kTestLane) return configured_.back()->hop();
  const Route* route = route_of(lane);
  if (!orders_->is_empty() && orders_->find_hold_on_lane(store::parts_of_lane(lane).domain, route)) return kHeld;
  if (route == nullptr) return kNoRoute;
  if (!route->is_per_domain)
    return configured_[static_cast<std::size_t>(route - routes_->routes().data())]->hop();
  const auto known = hops_by_lane_.find(std::string(lane));
  return known == hops_by_lane_.end() ? std::nullopt : std::optional(known->second);
}

bool DestinationSet::is_current(HopId hop) const {
  return hop == kNoRoute || hop == kHeld || by_hop_.contains(hop) || domains_.contains(hop);
}

std::shared_ptr<Destination> DestinationSet::find(HopId hop) const {
  if (const auto found = by_hop_.find(hop); found != by_hop_.end()) return found->second;
  const auto domain = domains_.find(hop);
  return domain == domains_.end() ? nullptr : domain->second.destination;
}

std::shared_ptr<Destination> DestinationSet::at(HopId hop) {
  if (hop == kNoRoute || hop == kHeld) return nullptr;
  if (const auto found = by_hop_.find(hop); found != by_hop_.end()) return found->second;
  Domain& domain = domains_.at(hop);
  if (!domain.destination) {
    domain.destination = make(hop, std::string(store::parts_of_lane(domain.lane).domain), domain.route);
  }
  return domain.destination;
}

std::vector<std::uint32_t> DestinationSet::due_recipients(const store::StoredMessage& stored,
                                                          HopId hop, Instant now) {
  std::vector<std::uint32_t> due;
  const auto& states = stored.delivery.recipients;
  const std::size_t count = std::min(states.size(), stored.message.envelope.recipients.size());
  std::optional<std::string> last;  // most have the domain of the one before
  bool is_last_ours = false;
  for (std::uint32_t index = 0; index < count; ++index) {
    if (!is_left_due(states[index], now)) continue;
    if (count > 1) {
      std::string lane = store::lane_of(stored, index);
      if (lane != last) is_last_ours = find_hop(lane) == hop;
      last = std::move(lane);
      if (!is_last_ours) continue;
    }
    due.push_back(index);
  }
  return due;
}

void DestinationSet::no_lanes_left(HopId hop, Instant now) {
  const auto found = domains_.find(hop);
  if (found == domains_.end() || found->second.is_leaving) return;
  if (!found->second.destination) return forget(found);
  found->second.is_leaving = true;
  idle_.emplace_back(now, hop);
}

void DestinationSet::forget(std::unordered_map<HopId, Domain>::iterator domain) {
  hops_by_lane_.erase(domain->second.lane);
  domains_.erase(domain);
}

void DestinationSet::drop_idle(const std::function<bool(HopId)>& knows, Instant now) {
  while (!idle_.empty() && (now - idle_.front().first >= kIdleFor || now < idle_.front().first)) {
    const HopId hop = idle_.front().second;
    idle_.pop_front();
    const auto found = domains_.find(hop);
    if (found == domains_.end()) continue;
    found->second.is_leaving = false;
    if (knows(hop)) continue;  // said again when they are gone
    if (!found->second.destination->is_idle()) {
      no_lanes_left(hop, now);
      continue;
    }
    found->second.destination->transport().retire();
    forget(found);
  }
}

std::vector<std::shared_ptr<Destination>> DestinationSet::all() const {
  Destinations all = configured_;
  for (const auto& [hop, domain] : domains_) {
    if (domain.destination) all.push_back(domain.destination);
  }
  return all;
}

std::shared_ptr<Destination> DestinationSet::find_named(std::string_view name) const {
  const auto found = std::ranges::find(configured_, name, [](const auto& destination) {
    return std::string_view(destination->name());
  });
  return found == configured_.end() ? nullptr : *found;
}

}  // namespace postern::relay
