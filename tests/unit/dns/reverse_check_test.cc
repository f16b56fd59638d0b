// What the DNS says of the addresses that mail leaves from.
#include "dns/reverse_check.h"

#include "tests/support/scripted_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::dns {
namespace {

using ::testing::HasSubstr;

struct ReverseRow {
  const char* name;
  std::vector<std::string> ptr;
  std::vector<std::string> a;  // of mail.example
  bool is_good;
  const char* words;
};

TEST(ReverseCheck, WantsANameThatLeadsBackAndIsTheOneOfEhlo) {
  const ReverseRow kReverseRows[] = {
      {"there and back", {"mail.example"}, {"192.0.2.1"}, true, "192.0.2.1: mail.example, there and back"},
      {"among others", {"x.example", "mail.example"}, {"192.0.2.7", "192.0.2.1"}, true, "there and back"},
      {"no name", {}, {"192.0.2.1"}, false, "no PTR record"},
      {"a name that leads elsewhere", {"mail.example"}, {"192.0.2.9"}, false, "does not lead back to it"},
      {"a name that is none", {"mail.example"}, {}, false, "does not lead back to it"},
  };
  for (const ReverseRow& row : kReverseRows) {
    test::ScriptedResolver resolver;
    if (!row.ptr.empty()) resolver.zone[{"1.2.0.192.in-addr.arpa", "PTR"}] = row.ptr;
    if (!row.a.empty()) resolver.zone[{"mail.example", "A"}] = row.a;
    const ReverseFinding finding = check_reverse(resolver, *parse_ip_address("192.0.2.1"), "mail.example");
    EXPECT_EQ(finding.is_good, row.is_good) << row.name;
    EXPECT_THAT(finding.words, HasSubstr(row.words)) << row.name;
  }
}

TEST(ReverseCheck, LooksAtIPv6AndAtTheNameOfEhlo) {
  test::ScriptedResolver resolver;
  const IpAddress address = *parse_ip_address("2001:db8::1");
  resolver.zone[{reverse_name(address), "PTR"}] = {"mail.example"};
  resolver.zone[{"mail.example", "AAAA"}] = {"2001:db8::1"};
  EXPECT_TRUE(check_reverse(resolver, address, "mail.example").is_good);
  EXPECT_THAT(check_reverse(resolver, address, "relay.example").words, HasSubstr("EHLO says relay.example"));
}

}  // namespace
}  // namespace postern::dns
