#include "relay/tls_observation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::relay {
namespace {

using mx::DaneOutcome;
using mx::TlsLevel;
using net::TlsFault;

struct Observed {
  SeenSession seen{.domain = "example.org", .host = "mx.example.org", .address = "192.0.2.1"};
  mx::TlsDecision decision{.names = {"mx.example.org"}, .tlsa = {}, .reason = {}, .refusal = {}};
  std::optional<mx::StsAnswer> sts;

  // "sts: certificate-expired", "tlsa: ok", "-".
  std::string told() const {
    const auto session = observe_tls(seen, decision, sts);
    if (!session) return "-";
    return session->type + ": " + (session->failure ? session->failure->type : "ok");
  }
};

mx::StsAnswer policy(mx::StsFinding finding = mx::StsFinding::InForce) {
  mx::StsAnswer answer{.finding = finding, .policy = std::nullopt, .why = ""};
  if (finding == mx::StsFinding::InForce) {
    answer.policy = mx::KeptStsPolicy{.id = "1",
                                      .policy = {mx::StsMode::Enforce, {"mx.example.org"}, std::chrono::seconds(86'400)},
                                      .text = "version: STSv1\r\nmode: enforce\n\nmx: mx.example.org\r\n",
                                      .fetched = {}};
  }
  return answer;
}

TEST(TlsObservation, TellsEachFaultByTheNameThatReportsHaveForIt) {
  const std::pair<TlsFault, const char*> cases[] = {
      {TlsFault::None, "starttls-not-supported"},         {TlsFault::Expired, "certificate-expired"},
      {TlsFault::WrongName, "certificate-host-mismatch"}, {TlsFault::NotTrusted, "certificate-not-trusted"},
      {TlsFault::Handshake, "validation-failure"},        {TlsFault::NoTlsaMatch, "validation-failure"}};
  for (const auto& [fault, name] : cases) {
    Observed observed;
    observed.seen.is_tls_failure = true;
    observed.seen.fault = fault;
    EXPECT_EQ(observed.told(), std::string("no-policy-found: ") + name);
  }
}

TEST(TlsObservation, SaysWhosePolicyItWas) {
  Observed observed;
  observed.seen.is_open = observed.seen.is_tls = true;
  EXPECT_EQ(observed.told(), "no-policy-found: ok");
  observed.sts = policy();
  const auto by_sts = observe_tls(observed.seen, observed.decision, observed.sts);
  EXPECT_EQ(observed.told(), "sts: ok");
  EXPECT_THAT(by_sts->lines, testing::ElementsAre("version: STSv1", "mode: enforce", "mx: mx.example.org"));
  EXPECT_THAT(by_sts->hosts, testing::ElementsAre("mx.example.org"));
  observed.decision.dane = DaneOutcome::Ok;
  observed.decision.tlsa = {{3, 1, 1, "\x01\xAB"}};
  EXPECT_EQ(observed.told(), "tlsa: ok");
  EXPECT_THAT(observe_tls(observed.seen, observed.decision, observed.sts)->lines, testing::ElementsAre("3 1 1 01ab"));
}

TEST(TlsObservation, CountsWhatWasNotProtectedAsAFailure) {
  Observed observed;
  observed.seen.is_open = true;
  EXPECT_EQ(observed.told(), "no-policy-found: starttls-not-supported");
  observed.sts = policy(mx::StsFinding::FetchError);
  EXPECT_EQ(observed.told(), "sts: sts-policy-fetch-error");
  observed.sts = policy(mx::StsFinding::Invalid);
  EXPECT_EQ(observed.told(), "sts: sts-policy-invalid");
}

TEST(TlsObservation, TellsRefusalsOfThePolicyAndNotOfTheMessage) {
  Observed observed;
  observed.decision.refusal = Status{451, EnhancedCode{4, 7, 5}, "no TLSA answer"};
  observed.decision.dane = DaneOutcome::TempFail;
  EXPECT_EQ(observed.told(), "tlsa: dnssec-invalid");
  observed.decision.dane = DaneOutcome::NotApplicable;
  EXPECT_EQ(observed.told(), "-");
  observed.sts = policy();
  EXPECT_EQ(observed.told(), "sts: validation-failure");
  observed.decision.refusal = Status{550, EnhancedCode{5, 7, 30}, "REQUIRETLS"};
  EXPECT_EQ(observed.told(), "-");
}

TEST(TlsObservation, SaysNothingWhereTlsHadNoPart) {
  Observed observed;
  EXPECT_EQ(observed.told(), "-") << "nobody listens there";
  observed.decision.level = TlsLevel::Clear;
  observed.seen.is_open = true;
  EXPECT_EQ(observed.told(), "-") << "the route is without TLS";
}

}  // namespace
}  // namespace postern::relay
