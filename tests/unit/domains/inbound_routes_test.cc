#include "domains/inbound_routes.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace postern::domains {
namespace {

using store::RouteAction;

TEST(InboundRoute, MatchesByAtMostOneStar) {
  const struct {
    const char* match;
    const char* local_part;
    bool is_one;
  } kRows[] = {
      {"sales", "sales", true},    {"sales", "SALES", true},       {"sales", "sales2", false},    {"sales", "", false},
      {"*", "anything", true},     {"ticket+*", "ticket+1", true}, {"ticket+*", "ticket+", true}, {"ticket+*", "ticket", false},
      {"*-jobs", "it-jobs", true}, {"*-jobs", "jobs", false},      {"a*z", "az", true},           {"a*a", "a", false},
      {"a*z", "abcz", true},       {"a*z", "abc", false},
  };
  for (const auto& row : kRows) EXPECT_EQ(is_match(row.match, row.local_part), row.is_one) << row.match << " " << row.local_part;
}

TEST(InboundRoute, IsRefusedWhereItCouldMatchNothingOrMeansTwoThings) {
  for (const char* good : {"sales", "*", "Ticket+*", "a.b*", "*-jobs"}) EXPECT_NE(normalised_match(good), "") << good;
  EXPECT_EQ(normalised_match("Ticket+*"), "ticket+*");
  for (const char* bad : {"", "**", "a*b*", "a b", "a@b", "<a>", "a\r\nb", ".a", "a..b"})
    EXPECT_EQ(normalised_match(bad), "") << bad;
  EXPECT_EQ(normalised_match(std::string(65, 'a')), "");
}

std::vector<std::string> ids(const store::DomainRecord& domain, const char* local_part) {
  std::vector<std::string> found;
  for (const auto* route : matching_routes(domain, local_part)) found.push_back(route->id);
  return found;
}

TEST(InboundRoutes, AllRunThatMatchAndAreActive) {
  store::DomainRecord domain;
  domain.routes = {{.id = "1", .match = "*", .action = RouteAction::Store},
                   {.id = "2", .match = "sales", .action = RouteAction::Webhook},
                   {.id = "3", .match = "sales", .action = RouteAction::Drop, .is_active = false},
                   {.id = "4", .match = "s*", .action = RouteAction::Webhook}};
  EXPECT_THAT(ids(domain, "Sales"), ::testing::ElementsAre("1", "2", "4"));
  EXPECT_THAT(ids(domain, "\"sales\""), ::testing::ElementsAre("1", "2", "4"));
  EXPECT_THAT(ids(domain, "bob"), ::testing::ElementsAre("1"));
}

TEST(InboundRoutes, ReachAPostmasterWithoutOneOfHisOwn) {
  store::DomainRecord domain;
  EXPECT_THAT(ids(domain, "someone"), ::testing::IsEmpty());
  EXPECT_EQ(matching_routes(domain, "PostMaster").front()->action, RouteAction::Store);
  EXPECT_EQ(matching_routes(domain, "abuse").front()->action, RouteAction::Store);
  domain.routes = {{.id = "1", .match = "postmaster", .action = RouteAction::Webhook}};
  EXPECT_THAT(ids(domain, "postmaster"), ::testing::ElementsAre("1"));
}

TEST(InboundPolicy, HasNames) {
  using store::InboundPolicy;
  for (const InboundPolicy policy : {InboundPolicy::Observe, InboundPolicy::Tag, InboundPolicy::Reject}) {
    EXPECT_EQ(parse_inbound_policy(inbound_policy_name(policy)), policy);
  }
  EXPECT_EQ(parse_inbound_policy("discard"), std::nullopt);
}

TEST(InboundRoute, ActionsHaveNames) {
  for (const RouteAction action : {RouteAction::Store, RouteAction::Webhook, RouteAction::Drop, RouteAction::Forward}) {
    EXPECT_EQ(parse_route_action(route_action_name(action)), action);
  }
  EXPECT_EQ(parse_route_action("reply"), std::nullopt);
}

}  // namespace
}  // namespace postern::domains
