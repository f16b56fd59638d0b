// Which order a recipient is under.
#include "relay/orders.h"

#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::relay {
namespace {

using store::OrderAction;
using store::OrderRecord;
using store::OrderScope;
using std::chrono::hours;
using std::chrono::seconds;

const Instant kNow{std::chrono::sys_days{std::chrono::January / 1 / 2027}};

Route route_named(std::string name, std::string domain) {
  Route route;
  route.name = std::move(name);
  route.domains = {std::move(domain)};
  return route;
}

const RouteTable kRoutes({route_named("partner", "partner.example"), route_named("backup", "backup.example"),
                          route_named("world", "*")});

OrderRecord order_to(OrderAction action, OrderScope scope, std::string to_route = {}, seconds age = seconds(60)) {
  OrderRecord order;
  order.id.octets[9] = static_cast<std::uint8_t>(age.count());
  order.action = action;
  order.scope = std::move(scope);
  order.to_route = std::move(to_route);
  order.created = kNow - age;
  order.expires_at = kNow + hours(1);
  return order;
}

store::StoredMessage stored_to(const std::string& domain) {
  test::Draft draft = test::make_draft(MessageId{}, kNow, {domain});
  draft.message.account.octets[0] = 7;
  draft.message.key.octets[0] = 8;
  draft.message.summary.tags = {{"campaign", "spring"}};
  return {draft.message, draft.delivery};
}

const OrderRecord* find_in(const OrderBook& book, const store::StoredMessage& stored) {
  return book.find(stored, 0, kRoutes.find(stored.message.envelope.recipients[0].mailbox.domain));
}

TEST(OrderBook, FindsWhatAllOfTheScopeAppliesTo) {
  const store::StoredMessage stored = stored_to("sub.example.net");
  const AccountId mine = stored.message.account;
  const KeyId key = stored.message.key;
  const struct {
    const char* name;
    OrderScope scope;
    bool is_found;
  } kCases[] = {
      {"its message", {.message = stored.message.id}, true},
      {"another message", {.message = MessageId{{1}}}, false},
      {"its domain", {.domain = "sub.example.net"}, true},
      {"a domain above, with all below", {.domain = ".example.net"}, true},
      {"a domain above", {.domain = "example.net"}, false},
      {"all domains", {.domain = "*"}, true},
      {"its route", {.route = "world"}, true},
      {"another route", {.route = "partner"}, false},
      {"its account", {.account = mine}, true},
      {"another account", {.account = AccountId{}}, false},
      {"its key", {.key = key}, true},
      {"another key", {.key = KeyId{}}, false},
      {"its tag", {.tag = "campaign"}, true},
      {"its tag and value", {.tag = "campaign=spring"}, true},
      {"another value", {.tag = "campaign=autumn"}, false},
      {"another tag", {.tag = "campaig"}, false},
      {"its account at another domain", {.domain = "example.org", .account = mine}, false},
      {"its account at its domain", {.domain = ".example.net", .account = mine}, true},
  };
  for (const auto& row : kCases) {
    const OrderBook book({order_to(OrderAction::Hold, row.scope)}, kRoutes, kNow);
    EXPECT_EQ(find_in(book, stored) != nullptr, row.is_found) << row.name;
  }
}

TEST(OrderBook, LeavesTestMailAlone) {
  store::StoredMessage stored = stored_to("example.net");
  stored.message.environment = Environment::Test;
  EXPECT_EQ(find_in(OrderBook({order_to(OrderAction::Hold, {.domain = "*"})}, kRoutes, kNow), stored), nullptr);
}

TEST(OrderBook, ForgetsWhatIsOverAndWhatLeadsNowhere) {
  const OrderRecord hold = order_to(OrderAction::Hold, {.domain = "*"});
  EXPECT_TRUE(OrderBook({hold}, kRoutes, hold.expires_at).is_empty());
  EXPECT_FALSE(OrderBook({hold}, kRoutes, hold.expires_at - seconds(1)).is_empty());
  EXPECT_TRUE(OrderBook({order_to(OrderAction::Move, {.domain = "*"}, "gone")}, kRoutes, kNow).is_empty());
}

TEST(OrderBook, PutsABounceBeforeAHoldBeforeAMoveAndTheNewerFirst) {
  const store::StoredMessage stored = stored_to("example.net");
  const OrderRecord move = order_to(OrderAction::Move, {.domain = "*"}, "backup", seconds(1));
  const OrderRecord hold = order_to(OrderAction::Hold, {.domain = "*"}, {}, seconds(2));
  const OrderRecord older = order_to(OrderAction::Hold, {.domain = "example.net"}, {}, seconds(3));
  const OrderRecord bounce = order_to(OrderAction::Bounce, {.domain = "example.net"}, {}, seconds(4));
  EXPECT_EQ(*find_in(OrderBook({older, hold, bounce, move}, kRoutes, kNow), stored), bounce);
  EXPECT_EQ(*find_in(OrderBook({older, hold, move}, kRoutes, kNow), stored), hold);
  EXPECT_EQ(*find_in(OrderBook({move}, kRoutes, kNow), stored), move);
}

TEST(OrderBook, HoldsWholeLanesOnlyForDomainsAndRoutes) {
  const Route* const route = kRoutes.find("example.net");
  const auto holds = [&](OrderScope scope) {
    const OrderBook book({order_to(OrderAction::Hold, std::move(scope))}, kRoutes, kNow);
    return book.find_hold_on_lane("example.net", route) != nullptr;
  };
  EXPECT_TRUE(holds({.domain = "example.net"}));
  EXPECT_TRUE(holds({.route = "world"}));
  EXPECT_FALSE(holds({.domain = "example.net", .account = AccountId{}}));
  EXPECT_FALSE(holds({.tag = "campaign"}));
  EXPECT_FALSE(holds({.domain = "example.net", .route = "partner"}));
}

TEST(OrderBook, NeverSendsToAndFro) {
  const OrderRecord there = order_to(OrderAction::Move, {.route = "world"}, "backup", seconds(2));
  const OrderRecord back = order_to(OrderAction::Move, {.route = "backup"}, "world", seconds(1));
  const OrderBook book({there, back}, kRoutes, kNow);
  store::StoredMessage stored = stored_to("example.net");
  std::vector<std::string> way;
  const Route* route = kRoutes.find("example.net");
  for (const OrderRecord* order = book.find(stored, 0, route); order != nullptr; order = book.find(stored, 0, route)) {
    ASSERT_LT(way.size(), 10U);
    way.push_back(order->to_route);
    stored.delivery.recipients[0].route = order->to_route;
    route = kRoutes.find_named(order->to_route);
  }
  EXPECT_EQ(way, (std::vector<std::string>{"backup", "world"}));
}

TEST(OrderBook, LeavesWhatIsThereAlready) {
  const OrderBook book({order_to(OrderAction::Move, {.domain = "*"}, "world")}, kRoutes, kNow);
  EXPECT_EQ(find_in(book, stored_to("example.net")), nullptr) << "its own route leads there";
  EXPECT_NE(find_in(book, stored_to("partner.example")), nullptr);
}

TEST(LaterAttempt, IsOfAPendingRecipientThatTheScopeIsAbout) {
  store::StoredMessage stored = stored_to("sub.example.net");
  store::RecipientState& state = stored.delivery.recipients[0];
  const auto waits = [&](const OrderScope& scope) { return has_later_attempt(scope, stored, kRoutes, kNow); };
  state.next_attempt = kNow + seconds(1);
  EXPECT_TRUE(waits({.domain = "*"}));
  EXPECT_TRUE(waits({.route = "world", .key = stored.message.key, .tag = "campaign=spring"}));
  EXPECT_FALSE(waits({.route = "backup"}));
  EXPECT_FALSE(waits({.tag = "campaign=autumn"}));
  EXPECT_FALSE(waits({.account = AccountId{}}));
  state.route = "backup";
  EXPECT_TRUE(waits({.route = "backup"})) << "it was moved there";
  state.next_attempt = kNow;
  EXPECT_FALSE(waits({.domain = "*"})) << "it is due already";
  state.next_attempt = kNow + seconds(1);
  state.stage = store::RecipientStage::Delivered;
  EXPECT_FALSE(waits({.domain = "*"}));
  state.stage = store::RecipientStage::Pending;
  stored.message.environment = Environment::Test;
  EXPECT_FALSE(waits({.domain = "*"})) << "test mail is under no orders";
}

}  // namespace
}  // namespace postern::relay
