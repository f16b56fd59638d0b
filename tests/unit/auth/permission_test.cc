// Networks and domains of a key.
#include "auth/permission.h"

#include <vector>

namespace postern::auth {
namespace {

struct NetworkCase {
  const char* name;
  std::vector<const char*> networks;
  const char* client;
  bool expected;
};

const NetworkCase kNetworks[] = {
    {"no restriction", {}, "198.51.100.7", true},
    {"inside", {"192.0.2.0/24"}, "192.0.2.255", true},
    {"outside", {"192.0.2.0/24"}, "192.0.3.0", false},
    {"second of two", {"192.0.2.0/24", "2001:db8::/32"}, "2001:db8:1::1", true},
    {"other family", {"192.0.2.0/24"}, "2001:db8::1", false},
    {"IPv4 in its IPv6 form", {"192.0.2.0/24"}, "::ffff:192.0.2.1", true},
    {"single address", {"192.0.2.1"}, "192.0.2.1", true},
    {"neighbour of a single address", {"192.0.2.1"}, "192.0.2.2", false},
    {"all of IPv4 is not IPv6", {"0.0.0.0/0"}, "2001:db8::1", false},
    {"all of IPv6", {"::/0"}, "2001:db8::1", true},
};

TEST(Permission, AllowsTheKeysNetworks) {
  for (const NetworkCase& c : kNetworks) {
    std::vector<IpNetwork> networks;
    for (const char* network : c.networks) networks.push_back(*parse_ip_network(network));
    EXPECT_EQ(is_network_allowed(networks, *parse_ip_address(c.client)), c.expected) << c.name;
  }
}

TEST(Permission, AllowsTheListedDomainsExactly) {
  const std::vector<std::string> domains = {"example.org", "xn--bcher-kva.example"};
  EXPECT_TRUE(is_domain_allowed(domains, "example.org"));
  EXPECT_TRUE(is_domain_allowed(domains, "xn--bcher-kva.example"));
  for (const char* other : {"mail.example.org", "example.or", "xexample.org", "org", ""}) {
    EXPECT_FALSE(is_domain_allowed(domains, other)) << other;
  }
}

TEST(Permission, AllowsEveryNameBelowADomainWithALeadingDot) {
  const std::vector<std::string> domains = {".acme.example"};
  for (const char* own : {"acme.example", "host1.acme.example", "a.b.acme.example"}) {
    EXPECT_TRUE(is_domain_allowed(domains, own)) << own;
  }
  for (const char* other : {"xacme.example", "acme.example.evil.example", "example", ""}) {
    EXPECT_FALSE(is_domain_allowed(domains, other)) << other;
  }
  EXPECT_TRUE(covers_domain(".acme.example", ".host1.acme.example"));
  EXPECT_TRUE(covers_domain(".acme.example", ".acme.example"));
  EXPECT_FALSE(covers_domain("acme.example", ".acme.example")) << "a key never widens its account";
  EXPECT_FALSE(covers_domain(".host1.acme.example", ".acme.example"));
}

TEST(Permission, ReadsADomainWithOrWithoutItsDot) {
  EXPECT_EQ(read_from_domain("Example.ORG").value(), "example.org");
  EXPECT_EQ(read_from_domain(".B\xC3\xBC" "cher.example").value(), ".xn--bcher-kva.example");
  for (const char* wrong : {"", ".", "..example.org", "*.example.org", "a b.example", "example.org."}) {
    EXPECT_FALSE(read_from_domain(wrong)) << wrong;
  }
}

TEST(Permission, AllowsEveryDomainWhereNoneIsListed) { EXPECT_TRUE(is_domain_allowed({}, "example.org")); }

}  // namespace
}  // namespace postern::auth
