// What operators want done with mail that waits, over a real store.
#include "tests/unit/relay/queue_fixture.h"

#include <gmock/gmock.h>

namespace postern::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using store::OrderAction;
using store::OrderScope;
using store::RecipientStage;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class QueueOrdersTest : public QueueFixture {
 protected:
  OrderId give(OrderAction action, OrderScope scope, std::string to_route = {}) {
    store::OrderRecord order{.id = make_order_id(random_),
                             .action = action,
                             .scope = std::move(scope),
                             .to_route = std::move(to_route),
                             .reason = "tests",
                             .author = {},
                             .created = clock_.now() + Duration{++given_},
                             .expires_at = clock_.now() + hours(1)};
    EXPECT_TRUE(store_.directory().write([&](store::DirectoryWriter& writer) { return writer.put_order(order); }));
    if (queue_) advance(settings_.poll);
    return order.id;
  }
  void end(const OrderId& id) {
    EXPECT_TRUE(store_.directory().write([&](store::DirectoryWriter& writer) { return writer.remove_order(id); }));
    advance(settings_.poll);
  }
  // Something else arrives that nothing holds: by then the queue has seen all that came before.
  void settle_others() {
    const MessageId other = accept("sender.example");
    advance(settings_.poll);
    run_until([&] { return stage(other) == RecipientStage::Delivered; });
  }

  int given_ = 0;
};

TEST_F(QueueOrdersTest, HoldsADomainWithoutReadingItsMailAndDelaysNoOther) {
  settings_.max_leased = 96;
  give(OrderAction::Hold, {.domain = "live.example"});
  std::vector<MessageId> held;
  for (int i = 0; i < 300; ++i) held.push_back(accept("live.example"));
  start();
  held.push_back(accept("live.example"));
  settle_others();
  EXPECT_EQ(script_.calls["live"], 0U);
  EXPECT_EQ(events(held.front()), std::vector{EventType::MessageAccepted}) << "nothing was written for it";
}

TEST_F(QueueOrdersTest, ReleasesADomainAtOnceWhenTheOrderEnds) {
  const OrderId order = give(OrderAction::Hold, {.domain = "live.example"});
  start();
  std::vector<MessageId> held;
  for (int i = 0; i < 20; ++i) held.push_back(accept("live.example"));
  settle_others();
  end(order);
  run_until([&] { return std::ranges::all_of(held, [&](const MessageId& id) { return state(id).attempts == 1; }); });
}

TEST_F(QueueOrdersTest, ReleasesWhatItHoldsWhenTheTimeIsOverAndForgetsTheOrder) {
  give(OrderAction::Hold, {.route = "live"});
  start();
  const MessageId held = accept("live.example");
  settle_others();
  EXPECT_EQ(stage(held), RecipientStage::Pending);
  advance(hours(1));
  run_until([&] { return stage(held) == RecipientStage::Delivered; });
  run_until([&] { return store_.directory().list_orders()->empty(); });
}

TEST_F(QueueOrdersTest, HoldsOneMessageAndSaysSo) {
  const MessageId held = accept("live.example");
  const OrderId order = give(OrderAction::Hold, {.message = held});
  start();
  const MessageId other = accept("live.example");
  run_until([&] { return stage(other) == RecipientStage::Delivered && state(held).last_status.code != 0; });
  EXPECT_EQ(state(held).last_status, (Status{451, EnhancedCode{4, 7, 0}, "held by the operator"}));
  EXPECT_EQ(state(held).attempts, 0U);
  end(order);
  run_until([&] { return stage(held) == RecipientStage::Delivered; });
}

TEST_F(QueueOrdersTest, HoldsOnlyTheRecipientsThatAreMeant) {
  const OrderId order = give(OrderAction::Hold, {.domain = "dead.example", .account = account_.id});
  start();
  const MessageId id = accept(draft_to({"live.example", "dead.example", "sender.example"}));
  run_until([&] { return stage(id, 0) == RecipientStage::Delivered && stage(id, 2) == RecipientStage::Delivered; });
  EXPECT_EQ(stage(id, 1), RecipientStage::Pending);
  end(order);
  run_until([&] { return stage(id, 1) == RecipientStage::Delivered; });
}

TEST_F(QueueOrdersTest, HoldsAcrossARestart) {
  give(OrderAction::Hold, {.domain = "live.example"});
  start();
  const MessageId held = accept("live.example");
  settle_others();
  stop();
  start();
  settle_others();
  EXPECT_EQ(stage(held), RecipientStage::Pending);
}

TEST_F(QueueOrdersTest, StopsWhatWaitsForAConnectionButNotWhatIsUnderWay) {
  routes_[0].max_connections = 1;
  script_.is_holding = true;
  start();
  const MessageId under_way = accept("live.example");
  run_until([&] { return script_.running["live"] == 1; });
  const MessageId waiting = accept("live.example");
  give(OrderAction::Hold, {.domain = "live.example"});
  run_until([&] { return script_.calls["live"] == 1; });
  advance(settings_.poll);
  io_.run_for(std::chrono::milliseconds(50));
  script_.release();
  run_until([&] { return stage(under_way) == RecipientStage::Delivered; });
  settle_others();
  EXPECT_EQ(stage(waiting), RecipientStage::Pending);
  EXPECT_EQ(script_.calls["live"], 1U);
}

