// The whole table: what the DNS, MTA-STS, the message and the route say, and what follows from it.
#include "mx/tls_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::mx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const net::TlsaRecord kRecord{.usage = 3, .selector = 1, .matching = 1, .data = std::string(32, 'x')};

enum class Found { NotAsked, Absent, Usable, Unusable, Unknown };
enum class Sts { Without, Testing, TestingElsewhere, Enforced, EnforcedElsewhere };

HostTlsa tlsa_of(Found found) {
  HostTlsa tlsa{.base = "mx.example"};
  switch (found) {
    case Found::NotAsked:
      break;
    case Found::Absent:
      tlsa.finding = TlsaFinding::Absent;
      break;
    case Found::Unknown:
      tlsa.finding = TlsaFinding::Unknown;
      tlsa.why = "SERVFAIL";
      break;
    case Found::Usable:
      tlsa.usable = {kRecord};
      [[fallthrough]];
    case Found::Unusable:
      tlsa.finding = TlsaFinding::Found;
      tlsa.records = 1;
      break;
  }
  return tlsa;
}

StsView sts_of(Sts sts) {
  const bool is_enforced = sts == Sts::Enforced || sts == Sts::EnforcedElsewhere;
  const bool is_testing = sts == Sts::Testing || sts == Sts::TestingElsewhere;
  return {.mode = is_enforced  ? StsMode::Enforce
                  : is_testing ? StsMode::Testing
                               : StsMode::None,
          .matches = sts == Sts::Enforced || sts == Sts::Testing};
}

TlsFacts facts_of(Found found, Sts sts, bool is_mx_secure = true) {
  return {.domain = "example.org", .host = "mx.example", .is_mx_secure = is_mx_secure, .tlsa = tlsa_of(found), .sts = sts_of(sts)};
}

std::string outcome(const TlsDecision& decision) {
  return decision.refusal ? std::to_string(decision.refusal->code) : std::string(tls_level_name(decision.level));
}

TEST(TlsPolicy, IsOneTableOfDaneAndMtaSts) {
  const struct {
    Found tlsa;
    Sts sts;
    const char* level;
    DaneOutcome dane;
  } rows[] = {
      // Nothing is asked below an insecure name: MTA-STS may apply.
      {Found::NotAsked, Sts::Without, "opportunistic", DaneOutcome::InsecureChain},
      {Found::NotAsked, Sts::Testing, "opportunistic", DaneOutcome::InsecureChain},
      {Found::NotAsked, Sts::TestingElsewhere, "opportunistic", DaneOutcome::InsecureChain},
      {Found::NotAsked, Sts::Enforced, "verified", DaneOutcome::InsecureChain},
      {Found::NotAsked, Sts::EnforcedElsewhere, "451", DaneOutcome::InsecureChain},
      // An absence, proven or not, is no error.
      {Found::Absent, Sts::Without, "opportunistic", DaneOutcome::NotApplicable},
      {Found::Absent, Sts::Testing, "opportunistic", DaneOutcome::NotApplicable},
      {Found::Absent, Sts::TestingElsewhere, "opportunistic", DaneOutcome::NotApplicable},
      {Found::Absent, Sts::Enforced, "verified", DaneOutcome::NotApplicable},
      {Found::Absent, Sts::EnforcedElsewhere, "451", DaneOutcome::NotApplicable},
      // DANE wins, whatever MTA-STS says.
      {Found::Usable, Sts::Without, "dane", DaneOutcome::Ok},
      {Found::Usable, Sts::Testing, "dane", DaneOutcome::Ok},
      {Found::Usable, Sts::TestingElsewhere, "dane", DaneOutcome::Ok},
      {Found::Usable, Sts::Enforced, "dane", DaneOutcome::Ok},
      {Found::Usable, Sts::EnforcedElsewhere, "dane", DaneOutcome::Ok},
      // TLS without a name, to which MTA-STS may add one.
      {Found::Unusable, Sts::Without, "encrypted", DaneOutcome::Unusable},
      {Found::Unusable, Sts::Testing, "encrypted", DaneOutcome::Unusable},
      {Found::Unusable, Sts::TestingElsewhere, "encrypted", DaneOutcome::Unusable},
      {Found::Unusable, Sts::Enforced, "verified", DaneOutcome::Unusable},
      {Found::Unusable, Sts::EnforcedElsewhere, "451", DaneOutcome::Unusable},
      // No answer is never "there is none".
      {Found::Unknown, Sts::Without, "451", DaneOutcome::TempFail},
      {Found::Unknown, Sts::Testing, "451", DaneOutcome::TempFail},
      {Found::Unknown, Sts::TestingElsewhere, "451", DaneOutcome::TempFail},
      {Found::Unknown, Sts::Enforced, "451", DaneOutcome::TempFail},
      {Found::Unknown, Sts::EnforcedElsewhere, "451", DaneOutcome::TempFail},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::to_string(&row - rows));
    const TlsDecision decision = decide_tls(facts_of(row.tlsa, row.sts), TlsDemand::Usual, TlsFloor::Opportunistic);
    EXPECT_EQ(outcome(decision), row.level) << decision.reason;
    EXPECT_EQ(decision.dane, row.dane);
    EXPECT_EQ(decision.tlsa.empty(), row.level != std::string_view("dane"));
    EXPECT_FALSE(decision.reason.empty());
  }
}

// RFC 7672 §2.2.1: whoever redirects the MX redirects the mail, but a host that publishes is held to it (as Postfix' default).
TEST(TlsPolicy, HoldsAHostToItsRecordsWhereTheMxIsInsecure) {
  const TlsDecision decision = decide_tls(facts_of(Found::Usable, Sts::Without, false), TlsDemand::Usual, TlsFloor::Opportunistic);
  EXPECT_EQ(outcome(decision), "dane");
}

