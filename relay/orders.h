// OrderBook: what operators want done with live mail that waits: which recipient is held, given up, or moved to another route.
// Pure; relay/queue_orders does what it says. A hold on nothing but domains and routes is one of whole lanes: their mail is not
// even read, however much it is.
#pragma once

#include "core/clock.h"
#include "core/result.h"
#include "relay/route.h"
#include "store/records.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace postern::relay {

class OrderBook {
 public:
  OrderBook() = default;
  // Without those whose time is over, and without moves to routes that there are not.
  OrderBook(std::vector<store::OrderRecord> orders, const RouteTable& routes, Instant now);

  bool is_empty() const { return orders_.empty(); }
  std::size_t size() const { return orders_.size(); }
  // Some hold whole lanes.
  bool holds_lanes() const;
  // Some are carried out on what is not due yet as well: bounces and moves.
  bool acts_at_once() const;

  // `route`: that leads to the domain; null: none does. The order that holds all of the lane; null: none.
  const store::OrderRecord* find_hold_on_lane(std::string_view domain, const Route* route) const;
  // Bounces and moves may concern mail of the lane.
  bool may_act_on(std::string_view domain, const Route* route) const;
  // The order that a recipient of live mail is under: a bounce before a hold before a move, the newer one before the older. What
  // was moved is moved on by newer orders only, so that no two send it to and fro.
  const store::OrderRecord* find(const store::StoredMessage& stored, std::size_t recipient, const Route* route) const;

  friend bool operator==(const OrderBook&, const OrderBook&) = default;

 private:
  std::vector<store::OrderRecord> orders_;  // in the order in which they are looked at
};

// Of what an order, or a retry, is to be: the domain is put into the form of domains. InvalidArgument: it means nothing.
Result<void> check_scope(store::OrderScope& scope, const RouteTable& routes);
// Some recipient that the scope is about waits for a later attempt than `now`. Of test mail none does.
bool has_later_attempt(const store::OrderScope& scope, const store::StoredMessage& stored, const RouteTable& routes, Instant now);

// How long an order stands where nobody says: a day for a hold; of the others five minutes, since they are about what waits now.
Duration usual_order_time(store::OrderAction action);
// InvalidArgument: the order means nothing: no scope, a domain that is none, no such route, too many words, too long a time. The
// domain is put into the form of domains.
Result<void> check_order(store::OrderRecord& order, const RouteTable& routes);

// Whether an order may concern mail to the domain, whatever else it asks of it.
bool concerns_domain(const store::OrderScope& scope, std::string_view domain, const Route* route);

}  // namespace postern::relay
