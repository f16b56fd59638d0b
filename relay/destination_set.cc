#include "relay/destination_set.h"

#include "core/mailbox.h"

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

constexpr std::size_t kMaxKnownLanes = 131'072;  // about 6 MiB; forgotten as a whole when it is full, and learnt again
constexpr std::size_t kLeastWeight = 32;         // a destination's share, however many routes there are
constexpr std::uint32_t kSimulationLimit = 1;    // a simulated delivery waits for nothing

using Destinations = std::vector<std::shared_ptr<Destination>>;

std::shared_ptr<Destination> make_destination(const std::shared_ptr<const RouteTable>& routes, const Route* route,
                                              const TransportFactory& make_transport, std::size_t max_weight) {
  DestinationLimits limits;
  limits.max_connections = route == nullptr ? kSimulationLimit : std::max(route->max_connections, 1U);
  limits.max_weight = max_weight;
  return std::make_shared<Destination>(route == nullptr ? "simulation" : route->name,
                                       std::shared_ptr<const Route>(routes, route), limits, make_transport(routes, route));
}

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

DestinationSet::DestinationSet(std::shared_ptr<const RouteTable> routes, const TransportFactory& make_transport,
                               std::size_t max_leased, const Destinations& before)
    : routes_(std::move(routes)) {
  const std::size_t share = std::max(max_leased / (routes_->routes().size() + 1), kLeastWeight);
  std::vector<const Route*> wanted;
  for (const Route& route : routes_->routes()) wanted.push_back(&route);
  wanted.push_back(nullptr);
  for (const Route* route : wanted) {
    std::shared_ptr<Destination> kept = kept_destination(route, before);
    if (kept) kept->set_max_weight(share);
    all_.push_back(kept ? std::move(kept) : make_destination(routes_, route, make_transport, share));
  }
  for (const auto& old : before) {
    if (std::ranges::find(all_, old) != all_.end()) continue;
    const auto heir = std::ranges::find_if(all_, [&old](const auto& d) { return is_same_hop(d->route(), old->route()); });
    if (heir != all_.end()) (*heir)->succeed(old);
  }
}

std::shared_ptr<Destination> DestinationSet::destination_for(const store::MessageRecord& message, std::uint32_t recipient) {
  if (message.environment == Environment::Test) return all_.back();
  const std::string domain = normalised_domain(message.envelope.recipients[recipient].mailbox.domain);
  const Route* route = routes_->find(domain);
  if (route == nullptr) return nullptr;
  const auto& destination = all_[static_cast<std::size_t>(route - routes_->routes().data())];
  if (by_lane_.size() >= kMaxKnownLanes) by_lane_.clear();
  by_lane_.try_emplace(store::lane_of(domain), destination.get());
  return destination;
}

std::vector<DestinationSet::Group> DestinationSet::group_due(const store::StoredMessage& stored, Instant now) {
  std::vector<Group> groups;
  const auto& states = stored.delivery.recipients;
  for (std::uint32_t index = 0; index < states.size(); ++index) {
    if (!is_left_due(states[index], now)) continue;
    std::shared_ptr<Destination> destination = destination_for(stored.message, index);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&destination](const Group& g) { return g.destination == destination; });
    if (group == groups.end()) group = groups.insert(groups.end(), Group{std::move(destination), {}});
    group->recipients.push_back(index);
  }
  return groups;
}

Destination* DestinationSet::find_by_lane(std::uint64_t lane) const {
  if (lane == store::kMixedLane) return nullptr;
  const auto found = by_lane_.find(lane);
  return found == by_lane_.end() ? nullptr : found->second;
}

}  // namespace postern::relay
