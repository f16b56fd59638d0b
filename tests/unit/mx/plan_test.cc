#include "mx/plan.h"

#include "tests/support/fake_random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace postern::mx {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

dns::Answer<dns::Mx> found(std::vector<dns::Mx> records) {
  dns::Answer<dns::Mx> answer;
  answer.finding = dns::Finding::Found;
  answer.records = std::move(records);
  return answer;
}

dns::Answer<dns::Mx> without(dns::Finding finding) {
  dns::Answer<dns::Mx> answer;
  answer.finding = finding;
  answer.why = "MX example.org: no answer";
  return answer;
}

std::vector<std::string> names(const MailHosts& hosts) {
  std::vector<std::string> names;
  for (const Host& host : hosts.hosts) names.push_back(host.name);
  return names;
}

Host host(std::string name, std::uint16_t preference, std::vector<std::string_view> addresses, std::string failure = {}) {
  Host host{.name = std::move(name), .preference = preference, .failure = std::move(failure)};
  for (const std::string_view address : addresses) host.addresses.push_back(*parse_ip_address(address));
  return host;
}

std::vector<std::string> described(const MailHosts& hosts, const Plan& plan) {
  std::vector<std::string> hops;
  for (const Hop& hop : plan.hops) hops.push_back(hosts.hosts[hop.host].name + " " + format_ip_address(hop.address));
  return hops;
}

std::string failure_of(const std::optional<Status>& status) {
  return status ? format_status(*status) : "none";
}

const PlanRules kLab{.self = {.names = {"relay.example"}, .addresses = {*parse_ip_address("192.0.2.250")}}, .allows_special = true};

