#include "relay/egress.h"

#include "relay/route.h"

#include <gtest/gtest.h>

namespace postern::relay {
namespace {

using enum SourceState;
using std::chrono::days;
using std::chrono::sys_days;

constexpr sys_days kFirst{std::chrono::year(2026) / 12 / 1};

EgressPool pool_of(std::vector<std::pair<std::uint32_t, std::uint32_t>> members) {
  EgressPool pool{.name = "p", .members = {}};
  for (const auto& [weight, tier] : members) {
    EgressSource source;
    source.name = "s" + std::to_string(pool.members.size());
    pool.members.push_back({.source = source, .weight = weight, .tier = tier});
  }
  return pool;
}

TEST(Egress, ChoosesByWeightAmongThoseThatMayGo) {
  struct Row {
    const char* name;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> members;  // weight, tier
    std::vector<SourceState> states;
    std::vector<std::optional<std::size_t>> chosen;  // for the draws 0, 1, 2, 3
  };
  using Draws = std::vector<std::optional<std::size_t>>;
  const Draws nobody(4, std::nullopt);
  const Row rows[] = {
      {"a member alone", {{1, 0}}, {Good}, Draws(4, 0)},
      {"one of four and three of four", {{1, 0}, {3, 0}}, {Good, Good}, {0, 1, 1, 1}},
      {"a failing one is left where another is good", {{1, 0}, {3, 0}}, {Failing, Good}, Draws(4, 1)},
      {"failing ones go where none is good", {{2, 0}, {2, 0}, {9, 0}}, {Failing, Failing, Resting}, {0, 0, 1, 1}},
      {"one that rests is left out", {{3, 0}, {1, 0}}, {Resting, Good}, Draws(4, 1)},
      {"all rest: the mail waits, others do not step in", {{1, 0}, {1, 1}}, {Resting, Good}, nobody},
      {"the share is used up: others step in", {{1, 0}, {1, 1}}, {Spent, Good}, Draws(4, 1)},
      {"no address here: others step in", {{1, 0}, {1, 1}}, {Missing, Good}, Draws(4, 1)},
      {"spent beside resting: what rests may send soon", {{1, 0}, {1, 0}, {1, 1}}, {Spent, Resting, Good}, nobody},
      {"the third tier, where the second is spent as well", {{1, 0}, {1, 1}, {1, 2}}, {Missing, Spent, Failing}, Draws(4, 2)},
      {"nobody is left", {{1, 0}, {1, 1}}, {Spent, Missing}, nobody},
      {"a pool of nobody", {}, {}, nobody},
  };
  for (const Row& row : rows) {
    for (std::uint64_t draw = 0; draw < 4; ++draw) {
      EXPECT_EQ(choose_member(pool_of(row.members), row.states, draw), row.chosen[draw]) << row.name << ", draw " << draw;
    }
  }
}

TEST(Egress, AllowsMoreOfANewAddressEachDay) {
  const WarmUp plan{.from = kFirst, .first_day = 50, .growth_percent = 50, .warm_at = 150};
  EXPECT_EQ(allowed_on(plan, kFirst - days(1)), 0U) << "its first day is to come";
  EXPECT_EQ(allowed_on(plan, kFirst), 50U);
  EXPECT_EQ(allowed_on(plan, kFirst + days(1)), 75U);
  EXPECT_EQ(allowed_on(plan, kFirst + days(2)), 112U);
  EXPECT_EQ(allowed_on(plan, kFirst + days(3)), std::nullopt) << "168 would be above warm_at";
  EXPECT_EQ(allowed_on(plan, kFirst + days(20'000)), std::nullopt);
  EXPECT_EQ(allowed_on({}, kFirst), std::nullopt) << "no plan";
  const WarmUp slow{.from = kFirst, .first_day = 1, .growth_percent = 1, .warm_at = 3};
  EXPECT_EQ(allowed_on(slow, kFirst + days(2)), 3U) << "one more each day at least";
  EXPECT_EQ(allowed_on(slow, kFirst + days(3)), std::nullopt);
}

TEST(Egress, LeavesByTheAddressOfThePeersFamily) {
  EgressSource source;
  source.v4 = parse_ip_address("192.0.2.1");
  EXPECT_EQ(*source.address_for(*parse_ip_address("198.51.100.1")), *source.v4);
  EXPECT_EQ(source.address_for(*parse_ip_address("2001:db8::1")), nullptr);
}

TEST(Egress, TakesATagBeforeAKeyAndAKeyBeforeAnAccount) {
  const AccountId account{{1}};
  const KeyId key{{2}};
  const std::vector<PoolRule> rules = {{.pool = "by_account", .accounts = {account}, .keys = {}, .tags = {}},
                                       {.pool = "by_key", .accounts = {}, .keys = {key}, .tags = {}},
                                       {.pool = "by_value", .accounts = {}, .keys = {}, .tags = {"kind=bulk"}},
                                       {.pool = "by_name", .accounts = {}, .keys = {}, .tags = {"kind"}}};
  EXPECT_EQ(find_pool_for(rules, account, key, {{"kind", "bulk"}}), "by_value");
  EXPECT_EQ(find_pool_for(rules, account, key, {{"kind", "news"}}), "by_name");
  EXPECT_EQ(find_pool_for(rules, account, key, {{"other", "bulk"}}), "by_key");
  EXPECT_EQ(find_pool_for(rules, account, KeyId{{3}}, {}), "by_account");
  EXPECT_EQ(find_pool_for(rules, AccountId{{4}}, KeyId{{3}}, {}), "");
}

class EgressRoutes : public testing::Test {
 protected:
  EgressRoutes() {
    Route world;
    world.name = "world";
    world.domains = {"*"};
    EgressRules rules{.pools = {pool_of({{1, 0}})}, .rules = {{.pool = "p", .accounts = {}, .keys = {}, .tags = {"bulk"}}}};
    table_ = RouteTable({world}, rules);
  }
  RouteTable table_;
};

TEST_F(EgressRoutes, AreThereOnceMoreWithEachPool) {
  ASSERT_EQ(table_.routes().size(), 2U);
  EXPECT_EQ(table_.routes()[1].name, "world@p");
  EXPECT_EQ(table_.routes()[1].configured_name(), "world");
  EXPECT_EQ(table_.find("example.org")->name, "world") << "a domain alone leads to the route itself";
  EXPECT_EQ(table_.find_of_lane("example.org")->name, "world");
  EXPECT_EQ(table_.find_of_lane(">@p>example.org")->name, "world@p");
  EXPECT_EQ(table_.find_of_lane(">@gone>example.org")->name, "world") << "a pool that is not configured any more";
  EXPECT_EQ(table_.find_of_lane(">world@p>example.org")->name, "world@p");
}

TEST_F(EgressRoutes, AreChosenByTheMessageAtItsAcceptance) {
  store::MessageRecord message;
  EXPECT_EQ(table_.pool_for(message), "");
  message.summary.tags = {{"bulk", "yes"}};
  EXPECT_EQ(table_.pool_for(message), "@p");
  message.environment = Environment::Test;
  EXPECT_EQ(table_.pool_for(message), "") << "test mail leaves from nowhere";
}

}  // namespace
}  // namespace postern::relay
