// What a domain's policy makes of the checks' results, and that a silent DNS holds up nobody.
#include "reception/door_checks.h"

#include "tests/support/coroutine_loop.h"
#include "tests/support/scripted_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::reception {
namespace {

using store::InboundPolicy;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kTwoAuthors = "From: ann@example.org\r\nFrom: bob@example.net\r\n\r\nhello\r\n";
constexpr std::string_view kOneAuthor = "From: ann@example.org\r\nSubject: x\r\n\r\nhello\r\n";

class DoorChecks : public ::testing::Test {
 protected:
  DoorVerdict check(std::string_view message, InboundPolicy policy, std::string sender = "ann@example.org") {
    provenance::MessageCheck check;
    check.append(message);
    provenance::SpfSubject subject{.client = *parse_ip_address("192.0.2.1"),
                                   .helo = "mail.example.org",
                                   .sender = std::move(sender),
                                   .receiver = "mx.example.com",
                                   .now = Instant(std::chrono::hours(500'000))};
    return loop_.run(check_at_door(check, resolver_, std::move(subject), policy, std::chrono::milliseconds(20)));
  }
  void publish(std::string dmarc, std::string spf = "v=spf1 -all") {
    resolver_.zone[{"_dmarc.example.org", "TXT"}] = {std::move(dmarc)};
    resolver_.zone[{"example.org", "TXT"}] = {std::move(spf)};
  }

  test::ScriptedResolver resolver_;
  test::CoroutineLoop loop_;
};

TEST_F(DoorChecks, RefuseOnlyWhereTheDomainWantsIt) {
  publish("v=DMARC1; p=reject");
  for (const InboundPolicy policy : {InboundPolicy::Observe, InboundPolicy::Tag}) {
    const DoorVerdict door = check(kOneAuthor, policy);
    EXPECT_FALSE(door.refused);
    EXPECT_EQ(door.verdicts.dmarc, "fail");
    EXPECT_EQ(door.verdicts.asked_for, "reject");
    EXPECT_EQ(door.verdicts.suspicion, "dmarc=fail of example.org");
    EXPECT_THAT(door.fields, StartsWith("Authentication-Results: mx.example.com;"));
  }
  const DoorVerdict door = check(kOneAuthor, InboundPolicy::Reject);
  ASSERT_TRUE(door.refused);
  EXPECT_EQ(door.refused->refusal, Refusal::DmarcFailed);
}

TEST_F(DoorChecks, MarkWhatIsSuspectWhereTheDomainWantsIt) {
  publish("v=DMARC1; p=quarantine");
  EXPECT_THAT(check(kOneAuthor, InboundPolicy::Observe).fields, Not(HasSubstr("X-Postern-Suspect")));
  for (const InboundPolicy policy : {InboundPolicy::Tag, InboundPolicy::Reject}) {
    const DoorVerdict door = check(kOneAuthor, policy);
    EXPECT_FALSE(door.refused) << "it asks for quarantine";
    EXPECT_THAT(door.fields, HasSubstr("\r\nX-Postern-Suspect: dmarc=fail of example.org\r\n"));
  }
}

TEST_F(DoorChecks, LetPassWhatIsProved) {
  publish("v=DMARC1; p=reject", "v=spf1 ip4:192.0.2.1 -all");
  const DoorVerdict door = check(kOneAuthor, InboundPolicy::Reject);
  EXPECT_FALSE(door.refused);
  EXPECT_EQ(door.verdicts.spf, "pass");
  EXPECT_EQ(door.verdicts.spf_domain, "example.org");
  EXPECT_EQ(door.verdicts.dkim, "none");
  EXPECT_EQ(door.verdicts.dmarc, "pass");
  EXPECT_EQ(door.verdicts.author_domain, "example.org");
  EXPECT_EQ(door.verdicts.suspicion, "");
}

TEST_F(DoorChecks, RefuseAnAuthorWhoCannotBeTold) {
  publish("v=DMARC1; p=none", "v=spf1 +all");
  const DoorVerdict noted = check(kTwoAuthors, InboundPolicy::Observe);
  EXPECT_EQ(noted.verdicts.dmarc, "permerror");
  EXPECT_EQ(noted.verdicts.author_domain, "");
  EXPECT_THAT(noted.verdicts.suspicion, HasSubstr("permerror"));
  const DoorVerdict refused = check(kTwoAuthors, InboundPolicy::Reject);
  ASSERT_TRUE(refused.refused);
  EXPECT_EQ(refused.refused->refusal, Refusal::AuthorUnclear);
}

TEST_F(DoorChecks, CountSpfAloneWhereTheAuthorsDomainSaysNothing) {
  resolver_.zone[{"example.org", "TXT"}] = {"v=spf1 -all"};
  const DoorVerdict door = check(kOneAuthor, InboundPolicy::Reject);
  EXPECT_FALSE(door.refused) << "forwarders break SPF";
  EXPECT_EQ(door.verdicts.suspicion, "spf=fail of example.org");
  publish("v=DMARC1; p=none");
  EXPECT_EQ(check(kOneAuthor, InboundPolicy::Tag).verdicts.suspicion, "");
}

TEST_F(DoorChecks, NeitherRefuseNorMarkBecauseOfADnsThatSaysNothing) {
  resolver_.is_silent = true;
  const DoorVerdict door = check(kOneAuthor, InboundPolicy::Reject);
  EXPECT_FALSE(door.refused);
  EXPECT_EQ(door.verdicts.spf, "temperror");
  EXPECT_EQ(door.verdicts.dmarc, "temperror");
  EXPECT_EQ(door.verdicts.suspicion, "");
}

TEST(ForgedResults, AreLeftOutOfTheHeaderSection) {
  mime::HeaderScan header;
  header.feed("A: 1\r\nAuthentication-Results: mx.example.com;\r\n dmarc=pass\r\nB: 2\r\n"
              "authentication-results: MX.example.COM; spf=pass\r\nAuthentication-Results: else.example; spf=pass\r\n\r\n");
  EXPECT_EQ(without_forged_results(header, "mx.example.com"),
            "A: 1\r\nB: 2\r\nAuthentication-Results: else.example; spf=pass\r\n");
}

}  // namespace
}  // namespace postern::reception
