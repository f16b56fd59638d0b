// Orders of operators on mail that waits.
#include "store/actor.h"
#include "store/directory.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::store {
namespace {

class OrderTableTest : public testing::Test {
 protected:
  OrderRecord order_on(OrderScope scope) {
    OrderRecord order;
    order.id = make_order_id(random_);
    order.scope = std::move(scope);
    order.reason = "maintenance";
    order.created = Instant{} + std::chrono::days(20'000);
    order.expires_at = order.created + std::chrono::hours(1);
    return order;
  }
  Result<void> put(const OrderRecord& order) {
    const ActorScope acting({.kind = ActorKind::User, .id = "usr_1", .name = "root@example.org"});
    return directory_.write([&](DirectoryWriter& writer) { return writer.put_order(order); });
  }
  std::vector<std::string> trail(const std::optional<AccountId>& account) {
    std::vector<std::string> actions;
    for (const PlacedAudit& placed : directory_.list_audit(account, {}, 100).value()) {
      actions.push_back(placed.entry.action + ": " + placed.entry.target_name + " by " + placed.entry.actor_name);
    }
    return actions;
  }

  test::FakeRandom random_;
  test::TempStore store_;
  Directory& directory_ = store_.directory();
};

TEST_F(OrderTableTest, KeepsAnOrderWithItsAuthorAcrossARestart) {
  OrderRecord order = order_on({.message = MessageId{{1}}, .domain = "example.net", .route = "world", .tag = "a=b"});
  order.action = OrderAction::Move;
  order.to_route = "backup";
  ASSERT_TRUE(put(order));
  store_.close();
  store_.open();
  order.author = "root@example.org";
  EXPECT_EQ(store_.directory().list_orders().value(), std::vector{order});
  EXPECT_EQ(store_.directory().find_order(order.id).value(), order);
  EXPECT_TRUE(store_.directory().examine().value().empty());
}

TEST_F(OrderTableTest, LeavesBothEndsInTheAuditTrail) {
  const OrderRecord order = order_on({.domain = "example.net"});
  ASSERT_TRUE(put(order));
  const ActorScope acting({.kind = ActorKind::CommandLine, .name = "ada"});
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) { return writer.remove_order(order.id); }));
  EXPECT_EQ(trail(std::nullopt), (std::vector<std::string>{"order.ended: hold domain example.net by ada",
                                                           "order.given: hold domain example.net by root@example.org"}));
  EXPECT_EQ(directory_.write([&](DirectoryWriter& writer) { return writer.remove_order(order.id); }).error().code(),
            ErrorCode::NotFound);
  EXPECT_TRUE(directory_.examine().value().empty());
}

TEST_F(OrderTableTest, IsInTheTrailOfItsAccountWhereThatIsThere) {
  AccountRecord account;
  account.id = make_account_id(random_);
  account.name = "acme";
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) { return writer.put_account(account); }));
  ASSERT_TRUE(put(order_on({.account = account.id})));
  ASSERT_TRUE(put(order_on({.account = make_account_id(random_)})));
  EXPECT_EQ(trail(account.id).size(), 2U) << "that it was made, and the order";
  EXPECT_TRUE(directory_.examine().value().empty());
}

TEST_F(OrderTableTest, HasABound) {
  ASSERT_TRUE(directory_.write([&](DirectoryWriter& writer) -> Result<void> {
    for (std::size_t i = 0; i < kMaxOrders; ++i) {
      if (auto done = writer.put_order(order_on({.domain = "*"})); !done) return done;
    }
    return {};
  }));
  EXPECT_EQ(put(order_on({.domain = "*"})).error().code(), ErrorCode::LimitExceeded);
}

}  // namespace
}  // namespace postern::store
