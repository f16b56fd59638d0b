// Leaving the sandbox: conditions, request, decision, over a real store.
#include "auth/production_access.h"

#include "tests/unit/auth/admin_fixture.h"

namespace postern::auth {
namespace {

class ProductionAccessTest : public AdminTest {
 protected:
  bool is_met(std::string_view name) {
    const auto conditions = access.conditions(account).value();
    const auto found = std::ranges::find(conditions, name, &ProductionCondition::name);
    EXPECT_NE(found, conditions.end()) << name;
    return found->is_met;
  }

  void put_domain(const AccountId& owner, store::DomainState state) {
    store::DomainRecord domain;
    domain.id = make_domain_id(random);
    domain.account = owner;
    domain.name = "example.org";
    domain.state = state;
    ASSERT_TRUE(directory().write([&](store::DirectoryWriter& writer) { return writer.put_domain(domain); }).has_value());
  }

  void commit(const AccountId& owner, Environment environment, store::RecipientStage stage) {
    clock.advance(std::chrono::seconds(1));
    auto draft = test::make_draft(make_message_id(clock.now(), random), clock.now(), {"example.net"}, environment);
    draft.message.account = owner;
    draft.delivery.recipients.front().stage = stage;
    const MessageId id = draft.message.id;
    draft.delivery.recipients.front().stage = store::RecipientStage::Pending;
    ASSERT_TRUE(test::commit_draft(store.spool(), std::move(draft), "Subject: x\r\n\r\n").has_value());
    if (stage != store::RecipientStage::Pending) settle(owner, environment, id, stage);
  }
  void settle(const AccountId& owner, Environment environment, const MessageId& id, store::RecipientStage stage) {
    store::Settlement settlement;
    settlement.id = id;
    settlement.changes.push_back({.index = 0, .state = {.stage = stage, .next_attempt = {}, .last_status = {}, .remote = {}}});
    Event event;
    event.at = clock.now();
    event.type = stage == store::RecipientStage::Delivered ? EventType::RecipientDelivered : EventType::RecipientBounced;
    event.account = owner;
    event.message = id;
    event.environment = environment;
    settlement.events.push_back(event);
    test::Waiter waiter;
    store.spool().settle(std::move(settlement), waiter.completion());
    ASSERT_TRUE(waiter.get());
  }

  store::AccountRecord stored() { return *directory().find_account(account).value(); }
  AccountId other_account() {
    NewAccount wanted;
    wanted.name = "other";
    return accounts.create(wanted).value().id;
  }

  ProductionAccess access{*store, clock};
};

TEST_F(ProductionAccessTest, NeedsAVerifiedDomainOfItsOwn) {
  EXPECT_FALSE(is_met("verified_domain"));
  put_domain(other_account(), store::DomainState::Verified);
  EXPECT_FALSE(is_met("verified_domain")) << "another account's";
  put_domain(account, store::DomainState::Pending);
  EXPECT_FALSE(is_met("verified_domain"));
}

TEST_F(ProductionAccessTest, SeesAVerifiedDomain) {
  put_domain(account, store::DomainState::Verified);
  EXPECT_TRUE(is_met("verified_domain"));
}

TEST_F(ProductionAccessTest, NeedsAMessageThatWasReallyDelivered) {
  EXPECT_FALSE(is_met("delivered_in_sandbox"));
  commit(other_account(), Environment::Live, store::RecipientStage::Delivered);
  commit(account, Environment::Test, store::RecipientStage::Delivered);
  commit(account, Environment::Live, store::RecipientStage::Pending);
  commit(account, Environment::Live, store::RecipientStage::Bounced);
  EXPECT_FALSE(is_met("delivered_in_sandbox"));
  commit(account, Environment::Live, store::RecipientStage::Delivered);
  EXPECT_TRUE(is_met("delivered_in_sandbox"));
}

// One look-up: not even the messages' records are needed.
TEST_F(ProductionAccessTest, RemembersADeliveryWhoseMessageIsForgotten) {
  commit(account, Environment::Live, store::RecipientStage::Delivered);
  clock.advance(std::chrono::days(1'000));
  ASSERT_TRUE(store.spool().remove_expired(clock.now(), 100));
  ASSERT_TRUE(store.spool().list_of(account, {}, 1).value().empty());
  EXPECT_TRUE(is_met("delivered_in_sandbox"));
}

TEST_F(ProductionAccessTest, KeepsTheLastRequest) {
  ASSERT_TRUE(access.request(account, "receipts").has_value());
  clock.advance(std::chrono::hours(1));
  ASSERT_TRUE(access.request(account, "receipts and reminders").has_value());
  const auto requests = directory().list_production_requests().value();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests.front(), (store::ProductionRequest{account, clock.now(), "receipts and reminders"}));
}

TEST_F(ProductionAccessTest, RefusesARequestThatCannotBe) {
  EXPECT_EQ(code_of(access.request(account, std::string(2'001, 'x'))), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of(access.request(account, "\xff")), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of(access.request(AccountId{}, "x")), ErrorCode::NotFound);
  ASSERT_TRUE(accounts.set_mode(account, AccountMode::Production).has_value());
  EXPECT_EQ(code_of(access.request(account, "x")), ErrorCode::Conflict);
  EXPECT_TRUE(directory().list_production_requests().value().empty());
}

TEST_F(ProductionAccessTest, IsGrantedOnApproval) {
  ASSERT_TRUE(access.request(account, "receipts").has_value());
  EXPECT_EQ(stored().mode, AccountMode::Sandbox);
  ASSERT_TRUE(access.approve(account).has_value());
  EXPECT_EQ(stored().mode, AccountMode::Production);
  EXPECT_FALSE(directory().find_production_request(account).value().has_value());
}

TEST_F(ProductionAccessTest, StaysAsItIsWhenDeclined) {
  ASSERT_TRUE(access.request(account, "receipts").has_value());
  ASSERT_TRUE(access.decline(account).has_value());
  EXPECT_EQ(stored().mode, AccountMode::Sandbox);
  EXPECT_FALSE(directory().find_production_request(account).value().has_value());
}

TEST_F(ProductionAccessTest, IsDecidedForThoseWhoAskedOnly) {
  EXPECT_EQ(code_of(access.approve(account)), ErrorCode::NotFound);
  EXPECT_EQ(code_of(access.decline(account)), ErrorCode::NotFound);
  EXPECT_EQ(stored().mode, AccountMode::Sandbox);
}

}  // namespace
}  // namespace postern::auth
