// Recipient → scenario: names, labels, case, other domains, and replies spelt out in the local part.
#include "sandbox/scenario.h"

#include "core/refusals.h"

#include <set>

namespace postern::sandbox {
namespace {

constexpr std::string_view kDomain = "simulator.postern.test";

Scenario scenario_of(std::string local_part, std::string domain = std::string(kDomain)) {
  return scenario_for(Mailbox{std::move(local_part), std::move(domain)}, kDomain);
}

struct NameCase {
  const char* local_part;
  ScenarioKind expected;
};

constexpr NameCase kNames[] = {
    {"delivered", ScenarioKind::Delivered},
    {"bounced", ScenarioKind::Bounced},
    {"rejected", ScenarioKind::Rejected},
    {"deferred", ScenarioKind::Deferred},
    {"complained", ScenarioKind::Complained},
    {"suppressed", ScenarioKind::Suppressed},
    {"timeout", ScenarioKind::Timeout},
    {"expired", ScenarioKind::Expired},
    {"bounced+order-7", ScenarioKind::Bounced},
    {"bounced+a+b", ScenarioKind::Bounced},
    {"bounced+", ScenarioKind::Bounced},
    {"BOUNCED", ScenarioKind::Bounced},
    {"DeFerred+Label", ScenarioKind::Deferred},
    {"smtp-451-4.7.1", ScenarioKind::SmtpReply},
    {"SMTP-550-5.7.26+label", ScenarioKind::SmtpReply},
    {"\"bounced\"", ScenarioKind::Bounced},
    {"\"def\\erred+label\"", ScenarioKind::Deferred},
    {"\"bounced \"", ScenarioKind::Rejected},  // needs its quotes: another mailbox
};

TEST(Scenario, IsNamedByTheLocalPartAtTheSimulatorDomain) {
  for (const NameCase& c : kNames) EXPECT_EQ(scenario_of(c.local_part).kind, c.expected) << c.local_part;
}

TEST(Scenario, IsDeliveredAtAnyOtherDomain) {
  for (const char* domain :
       {"example.org", "postern.test", "a.simulator.postern.test", "simulator.postern.test.example.org", "[192.0.2.1]", ""}) {
    EXPECT_EQ(scenario_of("bounced", domain).kind, ScenarioKind::Delivered) << domain;
    EXPECT_FALSE(scenario_of("rejected", domain).rcpt_refusal()) << domain;
  }
}

TEST(Scenario, ComparesTheDomainWithoutCase) {
  EXPECT_EQ(scenario_of("bounced", "Simulator.POSTERN.test").kind, ScenarioKind::Bounced);
}

TEST(Scenario, FollowsAConfiguredSimulatorDomain) {
  EXPECT_EQ(scenario_for(Mailbox{"bounced", "sim.example.net"}, "sim.example.net").kind, ScenarioKind::Bounced);
  EXPECT_EQ(scenario_for(Mailbox{"bounced", std::string(kDomain)}, "sim.example.net").kind, ScenarioKind::Delivered);
}

struct ReplyCase {
  const char* local_part;
  Status expected;  // without its text
};

const ReplyCase kReplies[] = {
    {"smtp-250-2.1.5", {250, EnhancedCode{2, 1, 5}, ""}},
    {"smtp-421-4.7.0", {421, EnhancedCode{4, 7, 0}, ""}},
    {"smtp-451-4.7.1", {451, EnhancedCode{4, 7, 1}, ""}},
    {"smtp-552-5.2.2", {552, EnhancedCode{5, 2, 2}, ""}},
    {"smtp-599-5.999.999", {599, EnhancedCode{5, 999, 999}, ""}},
};

TEST(Scenario, TakesTheReplyFromTheLocalPart) {
  for (const ReplyCase& c : kReplies) {
    const Scenario scenario = scenario_of(c.local_part);
    ASSERT_EQ(scenario.kind, ScenarioKind::SmtpReply) << c.local_part;
    EXPECT_EQ(scenario.reply.code, c.expected.code) << c.local_part;
    EXPECT_EQ(scenario.reply.enhanced, c.expected.enhanced) << c.local_part;
    EXPECT_EQ(scenario.rcpt_refusal().has_value(), !c.expected.is_positive()) << c.local_part;
  }
}

// A name that means nothing is a typing slip in somebody's test: it must be seen, not pass as a delivery.
TEST(Scenario, RefusesANameThatIsNoScenario) {
  for (const char* local_part :
       {"delivred", "", "+bounced", "smtp", "smtp-", "smtp-4", "smtp-451", "smtp-451-", "smtp-451-5.7.1", "smtp-550-4.1.1",
        "smtp-250-5.0.0", "smtp-354-3.0.0", "smtp-199-1.0.0", "smtp-600-6.0.0", "smtp-4510-4.7.1", "smtp-45x-4.7.1", "smtp-451-4.7",
        "smtp-451-4.7.1000", "smtp-451-4.7.1.1", "smtp-451_4.7.1", "smtp--51-4.7.1", "smtp-999999999999-5.0.0", "bounced-x"}) {
    const auto refusal = scenario_of(local_part).rcpt_refusal();
    ASSERT_TRUE(refusal) << local_part;
    EXPECT_EQ(refusal->code, 550) << local_part;
    EXPECT_EQ(refusal->enhanced, (EnhancedCode{5, 1, 1})) << local_part;
    EXPECT_THAT(refusal->text, ::testing::HasSubstr("no scenario has that name")) << local_part;
  }
}

TEST(Scenario, RefusesAtRcptOnlyWhereTheCatalogueSaysSo) {
  for (const CatalogRow& row : scenario_catalog()) {
    if (row.kind == ScenarioKind::SmtpReply) continue;
    const auto refusal = scenario_of(std::string(row.name)).rcpt_refusal();
    EXPECT_EQ(refusal.has_value(), row.at_rcpt != "250") << row.name;
    if (refusal) {
      const std::string said = std::to_string(refusal->code) + ' ' + format_enhanced_code(*refusal->enhanced);
      EXPECT_EQ(said, row.at_rcpt) << row.name;
    }
  }
}

TEST(Scenario, RehearsesAnyRefusalByItsToken) {
  for (const RefusalRow& row : refusal_table()) {
    const Scenario scenario = scenario_of(std::string(row.token));
    const auto refusal = scenario.rcpt_refusal();
    ASSERT_TRUE(refusal) << row.token;
    if (row.smtp_code == 0) {
      EXPECT_THAT(refusal->text, ::testing::HasSubstr("no scenario has that name")) << row.token;
      continue;
    }
    EXPECT_EQ(refusal->code, row.smtp_code);
    EXPECT_EQ(refusal->enhanced, row.enhanced);
    EXPECT_EQ(refusal->text, std::string(row.token) + ": simulated: " + std::string(row.text));
    EXPECT_EQ(scenario.rehearsed, row.refusal);
  }
  EXPECT_EQ(scenario_of("Rate_Limited+later").rcpt_refusal()->code, 450);
}

TEST(ScenarioCatalog, NamesEveryScenarioOnce) {
  std::set<std::string_view> names;
  std::set<ScenarioKind> kinds;
  for (const CatalogRow& row : scenario_catalog()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(kinds.insert(row.kind).second) << row.name;
  }
  EXPECT_EQ(kinds.size(), 9U);
}

}  // namespace
}  // namespace postern::sandbox