TEST(TlsPolicy, NamesWhatTheCertificateMayBeFor) {
  const auto by_dane = decide_tls(facts_of(Found::Usable, Sts::Enforced), TlsDemand::Usual, TlsFloor::Opportunistic);
  EXPECT_THAT(by_dane.names, ElementsAre("mx.example", "example.org")) << "TLSA base and next hop (RFC 7672 section 3.2.3)";
  const auto by_insecure_mx = decide_tls(facts_of(Found::Usable, Sts::Without, false), TlsDemand::Usual, TlsFloor::Opportunistic);
  EXPECT_EQ(by_insecure_mx.level, TlsLevel::Dane);
  EXPECT_THAT(by_insecure_mx.names, ElementsAre("mx.example")) << "whoever forges the MX chooses the host (RFC 7672 section 3.2.2)";
  EXPECT_THAT(by_dane.tlsa, ElementsAre(kRecord));
  const auto by_sts = decide_tls(facts_of(Found::Absent, Sts::Enforced), TlsDemand::Usual, TlsFloor::Opportunistic);
  EXPECT_THAT(by_sts.names, ElementsAre("mx.example")) << "the host (RFC 8461 section 4.1)";
  EXPECT_THAT(by_sts.tlsa, IsEmpty());
}

TEST(TlsPolicy, GivesAMessageThatRequiresTlsAnAuthenticatedWayOrNone) {
  const struct {
    const char* name;
    Found tlsa;
    Sts sts;
    bool is_mx_secure;
    const char* outcome;
  } rows[] = {
      {"secure MX, DANE", Found::Usable, Sts::Without, true, "dane"},
      {"secure MX, no TLSA: by the CAs", Found::Absent, Sts::Without, true, "verified"},
      {"secure MX, TLSA of no use: by the CAs", Found::Unusable, Sts::Without, true, "verified"},
      {"insecure MX", Found::NotAsked, Sts::Without, false, "550"},
      {"insecure MX, DANE of the host alone", Found::Usable, Sts::Without, false, "550"},
      {"insecure MX, MTA-STS", Found::NotAsked, Sts::Enforced, false, "verified"},
      {"insecure MX, DANE of the host and MTA-STS", Found::Usable, Sts::Enforced, false, "dane"},
      {"insecure MX, MTA-STS in testing", Found::NotAsked, Sts::Testing, false, "550"},
      {"MTA-STS names another host", Found::NotAsked, Sts::EnforcedElsewhere, true, "451"},
      {"no answer on TLSA", Found::Unknown, Sts::Without, true, "451"},
  };
  for (const auto& row : rows) {
    for (const TlsFloor floor : {TlsFloor::Never, TlsFloor::Opportunistic, TlsFloor::Verified}) {
      const auto decision = decide_tls(facts_of(row.tlsa, row.sts, row.is_mx_secure), TlsDemand::RequireTls, floor);
      EXPECT_EQ(outcome(decision), row.outcome) << row.name;
      if (decision.refusal && decision.refusal->is_permanent()) {
        EXPECT_THAT(format_status(*decision.refusal), HasSubstr("550 5.7.30 ")) << row.name;
      }
    }
  }
}

TEST(TlsPolicy, LetsAMessageGoOnThatDoesNotRequireTls) {
  for (const Found found : {Found::NotAsked, Found::Absent, Found::Usable, Found::Unusable, Found::Unknown}) {
    for (const Sts sts : {Sts::Without, Sts::Enforced, Sts::EnforcedElsewhere}) {
      const auto decision = decide_tls(facts_of(found, sts), TlsDemand::NotRequired, TlsFloor::Opportunistic);
      EXPECT_EQ(outcome(decision), "opportunistic");
    }
  }
  const auto by_operator = decide_tls(facts_of(Found::Absent, Sts::Without), TlsDemand::NotRequired, TlsFloor::Verified);
  EXPECT_EQ(outcome(by_operator), "verified") << "the operator's word for the route stays";
}

TEST(TlsPolicy, AddsTheRoutesOwnDemand) {
  EXPECT_EQ(outcome(decide_tls(facts_of(Found::Absent, Sts::Without), TlsDemand::Usual, TlsFloor::Verified)), "verified");
  EXPECT_EQ(outcome(decide_tls(facts_of(Found::Usable, Sts::Without), TlsDemand::Usual, TlsFloor::Verified)), "dane");
  EXPECT_EQ(outcome(decide_tls(facts_of(Found::Usable, Sts::Enforced), TlsDemand::Usual, TlsFloor::Never)), "clear");
}

TEST(TlsPolicy, ReadsTheDemandOfAMessage) {
  const struct {
    bool is_require_tls;
    const char* content;
    TlsDemand demand;
  } rows[] = {
      {false, "Received: x\r\nSubject: s\r\n\r\nTLS-Required: No\r\n", TlsDemand::Usual},
      {false, "Received: x\r\n y\r\ntls-required:  no \r\nSubject: s\r\n\r\nbody", TlsDemand::NotRequired},
      {false, "TLS-Required: No\r\n\r\n", TlsDemand::NotRequired},
      {false, "TLS-Required: Yes\r\n\r\n", TlsDemand::Usual},
      {false, "Subject: TLS-Required: No\r\n\r\n", TlsDemand::Usual},
      {false, "", TlsDemand::Usual},
      {false, "TLS-Required: No", TlsDemand::NotRequired},
      {true, "TLS-Required: No\r\n\r\n", TlsDemand::RequireTls},
      {true, "", TlsDemand::RequireTls},
  };
  for (const auto& row : rows) EXPECT_EQ(find_tls_demand(row.is_require_tls, row.content), row.demand) << row.content;
}

}  // namespace
}  // namespace postern::mx
