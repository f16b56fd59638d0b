#include "reports/tls_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::reports {
namespace {

TlsReport whole_report() {
  return {.organization = "Example",
          .contact = "postmaster@example.org",
          .id = "2026-11-30.example.net@example.org",
          .begin = Instant(std::chrono::seconds(1'795'996'800)),
          .end = Instant(std::chrono::seconds(1'796'083'199)),
          .policies = {{.type = "sts",
                        .domain = "example.net",
                        .lines = {"version: STSv1", "mode: enforce", "mx: *.example.net", "max_age: 86400"},
                        .hosts = {"*.example.net"},
                        .successful = 5'326,
                        .failed = 3,
                        .failures = {{.type = "certificate-expired",
                                      .sending_address = "2001:db8::1",
                                      .receiving_host = "mx1.example.net",
                                      .receiving_helo = "mx1",
                                      .receiving_address = "192.0.2.1",
                                      .sessions = 3,
                                      .more = "https://reports.example/x",
                                      .reason = "X509_V_ERR_CERT_HAS_EXPIRED"}}},
                       {.type = "no-policy-found", .domain = "example.com", .successful = 1}}};
}

TEST(TlsReport, IsReadAsItIsWritten) {
  const auto report = read_tls_report(format_tls_report(whole_report()));
  ASSERT_TRUE(report);
  EXPECT_EQ(*report, whole_report());
}

TEST(TlsReport, IsWrittenInTheFormOfRfc8460) {
  const std::string text = format_tls_report(whole_report());
  EXPECT_THAT(text,
              testing::StartsWith(R"({"organization-name":"Example","date-range":{"start-datetime":"2026-11-30T00:00:00Z",)"));
  EXPECT_THAT(text, testing::HasSubstr(R"("summary":{"total-successful-session-count":5326,"total-failure-session-count":3})"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr(R"("failure-details":[])")));
}

TEST(TlsReport, ReadsWhatSendersWriteInstead) {
  const auto report = read_tls_report(R"({"policies": [7, {"policy": {"policy-type": "tlsa", "policy-domain": "Example.NET",
      "policy-string": "3 1 1 AB", "mx-host": "mx.example.net"}, "summary": {"total-successful-session-count": "many",
      "total-failure-session-count": -1}, "failure-details": [null, {"result-type": 5}]}], "date-range": "today",
      "organization-name": "a\u0007b"})");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->organization, "a?b");
  EXPECT_EQ(report->begin, Instant{});
  ASSERT_EQ(report->policies.size(), 1U);
  EXPECT_EQ(report->policies[0].domain, "example.net");
  EXPECT_THAT(report->policies[0].lines, testing::ElementsAre("3 1 1 AB"));
  EXPECT_EQ(report->policies[0].successful + report->policies[0].failed, 0U);
  EXPECT_EQ(report->policies[0].failures.size(), 1U);
}

TEST(TlsReport, BoundsWhatItReads) {
  std::string deep = "{\"policies\": ";
  for (int i = 0; i < 100'000; ++i) deep += '[';
  EXPECT_EQ(read_tls_report(deep).error().code(), ErrorCode::Malformed);
  EXPECT_EQ(read_tls_report(std::string(kMaxTlsReportOctets + 1, ' ')).error().code(), ErrorCode::LimitExceeded);
  std::string many = "{\"policies\": [{\"failure-details\": [{}";
  for (int i = 0; i < 2'000; ++i) many += ",{}";
  many += "]}";
  for (int i = 0; i < 2'000; ++i) many += ",{}";
  const auto report = read_tls_report(many + "]}");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->policies.size(), kMaxTlsPolicies);
  EXPECT_EQ(report->policies[0].failures.size(), kMaxTlsFailures);
  for (const char* text : {"", "[]", "{}", "{\"policies\": {}}", "{\"policies\": [}"}) EXPECT_FALSE(read_tls_report(text)) << text;
}

// RFC 8460 §3.
TEST(TlsReport, GoesWhereTheOneRecordOfTheDomainSays) {
  using testing::ElementsAre;
  EXPECT_THAT(find_tls_report_uris({"v=spf1 -all", "v=TLSRPTv1; rua=mailto:a@example.org , https://r.example/x,ftp://y;z=1"}),
              ElementsAre("mailto:a@example.org", "https://r.example/x"));
  EXPECT_THAT(find_tls_report_uris({"v=TLSRPTv1 ;rua=mailto:a@example.org;"}), ElementsAre("mailto:a@example.org"));
  for (const std::vector<std::string>& texts :
       std::vector<std::vector<std::string>>{{},
                                             {"v=TLSRPTv1"},
                                             {"v=TLSRPTv12;rua=mailto:a@b.example"},
                                             {"v=tlsrptv1;rua=mailto:a@b.example"},
                                             {"v=TLSRPTv1;rua=mailto:a@b.example", "v=TLSRPTv1;rua=mailto:c@b.example"},
                                             {"v=TLSRPTv1;rua="}}) {
    EXPECT_THAT(find_tls_report_uris(texts), testing::IsEmpty());
  }
}

}  // namespace
}  // namespace postern::reports