TEST(MxPlan, JudgesEachKindOfAnswerByItself) {
  SystemRandom random;
  const struct {
    const char* name;
    dns::Answer<dns::Mx> answer;
    std::vector<std::string> hosts;
    std::string failure;
  } rows[] = {
      {"two hosts", found({{20, "b.example"}, {10, "a.example"}}), {"a.example", "b.example"}, "none"},
      {"no MX: the domain itself", without(dns::Finding::NoRecord), {"example.org"}, "none"},
      {"no such domain", without(dns::Finding::NoName), {}, "550 5.1.2 there is no domain example.org"},
      {"a null MX", found({{0, "."}}), {}, "556 5.1.10 example.org takes no mail (null MX)"},
      {"a null MX beside others says nothing", found({{0, "."}, {10, "a.example"}}), {"a.example"}, "none"},
      {"names that no host has", found({{0, "no_host\\032"}, {0, "."}}), {}, "550 5.4.4 no MX record of example.org names a host"},
      {"one host twice", found({{20, "a.example"}, {10, "a.example"}}), {"a.example"}, "none"},
      {"SERVFAIL", without(dns::Finding::Failed), {}, "451 4.4.3 look up MX example.org: no answer"},
      {"no answer", without(dns::Finding::TimedOut), {}, "451 4.4.3 look up MX example.org: no answer"},
      {"forged", without(dns::Finding::Bogus), {}, "451 4.4.3 look up MX example.org: no answer"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const MailHosts hosts = order_hosts("example.org", row.answer, random);
    EXPECT_EQ(names(hosts), row.hosts);
    EXPECT_EQ(failure_of(hosts.failure), row.failure);
  }
}

TEST(MxPlan, ShufflesEqualPreferencesAndNoOthers) {
  SystemRandom random;
  std::map<std::string, int> first;
  for (int i = 0; i < 300; ++i) {
    const MailHosts hosts =
        order_hosts("example.org", found({{10, "a.example"}, {10, "b.example"}, {10, "c.example"}, {20, "z.example"}}), random);
    ++first[hosts.hosts.front().name];
    EXPECT_EQ(hosts.hosts.back().name, "z.example");
  }
  EXPECT_EQ(first.size(), 3U);
  for (const auto& [name, count] : first) EXPECT_GT(count, 50) << name;  // of 100; by chance once in 10^9
}

TEST(MxPlan, LooksAtABoundedNumberOfHosts) {
  SystemRandom random;
  std::vector<dns::Mx> many;
  for (std::uint16_t i = 0; i < 100; ++i) many.push_back({i, "mx" + std::to_string(i) + ".example"});
  const MailHosts hosts = order_hosts("example.org", found(many), random);
  EXPECT_EQ(hosts.hosts.size(), kMaxHosts);
  EXPECT_EQ(hosts.hosts.front().name, "mx0.example");
}

TEST(MxPlan, MakesHopsOrSaysWhyThereAreNone) {
  const struct {
    const char* name;
    std::vector<Host> hosts;
    bool is_implicit;
    std::vector<std::string> hops;
    std::string failure;
  } rows[] = {
      {"one host, both families", {host("a", 10, {"2001:db8::1", "192.0.2.1"})}, false, {"a 2001:db8::1", "a 192.0.2.1"}, "none"},
      {"five addresses of one host at most",
       {host("a", 10, {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"})},
       false,
       {"a 192.0.2.1", "a 192.0.2.2", "a 192.0.2.3", "a 192.0.2.4", "a 192.0.2.5"},
       "none"},
      {"room for the others",
       {host("a", 10, {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}), host("b", 20, {"192.0.2.11"})},
       false,
       {"a 192.0.2.1", "a 192.0.2.2", "a 192.0.2.3", "b 192.0.2.11"},
       "none"},
      {"a host without an answer is passed over",
       {host("a", 10, {}, "A a: SERVFAIL"), host("b", 20, {"192.0.2.2"})},
       false,
       {"b 192.0.2.2"},
       "none"},
      {"no host has an answer",
       {host("a", 10, {}, "A a: SERVFAIL"), host("b", 20, {})},
       false,
       {},
       "451 4.4.3 look up A a: SERVFAIL"},
      {"no host has an address",
       {host("a", 10, {}), host("b", 20, {})},
       false,
       {},
       "550 5.4.4 no mail host of example.org has an address that mail could go to"},
      {"an implicit MX has no address",
       {host("example.org", 0, {})},
       true,
       {},
       "550 5.1.2 example.org has neither a mail host nor an address that mail could go to"},
      {"we are the best by name",
       {host("relay.example", 10, {"192.0.2.9"}), host("b", 20, {"192.0.2.2"})},
       false,
       {},
       "554 5.4.6 mail for example.org would come back to this server"},
      {"we are the best by address",
       {host("alias", 10, {"192.0.2.250"}), host("b", 20, {"192.0.2.2"})},
       false,
       {},
       "554 5.4.6 mail for example.org would come back to this server"},
      {"we are the backup",
       {host("a", 10, {"192.0.2.1"}), host("relay.example", 20, {"192.0.2.250"}), host("c", 20, {"192.0.2.3"})},
       false,
       {"a 192.0.2.1"},
       "none"},
      {"we are the backup of hosts without an answer",
       {host("a", 10, {}, "A a: SERVFAIL"), host("relay.example", 20, {})},
       false,
       {},
       "451 4.4.3 look up A a: SERVFAIL"},
      {"we are the implicit MX",
       {host("relay.example", 0, {"192.0.2.250"})},
       true,
       {},
       "554 5.4.6 mail for example.org would come back to this server"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const MailHosts hosts{.domain = "example.org", .is_implicit = row.is_implicit, .hosts = row.hosts};
    const Plan plan = make_plan(hosts, kLab);
    EXPECT_EQ(described(hosts, plan), row.hops);
    EXPECT_EQ(failure_of(plan.failure), row.failure);
  }
}

// What anybody can publish must not lead into the network that we stand in.
TEST(MxPlan, RefusesAddressesThatAreNotPublic) {
  for (const char* address :
       {"127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fd00::1", "192.0.2.1", "64:ff9b::7f00:1"}) {
    SCOPED_TRACE(address);
    MailHosts hosts{.domain = "example.org", .hosts = {host("a", 10, {address})}};
    const Plan alone = make_plan(hosts, {});
    EXPECT_THAT(alone.hops, IsEmpty());
    EXPECT_EQ(failure_of(alone.failure), "550 5.4.4 no mail host of example.org has an address that mail could go to");
    ASSERT_EQ(alone.passed_over.size(), 1U);
    EXPECT_EQ(alone.passed_over[0].why, std::string(address) + " is not a public address");
    hosts.hosts.push_back(host("b", 20, {"8.8.8.8"}));
    EXPECT_THAT(described(hosts, make_plan(hosts, {})), ElementsAre("b 8.8.8.8"));
  }
}

TEST(MxPlan, TakesAnAddressLiteralAtItsWord) {
  for (const auto& [literal, address] : {std::pair("[192.0.2.1]", "192.0.2.1"), std::pair("[ipv6:2001:db8::1]", "2001:db8::1")}) {
    const MailHosts hosts = literal_host(literal);
    EXPECT_THAT(described(hosts, make_plan(hosts, kLab)), ElementsAre(std::string(address) + " " + address));
  }
  EXPECT_EQ(failure_of(literal_host("[X-tag:content]").failure), "501 5.1.3 [X-tag:content] is no address that mail could go to");
}

}  // namespace
}  // namespace postern::mx
