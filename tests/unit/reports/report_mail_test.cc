// Reports as they arrived somewhere (tests/corpora/reports).
#include "reports/report_mail.h"

#include "core/bytes.h"
#include "reports/unpack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <fstream>
#include <sstream>

namespace postern::reports {
namespace {

namespace json = boost::json;

std::string corpus(const std::string& name) {
  std::ifstream file(POSTERN_CORPORA "/reports/" + name);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

// Beside each report stands what another reader made of it, with its own names for results: "Pass", "TempError".
std::string theirs(const json::value& value) {
  return value.is_string() ? to_ascii_lower(value.get_string()) : std::string();
}

void expect_results(const std::vector<ReportedResult>& ours, const json::array& expected) {
  ASSERT_EQ(ours.size(), expected.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].domain, theirs(expected[i].at("domain")));
    EXPECT_EQ(ours[i].result, theirs(expected[i].at("result")));
  }
}

void expect_row(const AggregateRow& ours, const json::value& expected) {
  const json::value& row = expected.at("row");
  EXPECT_EQ(format_ip_address(ours.source), theirs(row.at("source_ip")));
  EXPECT_EQ(ours.count, row.at("count").to_number<std::uint64_t>());
  EXPECT_EQ(ours.disposition, theirs(row.at("policy_evaluated").at("disposition")));
  EXPECT_EQ(ours.is_dkim_aligned, theirs(row.at("policy_evaluated").at("dkim")) == "pass");
  EXPECT_EQ(ours.is_spf_aligned, theirs(row.at("policy_evaluated").at("spf")) == "pass");
  EXPECT_EQ(ours.reasons.size(), row.at("policy_evaluated").at("reason").as_array().size());
  EXPECT_EQ(ours.header_from, theirs(expected.at("identifiers").at("header_from")));
  EXPECT_EQ(ours.envelope_from, theirs(expected.at("identifiers").at("envelope_from")));
  expect_results(ours.dkim, expected.at("auth_results").at("dkim").as_array());
  expect_results(ours.spf, expected.at("auth_results").at("spf").as_array());
}

TEST(ReportMail, ReadsTheReportsOfTheCollection) {
  for (const std::string name : {"001.xml", "002.xml", "003.xml", "100.eml", "101.eml"}) {
    SCOPED_TRACE(name);
    const std::string octets = corpus("dmarc-feedback-" + name);
    const auto report = name.ends_with(".eml") ? read_report_mail(octets) : read_report(octets);
    ASSERT_TRUE(report) << report.error().message();
    const auto& ours = std::get<AggregateReport>(*report);
    const json::value expected = json::parse(corpus("dmarc-feedback-" + name.substr(0, 3) + ".json"));
    const json::value& metadata = expected.at("report_metadata");
    EXPECT_EQ(ours.organization, std::string(metadata.at("org_name").as_string()));
    EXPECT_EQ(ours.id, std::string(metadata.at("report_id").as_string()));
    EXPECT_EQ(ours.begin.time_since_epoch(), std::chrono::seconds(metadata.at("date_range").at("begin").as_int64()));
    EXPECT_EQ(ours.end.time_since_epoch(), std::chrono::seconds(metadata.at("date_range").at("end").as_int64()));
    EXPECT_EQ(ours.domain, theirs(expected.at("policy_published").at("domain")));
    EXPECT_EQ(ours.policy, theirs(expected.at("policy_published").at("p")));
    const json::array& rows = expected.at("record").as_array();
    ASSERT_EQ(ours.rows.size(), rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) expect_row(ours.rows[i], rows[i]);
  }
}

TEST(ReportMail, ReadsATlsReportOutOfItsMail) {
  const auto report = read_report_mail(corpus("tlsrpt-rpt01.eml"));
  ASSERT_TRUE(report) << report.error().message();
  const auto& tls = std::get<TlsReport>(*report);
  EXPECT_EQ(tls, read_tls_report(corpus("tlsrpt-rpt01.json")).value());
  EXPECT_EQ(tls.organization, "Company-X");
  EXPECT_EQ(tls.policies.at(0).successful, 5'326U);
  EXPECT_EQ(tls.policies.at(0).failures.size(), 3U);
}

TEST(ReportMail, SaysWhyThereIsNone) {
  EXPECT_EQ(read_report_mail("From: a@example.org\r\n\r\nhello\r\n").error().code(), ErrorCode::NotFound);
  const std::string head =
      "MIME-Version: 1.0\r\nContent-Type: application/gzip; name=\"a.xml.gz\"\r\nContent-Disposition: attachment\r\n\r\n";
  EXPECT_EQ(read_report_mail(head + "no gzip\r\n").error().code(), ErrorCode::Malformed);
  EXPECT_EQ(read_report(pack_report(std::string(60 * 1'048'576, '<'))).error().code(), ErrorCode::LimitExceeded);
}

}  // namespace
}  // namespace postern::reports
