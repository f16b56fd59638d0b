#include "reports/aggregate_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::reports {
namespace {

using testing::HasSubstr;

std::string report_of(std::string_view records, std::string_view head = "") {
  return "<?xml version=\"1.0\"?>" + std::string(head) +
         "<feedback><report_metadata><report_id>r1</report_id></report_metadata><policy_published><domain>Example.ORG</domain>"
         "<p>reject</p></policy_published>" +
         std::string(records) + "</feedback>";
}

constexpr std::string_view kRow = "<record><row><source_ip>192.0.2.1</source_ip><count>3</count></row></record>";

// RFC 9990 has a namespace and more elements; whatever a report is written with, local names count.
TEST(AggregateReport, ReadsTheFormOfRfc9990) {
  const auto report = read_aggregate_report(
      "<r:feedback xmlns:r=\"urn:ietf:params:xml:ns:dmarc-2.0\" xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\"><version>1.0</version>"
      "<report_metadata><org_name>Reporter &amp; Sons</org_name><email>r@reporter.example</email><report_id> 3v98 </report_id>"
      "<date_range><begin>1796000000</begin><end>1796086399</end></date_range><generator>g</generator></report_metadata>"
      "<policy_published><domain>example.org</domain><discovery_method>treewalk</discovery_method><p>quarantine</p><sp>none</sp>"
      "<np>reject</np><testing>y</testing></policy_published>"
      "<r:record><row><source_ip>2001:db8::7</source_ip><count>123</count><policy_evaluated><disposition>pass</disposition>"
      "<dkim>pass</dkim><spf>fail</spf><reason><type>local_policy</type><comment>arc=pass</comment></reason>"
      "<reason><type>forwarded</type></reason></policy_evaluated></row><identifiers><envelope_to>example.net</envelope_to>"
      "<envelope_from>bounce.example.org</envelope_from><header_from>Example.org</header_from></identifiers><auth_results>"
      "<dkim><domain>example.org</domain><selector>s1</selector><result>pass</result></dkim>"
      "<dkim><domain>other.example</domain><result>fail</result></dkim>"
      "<spf><domain>bounce.example.org</domain><scope>mfrom</scope><result>softfail</result></spf></auth_results></r:record>"
      "<extension><anything><deep/></anything></extension></r:feedback>");
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->organization, "Reporter & Sons");
  EXPECT_EQ(report->id, "3v98");
  EXPECT_EQ(report->end - report->begin, std::chrono::seconds(86'399));
  EXPECT_EQ(report->policy + report->subdomain_policy + report->nonexistent_policy, "quarantinenonereject");
  EXPECT_TRUE(report->is_testing);
  ASSERT_EQ(report->rows.size(), 1U);
  const AggregateRow& row = report->rows.front();
  EXPECT_EQ(format_ip_address(row.source), "2001:db8::7");
  EXPECT_EQ(row.count, 123U);
  EXPECT_TRUE(row.is_dkim_aligned);
  EXPECT_FALSE(row.is_spf_aligned);
  ASSERT_EQ(row.reasons.size(), 2U);
  EXPECT_EQ(row.reasons[0].comment, "arc=pass");
  ASSERT_EQ(row.dkim.size(), 2U);
  EXPECT_EQ(row.dkim[0].selector, "s1");
  EXPECT_EQ(row.dkim[1].result, "fail");
  EXPECT_EQ(row.spf.at(0).scope, "mfrom");
  EXPECT_EQ(row.header_from, "example.org");
}

TEST(AggregateReport, RefusesEntitiesAndWhateverElseGrows) {
  const std::string laughs =
      "<!DOCTYPE feedback [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]>";
  EXPECT_THAT(read_aggregate_report(report_of(kRow, laughs)).error().context(), HasSubstr("document type"));
  EXPECT_FALSE(read_aggregate_report(report_of(kRow, "<!DOCTYPE feedback SYSTEM \"http://127.0.0.1/x.dtd\">")));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_THAT(read_aggregate_report(report_of(deep)).error().context(), HasSubstr("too deep"));
  EXPECT_FALSE(read_aggregate_report(report_of("<record>&undeclared;</record>")));
}

TEST(AggregateReport, CountsTheRowsThatItLeavesOut) {
  std::string rows;
  for (std::size_t i = 0; i < kMaxReportRows + 5; ++i) rows += kRow;
  rows += "<record><row><count>1</count></row></record>";
  const auto report = read_aggregate_report(report_of(rows));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->rows.size(), kMaxReportRows);
  EXPECT_EQ(report->rows_left_out, 6U);
}

TEST(AggregateReport, CutsTextsAndTakesControlsOut) {
  const auto report = read_aggregate_report(
      report_of("<record><row><source_ip>192.0.2.1</source_ip></row><identifiers><header_from>" + std::string(100'000, 'x') +
                "</header_from><envelope_to>a&#x9;b\xE2\x80\xAE" + "c</envelope_to></identifiers></record>"));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->rows[0].header_from.size(), kMaxReportTextOctets);
  EXPECT_EQ(report->rows[0].envelope_to, "a b?c");
  EXPECT_EQ(report->domain, "example.org");
}

TEST(AggregateReport, IsNoneWithoutADomainAnIdOrARow) {
  for (const std::string& xml : {std::string(), std::string("x"), std::string("<html/>"), report_of(""),
                                 std::string("<feedback><record><row><source_ip>192.0.2.1</source_ip></row></record></feedback>"),
                                 std::string("<a>") + report_of(kRow).substr(21) + "</a>", report_of(kRow).substr(0, 150)}) {
    EXPECT_FALSE(read_aggregate_report(xml)) << xml;
  }
}

}  // namespace
}  // namespace postern::reports
