#include "mime/addressees.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

using Addresses = std::vector<std::string>;

AddresseeSummary summary_of(std::string_view section, const Addresses& recipients) {
  HeaderScan header;
  header.feed(section);
  header.finish();
  Envelope envelope;
  for (const std::string& recipient : recipients) envelope.recipients.push_back({parse_mailbox(recipient).value(), {}, {}});
  return summarise_addressees(header, envelope);
}

TEST(Addressees, WhoIsInTheEnvelopeAndNotInTheHeaderGotABlindCopy) {
  const auto summary = summary_of("To: Ann <ann@Example.net>, bob@example.net\r\nCc: \"Cy, of Cy's\" <cy@example.net>\r\n\r\n",
                                  {"ann@example.net", "cy@example.net", "dan@example.net"});
  EXPECT_EQ(summary.to, (Addresses{"ann@Example.net", "bob@example.net"}));
  EXPECT_EQ(summary.cc, (Addresses{"cy@example.net"}));
  EXPECT_EQ(summary.bcc, (Addresses{"dan@example.net"}));
}

TEST(Addressees, AreUnknownWhereTheHeaderNamesNobody) {
  for (const char* section : {"Subject: x\r\n\r\n", "To: undisclosed-recipients:;\r\n\r\n", "To: \r\n\r\n"}) {
    const auto summary = summary_of(section, {"ann@example.net"});
    EXPECT_TRUE(summary.to.empty() && summary.cc.empty() && summary.bcc.empty()) << section;
  }
}

TEST(Addressees, AreFoundInOddListsToo) {
  const auto to = [](const std::string& value) { return summary_of("To: " + value + "\r\n\r\n", {}).to; };
  EXPECT_EQ(to("Team: ann@example.net,\r\n\tBob <bob@example.net>;"), (Addresses{"ann@example.net", "bob@example.net"}));
  EXPECT_EQ(to("eve@example.org <ann@example.net>"), (Addresses{"ann@example.net"}));
  EXPECT_EQ(to("ann@example.net (not bob@example.net)"), (Addresses{"ann@example.net"}));
  EXPECT_EQ(to("\"a b\"@example.net, <c@example.net"), (Addresses{"\"a b\"@example.net", "c@example.net"}));
  EXPECT_EQ(to("nobody, \"unclosed ann@example.net"), Addresses{});
}

TEST(Addressees, AreBounded) {
  std::string list = "To: x@example.net";
  Addresses recipients;
  for (std::size_t i = 0; i < 2 * kMaxListedAddressees; ++i) {
    list += ", a" + std::to_string(i) + "@example.net";
    recipients.push_back("b" + std::to_string(i) + "@example.net");
  }
  const auto summary = summary_of(list + "\r\n\r\n", recipients);
  EXPECT_EQ(summary.to.size(), kMaxListedAddressees);
  EXPECT_EQ(summary.bcc.size(), kMaxListedAddressees);
}

}  // namespace
}  // namespace postern::mime