TEST_F(QueueOrdersTest, ExpiresWhatIsHeldForTooLong) {
  store::OrderRecord order;
  give(OrderAction::Hold, {.domain = "live.example"});
  start();
  const MessageId held = accept("live.example");
  settle_others();
  const std::vector<store::OrderRecord> orders = store_.directory().list_orders().value();
  order = orders.front();
  order.id = make_order_id(random_);
  order.expires_at = clock_.now() + std::chrono::days(30);
  EXPECT_TRUE(store_.directory().write([&](store::DirectoryWriter& writer) { return writer.put_order(order); }));
  advance(settings_.policy.retry.lifetime + hours(2));
  run_until([&] { return stage(held) == RecipientStage::Expired; });
  EXPECT_EQ(script_.calls["live"], 0U);
}

TEST_F(QueueOrdersTest, GivesUpAtOnceWhatIsNotDueYetAndTellsTheSender) {
  script_.answer = [](const std::string& route, const Recipient&) {
    return route == "live" ? failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 3, 0}, "later"}) : delivered_report();
  };
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return state(id).attempts == 1; });
  give(OrderAction::Bounce, {.domain = "live.example", .account = account_.id});
  run_until([&] { return stage(id) == RecipientStage::Bounced; });
  EXPECT_EQ(state(id).last_status, (Status{554, EnhancedCode{5, 7, 0}, "given up by the operator: tests"}));
  EXPECT_THAT(events(id), ElementsAre(EventType::MessageAccepted, EventType::RecipientDeferred, EventType::RecipientBounced,
                                      EventType::DsnQueued));
  EXPECT_TRUE(store_.directory().list_suppressions(account_.id, {}, 10)->empty()) << "that says nothing on the address";
  const MessageId later = accept("live.example");
  run_until([&] { return stage(later) == RecipientStage::Bounced; });
  EXPECT_EQ(script_.calls["live"], 1U);
}

TEST_F(QueueOrdersTest, GivesUpWhatAnotherOrderHolds) {
  give(OrderAction::Hold, {.domain = "live.example"});
  start();
  const MessageId held = accept("live.example");
  const MessageId other = accept("live.example");
  settle_others();
  give(OrderAction::Bounce, {.message = held});
  run_until([&] { return stage(held) == RecipientStage::Bounced; });
  EXPECT_EQ(stage(other), RecipientStage::Pending);
}

TEST_F(QueueOrdersTest, MovesWhatWaitsToAnotherRouteAtOnceAndForGood) {
  script_.answer = [](const std::string& route, const Recipient&) {
    return route == "dead" ? failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 3, 0}, "later"}) : delivered_report();
  };
  start();
  const MessageId one = accept("dead.example");
  const MessageId several = accept(draft_to({"dead.example", "live.example"}));
  run_until([&] { return state(one).attempts == 1 && state(several, 0).attempts == 1; });
  script_.is_holding = true;
  const OrderId order = give(OrderAction::Move, {.domain = "dead.example"}, "sender");
  run_until([&] { return script_.running["sender"] == 2; });
  end(order);
  script_.release();
  run_until([&] { return stage(one) == RecipientStage::Delivered && stage(several, 0) == RecipientStage::Delivered; });
  EXPECT_EQ(script_.calls["dead"], 2U);
  EXPECT_EQ(state(one).route, "sender");
}

TEST_F(QueueOrdersTest, KeepsWhatWasMovedWhereItIsAcrossARestart) {
  script_.answer = [](const std::string&, const Recipient&) {
    return failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 3, 0}, "later"});
  };
  start();
  const MessageId id = accept("dead.example");
  run_until([&] { return state(id).attempts == 1; });
  const OrderId order = give(OrderAction::Move, {.message = id}, "live");
  run_until([&] { return state(id).attempts == 2; });
  end(order);
  stop();
  script_.answer = [](const std::string&, const Recipient&) { return delivered_report(); };
  start();
  advance(hours(1));
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_EQ(script_.calls["dead"], 1U);
  EXPECT_EQ(script_.calls["live"], 2U);
}

TEST_F(QueueOrdersTest, SendsByItsOwnRouteWhereTheOneItWasMovedToIsGone) {
  script_.answer = [](const std::string&, const Recipient&) {
    return failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 3, 0}, "later"});
  };
  start();
  const MessageId id = accept("dead.example");
  give(OrderAction::Move, {.message = id}, "live");
  run_until([&] { return state(id).route == "live" && state(id).attempts > 0 && script_.calls["live"] == 1; });
  script_.answer = [](const std::string&, const Recipient&) { return delivered_report(); };
  routes_.erase(routes_.begin());
  queue_->replace_routes(std::make_shared<const RouteTable>(routes_));
  settle_others();
  advance(hours(1));
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_EQ(script_.calls["live"], 1U);
}

TEST_F(QueueOrdersTest, MovesToARouteWhereEachDomainIsADestination) {
  routes_[1].is_per_domain = true;
  give(OrderAction::Move, {.domain = "live.example"}, "dead");
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_EQ(script_.calls["dead"], 1U);
}

}  // namespace
}  // namespace postern::relay
