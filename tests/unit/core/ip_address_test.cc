#include "core/ip_address.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

IpAddress ip(const char* text) { return parse_ip_address(text).value(); }

TEST(IpAddress, FormatsWhatItParses) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "2001:db8::1", "::1", "fe80::1"}) {
    EXPECT_EQ(format_ip_address(ip(text)), text);
  }
  EXPECT_EQ(format_ip_address(ip("::ffff:192.0.2.1")), "192.0.2.1") << "a mapped address is the IPv4 address";
  for (const char* bad : {"", "192.0.2", "192.0.2.256", "1.2.3.4.5", "2001:db8::g", "[::1]", "::1%lo"}) {
    EXPECT_FALSE(parse_ip_address(bad)) << bad;
  }
}

TEST(IpAddress, KnowsLoopback) {
  EXPECT_TRUE(ip("127.9.9.9").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("128.0.0.1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback());
}

TEST(IpAddress, GroupsIpv6ByItsSixtyFour) {
  EXPECT_EQ(limit_group(ip("2001:db8:0:1:2:3:4:5")), limit_group(ip("2001:db8:0:1:ffff::")));
  EXPECT_NE(limit_group(ip("2001:db8:0:1::")), limit_group(ip("2001:db8:0:2::")));
  EXPECT_NE(limit_group(ip("192.0.2.1")), limit_group(ip("192.0.2.2")));
}

TEST(IpNetwork, ContainsItsAddressesAndNoOthers) {
  struct Case {
    const char* network;
    const char* address;
    bool is_inside;
  };
  const Case cases[] = {
      {"192.0.2.0/24", "192.0.2.255", true},  {"192.0.2.0/24", "192.0.3.0", false},
      {"192.0.2.128/25", "192.0.2.127", false}, {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "2001:db8::1", false},    {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false}, {"192.0.2.7", "192.0.2.7", true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(parse_ip_network(c.network)->contains(ip(c.address)), c.is_inside) << c.network << ' ' << c.address;
  }
  for (const char* bad : {"192.0.2.0/33", "2001:db8::/129", "192.0.2.1/24", "192.0.2.0/", "192.0.2.0/x"}) {
    EXPECT_FALSE(parse_ip_network(bad)) << bad;
  }
  EXPECT_EQ(format_ip_network(*parse_ip_network("192.0.2.0/24")), "192.0.2.0/24");
}

}  // namespace
}  // namespace postern
