#include "provenance/spf.h"

#include "tests/support/coroutine_loop.h"
#include "tests/support/scripted_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::provenance {
namespace {

using testing::HasSubstr;

struct SpfWorld {
  test::ScriptedResolver resolver;
  test::CoroutineLoop loop;

  SpfVerdict check(std::string_view client, std::string sender, std::string helo = "mail.example.org") {
    return loop.run(check_spf(resolver, {*parse_ip_address(client), std::move(helo), std::move(sender), "mx.example.net", {}}));
  }
  void publish(const std::string& name, const std::string& record) { resolver.zone[{name, "TXT"}] = {record}; }
};

TEST(Spf, TellsWhichTermOfWhichDomainMatched) {
  SpfWorld world;
  world.publish("example.org", "v=spf1 include:_spf.example.net -all");
  world.publish("_spf.example.net", "v=spf1 ip4:192.0.2.0/24 ~all");
  const SpfVerdict passed = world.check("192.0.2.7", "ann@Example.ORG");
  EXPECT_EQ(passed.result, SpfResult::Pass);
  EXPECT_EQ(passed.domain, "example.org");
  EXPECT_EQ(passed.why, "\"include:_spf.example.net\" of example.org");
  EXPECT_EQ(world.check("198.51.100.1", "ann@example.org").why, "\"-all\" of example.org");
}

TEST(Spf, ChecksTheHeloNameWhereTheReversePathIsNull) {
  SpfWorld world;
  world.publish("mail.example.org", "v=spf1 ip4:192.0.2.7 -all");
  const SpfVerdict verdict = world.check("192.0.2.7", "");
  EXPECT_EQ(verdict.result, SpfResult::Pass);
  EXPECT_TRUE(verdict.is_helo);
  EXPECT_EQ(verdict.domain, "mail.example.org");
}

TEST(Spf, FindsThePolicyOfAnInternationalDomainUnderItsALabels) {
  SpfWorld world;
  world.publish("xn--bcher-kva.example", "v=spf1 exists:%{l}.users.example exists:%{o}.domains.example -all");
  world.resolver.zone[{"xn--bcher-kva.example.domains.example", "A"}] = {"127.0.0.2"};
  EXPECT_EQ(world
                .check("192.0.2.7",
                       "j\xC3\xB6rg@b\xC3\xBC"
                       "cher.example")
                .result,
            SpfResult::Pass);
}

TEST(Spf, AnIpv4ClientIsInNoIpv6Network) {
  SpfWorld world;
  world.publish("example.org", "v=spf1 ip6:::/0 -all");
  EXPECT_EQ(world.check("192.0.2.7", "ann@example.org").result, SpfResult::Fail);
  EXPECT_EQ(world.check("2001:db8::7", "ann@example.org").result, SpfResult::Pass);
  EXPECT_EQ(world.check("::ffff:192.0.2.7", "ann@example.org").result, SpfResult::Fail);
}

TEST(Spf, AnAnswerThatDoesNotComeIsATemporaryError) {
  SpfWorld world;
  world.resolver.is_down = true;
  const SpfVerdict verdict = world.check("192.0.2.7", "ann@example.org");
  EXPECT_EQ(verdict.result, SpfResult::TempError);
  EXPECT_THAT(verdict.why, HasSubstr("example.org"));
}

TEST(Spf, AsksAtMostTenTermsAndEndsCircles) {
  SpfWorld world;
  world.publish("example.org", "v=spf1 include:example.org -all");
  const SpfVerdict verdict = world.check("192.0.2.7", "ann@example.org");
  EXPECT_EQ(verdict.result, SpfResult::PermError);
  EXPECT_THAT(verdict.why, HasSubstr("more than 10 terms"));
  EXPECT_EQ(world.resolver.questions, 11U);
}

TEST(Spf, ARecordThatAsksForHundredsOfAddressesIsRefused) {
  SpfWorld world;
  world.publish("example.org", "v=spf1 mx -all");
  auto& hosts = world.resolver.zone[{"example.org", "MX"}];
  for (int i = 0; i < 11; ++i) hosts.push_back("10 mx" + std::to_string(i) + ".example.org");
  EXPECT_EQ(world.check("192.0.2.7", "ann@example.org").result, SpfResult::PermError);
  EXPECT_EQ(world.resolver.questions, 2U);
}

TEST(Spf, ExplainsARefusalInPrintableAsciiOnly) {
  SpfWorld world;
  world.publish("example.org", "v=spf1 -all exp=why.example.org");
  world.publish("why.example.org", "%{i} is not one of %{d}'s hosts, says %{r}");
  EXPECT_EQ(world.check("192.0.2.7", "ann@example.org").explanation,
            "192.0.2.7 is not one of example.org's hosts, says mx.example.net");
  world.publish("why.example.org", "no\r\nX-Injected: 1");
  EXPECT_EQ(world.check("192.0.2.7", "ann@example.org").explanation, "");
  world.publish("why.example.org", std::string(501, 'x'));
  EXPECT_EQ(world.check("192.0.2.7", "ann@example.org").explanation, "");
}

}  // namespace
}  // namespace postern::provenance
