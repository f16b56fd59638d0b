#include "reports/tls_report_mail.h"

#include "reports/report_mail.h"

#include <gmock/gmock.h>

namespace postern::reports {
namespace {

using testing::HasSubstr;

TlsReport report_of_a_day() {
  TlsReport report{.organization = "relay.example",
                   .contact = "tls@relay.example",
                   .id = "2026-11-30.example.org@relay.example",
                   .begin = std::chrono::sys_days(std::chrono::year(2026) / 11 / 30),
                   .end = std::chrono::sys_days(std::chrono::year(2026) / 12 / 1) - std::chrono::seconds(1),
                   .policies = {}};
  report.policies.push_back({.type = "sts", .domain = "example.org", .successful = 3, .failed = 1});
  report.policies.back().failures.push_back({.type = "certificate-expired", .receiving_host = "mx.example.org", .sessions = 1});
  return report;
}

TEST(TlsReportMail, IsReadAsItWasWritten) {
  const TlsReport report = report_of_a_day();
  const std::string text = format_tls_report_mail({.from = "tls@relay.example",
                                                   .to = "reports@example.org",
                                                   .domain = "example.org",
                                                   .submitter = "relay.example",
                                                   .message_id = "1@relay.example",
                                                   .date = report.end},
                                                  report);
  const auto read = read_report_mail(text);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(std::get<TlsReport>(*read), report);
  // RFC 8460 §5.3: what receivers sort by; RFC 8689 §5: nothing is reported about this mail.
  for (const char* line : {"TLS-Report-Domain: example.org\r\n", "TLS-Report-Submitter: relay.example\r\n", "TLS-Required: No\r\n",
                           "Auto-Submitted: auto-generated\r\n",
                           "Subject: Report Domain: example.org\r\n Submitter: relay.example\r\n",
                           "Content-Type: application/tlsrpt+gzip\r\n", "report-type=\"tlsrpt\"",
                           "filename=\"relay.example!example.org!1795996800!1796083199!001.json.gz\""}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - at, 200U) << text.substr(at, end - at);
    at = end + 2;
  }
}

TEST(TlsReportMail, GoesWhereTheRecordSaysAndNowhereElse) {
  EXPECT_EQ(mail_address_of("mailto:reports@example.org"), "reports@example.org");
  EXPECT_EQ(mail_address_of("MAILTO:reports@example.org?subject=x"), "reports@example.org");
  for (const char* uri : {"mailto:", "mailto:nobody", "mailto:a@b\r\nBcc: c@d", "https://example.org/", "ftp://example.org"}) {
    EXPECT_EQ(mail_address_of(uri), std::nullopt) << uri;
  }
  EXPECT_EQ(report_place_of("https://r.example.org/tls?x=1#y"), (ReportPlace{"r.example.org", 443, "/tls?x=1"}));
  EXPECT_EQ(report_place_of("https://R.example.org:8443"), (ReportPlace{"r.example.org", 8443, "/"}));
  for (const char* uri : {"http://example.org/", "https://", "https://u@example.org/", "https://example.org:0/", "https://a b/",
                          "https://[::1]/", "https://example.org/a b", "https://example.org/a\r\nX: y"}) {
    EXPECT_EQ(report_place_of(uri), std::nullopt) << uri;
  }
}

}  // namespace
}  // namespace postern::reports
