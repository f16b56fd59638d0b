#include "app/egress_settings.h"

#include "app/config_values.h"

#include <gmock/gmock.h>

namespace postern::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ConfigLoad parse_egress(const std::string& text) {
  return parse_config("environment = \"development\"\nhostname = \"relay.example.org\"\n" + text, "/etc/postern/postern.toml");
}

std::string source(const std::string& name, const std::string& more = "addresses = [\"192.0.2.1\"]") {
  return "[[egress_source]]\nname = \"" + name + "\"\n" + more + "\n";
}

std::string pool(const std::string& name, const std::string& sources, const std::string& more = "") {
  return "[[egress_pool]]\nname = \"" + name + "\"\nsources = [" + sources + "]\n" + more + "\n";
}

const std::string kRoute = "[[route]]\nname = \"world\"\ndomains = [\"*\"]\ndeliver = \"mx\"\negress_pool = \"usual\"\n";

TEST(EgressSettings, MakePoolsWithWhoStepsIn) {
  const auto load = parse_egress(
      kRoute + source("a", "addresses = [\"192.0.2.1\", \"2001:db8::1\"]\nehlo_name = \"a.example.org\"\nfamily = \"ipv6\"") +
      source("b", "addresses = [\"192.0.2.2\"]\nwarm_up_from = \"2026-12-01\"\nwarm_up_first_day = 20") + source("c") +
      pool("usual", "\"b:3\", \"a\"", "overflow = \"rest\"") + pool("rest", "\"c\", \"a\"", "tags = [\"kind=bulk\"]"));
  ASSERT_TRUE(load.is_usable()) << format_problem(load.problems.front());
  const relay::RouteTable table = make_route_table(load.settings);
  const relay::EgressPool& usual = table.find("example.net")->egress;
  ASSERT_EQ(usual.members.size(), 3U) << "a source that is in both pools is there once";
  EXPECT_EQ(usual.members[0].source.name, "b");
  EXPECT_EQ(usual.members[0].weight, 3U);
  EXPECT_EQ(usual.members[0].source.warm_up.first_day, 20U);
  EXPECT_EQ(*usual.members[0].source.warm_up.from, std::chrono::sys_days(std::chrono::year(2026) / 12 / 1));
  EXPECT_EQ(usual.members[1].source.ehlo_name, "a.example.org");
  EXPECT_EQ(usual.members[1].source.order, relay::FamilyOrder::V6First);
  EXPECT_EQ(format_ip_address(*usual.members[1].source.v6), "2001:db8::1");
  EXPECT_FALSE(usual.members[1].source.warm_up.from);
  EXPECT_EQ(usual.members[2].source.name, "c");
  EXPECT_EQ(usual.members[2].tier, 1U);
  EXPECT_EQ(table.find_for("@rest", "example.net")->name, "world@rest");
  store::MessageRecord message;
  message.summary.tags = {{"kind", "bulk"}};
  EXPECT_EQ(table.pool_for(message), "@rest");
}

TEST(EgressSettings, LetTheirAddressesIntoSpf) {
  const auto load = parse_egress(kRoute + source("a") + pool("usual", "\"a\""));
  EXPECT_THAT(make_spf_mechanisms(load.settings), ElementsAre("ip4:192.0.2.1"));
}

TEST(EgressSettings, AreRefusedWhereTheyMeanNothing) {
  struct Row {
    const char* name;
    std::string text;
    const char* problem;
  };
  const Row rows[] = {
      {"a name with a dot", source("a.b"), "name: \"a.b\" is no name for it"},
      {"a name twice", source("a") + source("a"), "is the name of one above"},
      {"no address", source("a", "addresses = [\"host\"]"), "\"host\" is not an IP address"},
      {"two of a family", source("a", "addresses = [\"192.0.2.1\", \"192.0.2.2\"]"), "one address of a family"},
      {"a day that is none", source("a", "addresses = [\"192.0.2.1\"]\nwarm_up_from = \"2026-02-30\""), "is no day"},
      {"an EHLO name that is none", source("a", "addresses = [\"192.0.2.1\"]\nehlo_name = \"a b\""), "is not a host name"},
      {"a source that there is not", pool("p", "\"a\""), "there is no [[egress_source]] \"a\""},
      {"a weight of nothing", source("a") + pool("p", "\"a:0\""), "has no weight behind its colon"},
      {"a source twice", source("a") + pool("p", "\"a\", \"a:2\""), "stands there twice"},
      {"overflow to nowhere", source("a") + pool("p", "\"a\"", "overflow = \"q\""), "there is no [[egress_pool]] \"q\""},
      {"overflow in a circle",
       source("a") + pool("p", "\"a\"", "overflow = \"q\"") + pool("q", "\"a\"", "overflow = \"p\""), "leads in a circle"},
      {"an account by name", source("a") + pool("p", "\"a\"", "accounts = [\"app\"]"), "\"app\" is no id"},
      {"a route without its pool", kRoute, "egress_pool: there is no [[egress_pool]] \"usual\""},
      {"a route with an @", "[[route]]\nname = \"a@b\"\ndomains = [\"*\"]\ndeliver = \"mx\"\n" + source("a") + pool("p", "\"a\""),
       "has an @, which stands before a pool's name"},
  };
  for (const Row& row : rows) {
    const auto load = parse_egress(row.text);
    std::string said;
    for (const auto& problem : load.problems) said += format_problem(problem) + "\n";
    EXPECT_THAT(said, HasSubstr(row.problem)) << row.name;
    EXPECT_FALSE(load.is_usable()) << row.name;
  }
}

}  // namespace
}  // namespace postern::app
