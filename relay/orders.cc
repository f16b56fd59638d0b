#include "relay/orders.h"

#include "core/mailbox.h"
#include "store/lane.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace postern::relay {
namespace {

using store::OrderAction;
using store::OrderRecord;
using store::OrderScope;

constexpr std::size_t kMaxOrderTagOctets = 513;  // name=value, each of 256: what the HTTP endpoints take

int rank_of(OrderAction action) {
  switch (action) {
    case OrderAction::Bounce: return 0;
    case OrderAction::Hold: return 1;
    case OrderAction::Move: return 2;
  }
  return 2;
}

bool is_of_lanes(const OrderScope& scope) { return !scope.message && !scope.account && !scope.key && scope.tag.empty(); }

// A route, or "@pool": the recipients' own routes from another pool.
bool is_way_out(std::string_view name, const RouteTable& routes) {
  if (name.starts_with(kPoolMark)) return routes.has_pool(name.substr(1));
  return routes.find_named(name) != nullptr;
}

// It leaves by there already.
bool is_there(std::string_view name, const Route& route) {
  return route.name == name || (name.starts_with(kPoolMark) && route.egress.name == name.substr(1));
}

bool concerns_message(const OrderScope& scope, const store::MessageRecord& message) {
  return (!scope.message || *scope.message == message.id) && (!scope.account || *scope.account == message.account) &&
         (!scope.key || *scope.key == message.key) && (scope.tag.empty() || has_tag(message.summary.tags, scope.tag));
}

}  // namespace

bool concerns_domain(const OrderScope& scope, std::string_view domain, const Route* route) {
  const bool is_any_route = scope.route.empty();
  const bool is_its_route =
      is_any_route || (route != nullptr && (route->name == scope.route || route->configured_name() == scope.route));
  return is_its_route && (scope.domain.empty() || matches_domain(scope.domain, domain));
}

Duration usual_order_time(OrderAction action) {
  return action == OrderAction::Hold ? Duration(std::chrono::days(1)) : Duration(std::chrono::minutes(5));
}

Result<void> check_scope(OrderScope& scope, const RouteTable& routes) {
  const auto refuse = [](std::string why) { return Result<void>(Error(ErrorCode::InvalidArgument, std::move(why))); };
  if (scope == OrderScope{}) return refuse("say of which mail: a message, domain, route, account, key or tag; domain * is all");
  const bool is_below = scope.domain.starts_with('.');
  scope.domain = (is_below ? "." : "") + normalised_domain(std::string_view(scope.domain).substr(is_below ? 1 : 0));
  const bool is_any = scope.domain.empty() || scope.domain == "*";
  const bool is_domain = is_any || is_valid_domain(scope.domain.substr(is_below ? 1 : 0), false);
  if (!is_domain) return refuse("the domain is none: example.org, .example.org with all below it, or *");
  if (!scope.route.empty() && routes.find_named(scope.route) == nullptr) return refuse("there is no such route");
  if (scope.tag.size() > kMaxOrderTagOctets) return refuse("the tag is too long");
  return {};
}

bool has_later_attempt(const OrderScope& scope, const store::StoredMessage& stored, const RouteTable& routes, Instant now) {
  const bool is_test = stored.message.environment == Environment::Test;
  if (is_test || !concerns_message(scope, stored.message)) return false;
  const auto& states = stored.delivery.recipients;
  const auto& recipients = stored.message.envelope.recipients;
  for (std::size_t i = 0; i < states.size() && i < recipients.size(); ++i) {
    if (states[i].stage != store::RecipientStage::Pending || states[i].next_attempt <= now) continue;
    const std::string domain = normalised_domain(recipients[i].mailbox.domain);
    if (concerns_domain(scope, domain, routes.find_for(states[i].route, domain))) return true;
  }
  return false;
}

Result<void> check_order(OrderRecord& order, const RouteTable& routes) {
  const auto refuse = [](std::string why) { return Result<void>(Error(ErrorCode::InvalidArgument, std::move(why))); };
  if (auto checked = check_scope(order.scope, routes); !checked) return checked;
  const bool is_move = order.action == OrderAction::Move;
  if (!is_move && !order.to_route.empty()) return refuse("only a move leads to another route");
  if (is_move && !is_way_out(order.to_route, routes)) return refuse("there is no such route or pool to move it to");
  if (is_move && !store::is_lane_route(order.to_route)) return refuse("the name of that route is too long or has spaces or >");
  if (order.reason.size() > store::kMaxOrderReasonOctets) return refuse("the reason is too long: 200 octets");
  const Duration time = order.expires_at - order.created;
  if (time <= Duration{0} || time > store::kLongestOrder) return refuse("it must end, within 365 days");
  return {};
}

OrderBook::OrderBook(std::vector<OrderRecord> orders, const RouteTable& routes, Instant now) : orders_(std::move(orders)) {
  std::erase_if(orders_, [&](const OrderRecord& order) {
    const bool leads_nowhere = order.action == OrderAction::Move && !is_way_out(order.to_route, routes);
    return order.expires_at <= now || leads_nowhere;
  });
  std::ranges::sort(orders_, {}, [](const OrderRecord& order) {
    return std::tuple(rank_of(order.action), -order.created.time_since_epoch().count(), order.id);
  });
}

bool OrderBook::holds_lanes() const {
  return std::ranges::any_of(
      orders_, [](const OrderRecord& order) { return order.action == OrderAction::Hold && is_of_lanes(order.scope); });
}

bool OrderBook::acts_at_once() const {
  return std::ranges::any_of(orders_, [](const OrderRecord& order) { return order.action != OrderAction::Hold; });
}

const OrderRecord* OrderBook::find_hold_on_lane(std::string_view domain, const Route* route) const {
  const auto found = std::ranges::find_if(orders_, [&](const OrderRecord& order) {
    return order.action == OrderAction::Hold && is_of_lanes(order.scope) && concerns_domain(order.scope, domain, route);
  });
  return found == orders_.end() ? nullptr : &*found;
}

bool OrderBook::may_act_on(std::string_view domain, const Route* route) const {
  return std::ranges::any_of(orders_, [&](const OrderRecord& order) {
    return order.action != OrderAction::Hold && concerns_domain(order.scope, domain, route);
  });
}

const OrderRecord* OrderBook::find(const store::StoredMessage& stored, std::size_t recipient, const Route* route) const {
  if (stored.message.environment == Environment::Test) return nullptr;
  const std::string domain = normalised_domain(stored.message.envelope.recipients[recipient].mailbox.domain);
  const std::string& moved_to = stored.delivery.recipients[recipient].route;
  for (const OrderRecord& order : orders_) {
    const bool is_move = order.action == OrderAction::Move;
    if (is_move && order.to_route == moved_to) return nullptr;
    if (is_move && route != nullptr && is_there(order.to_route, *route)) continue;
    if (concerns_domain(order.scope, domain, route) && concerns_message(order.scope, stored.message)) return &order;
  }
  return nullptr;
}

}  // namespace postern::relay
