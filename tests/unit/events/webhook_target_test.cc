// Where webhook requests may go (CWE-918).
#include "events/webhook_target.h"

#include <gmock/gmock.h>

namespace postern::events {
namespace {

using ::testing::HasSubstr;

TEST(WebhookTarget, UrlsBecomeTheirParts) {
  const struct {
    std::string_view url;
    bool is_tls;
    std::string_view host;
    std::uint16_t port;
    std::string_view host_field;
    std::string_view request_target;
  } kRows[] = {
      {"https://Hooks.Example.com", true, "hooks.example.com", 443, "hooks.example.com", "/"},
      {"https://hooks.example.com:443/a", true, "hooks.example.com", 443, "hooks.example.com", "/a"},
      {"https://hooks.example.com:8443/a/b?c=d&e=%20f", true, "hooks.example.com", 8443, "hooks.example.com:8443",
       "/a/b?c=d&e=%20f"},
      {"http://hooks.example.com/in", false, "hooks.example.com", 80, "hooks.example.com", "/in"},
      {"https://8.8.8.8/", true, "8.8.8.8", 443, "8.8.8.8", "/"},
      {"https://[2a00:1450::1]:4443/", true, "2a00:1450::1", 4443, "[2a00:1450::1]:4443", "/"},
      {"https://hooks.example.com?x", true, "hooks.example.com", 443, "hooks.example.com", "/?x"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.url);
    const auto target = parse_webhook_url(row.url, {.allows_http = true});
    ASSERT_TRUE(target) << target.error().message();
    EXPECT_EQ(target->is_tls, row.is_tls);
    EXPECT_EQ(target->host, row.host);
    EXPECT_EQ(target->port, row.port);
    EXPECT_EQ(target->host_field, row.host_field);
    EXPECT_EQ(target->request_target, row.request_target);
  }
}

TEST(WebhookTarget, UrlsThatLeadElsewhereAreRefusedWithTheReason) {
  const struct {
    std::string url;
    std::string_view reason;
  } kRows[] = {
      {"http://hooks.example.com/", "https"},
      {"ftp://hooks.example.com/", "https"},
      {"file:///etc/passwd", "https"},
      {"hooks.example.com", "absolute"},
      {"", "absolute"},
      {"https://hooks.example.com:here", "absolute"},
      {"https://user:secret@hooks.example.com/", "credentials"},
      {"https://hooks.example.com/#here", "fragment"},
      {"https://hooks.example.com:0/", "port"},
      {"https://hooks.example.com:65536/", "from 1 to 65535"},
      {"https://hooks.example.com:100828/", "from 1 to 65535"},
      {"https://hooks.example.com:65979/", "from 1 to 65535"},
      {"https://hooks.example.com:4294967739/", "from 1 to 65535"},
      {"https://hooks.example.com:18446744073709552059/", "from 1 to 65535"},
      {"https://hooks.example.com:22/", "not allowed"},
      {"https://hooks.example.com:25/", "not allowed"},
      {"https://hooks.example.com:00025/", "not allowed"},
      {"https://hooks.example.com:444/", "not allowed"},
      {"https://hooks.example.com:1023/", "not allowed"},
      {"https:///path", "host"},
      {"https://127.0.0.1/", "not public"},
      {"https://localhost/", "not public"},
      {"https://api.LOCALHOST/", "not public"},
      {"https://[::1]/", "not public"},
      {"https://[::ffff:10.0.0.1]/", "not public"},
      {"https://169.254.169.254/latest/meta-data/", "not public"},
      {"https://hooks.example.com/a b", "absolute"},
      {"https://hooks.example.com/a\r\nHost: b", "absolute"},
      {"https://hooks.example.com/" + std::string(kMaxWebhookUrlOctets, 'a'), "longer"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.url);
    const auto target = parse_webhook_url(row.url, {});
    ASSERT_FALSE(target);
    EXPECT_EQ(target.error().code(), ErrorCode::InvalidArgument);
    EXPECT_THAT(target.error().context(), HasSubstr(row.reason));
    EXPECT_THAT(target.error().context(), Not(HasSubstr("secret@")));
  }
}

TEST(WebhookTarget, GoesToThePortsThatAreNamed) {
  WebhookPolicy policy;
  policy.ports = {*parse_port_range("25"), *parse_port_range("8000-8999")};
  for (const std::string_view port : {"25", "8000", "8999"}) {
    EXPECT_TRUE(parse_webhook_url("https://hooks.example.com:" + std::string(port) + "/", policy)) << port;
  }
  for (const std::string_view port : {"24", "443", "7999", "9000"}) {
    EXPECT_FALSE(parse_webhook_url("https://hooks.example.com:" + std::string(port) + "/", policy)) << port;
  }
  EXPECT_FALSE(parse_webhook_url("https://hooks.example.com/", policy)) << "443, which is not named";
  for (const std::string_view wrong : {"", "0", "65536", "9-8", "1-", "-1", "a", "1-65536", "1-2-3", " 1"}) {
    EXPECT_FALSE(parse_port_range(wrong)) << wrong;
  }
}

// Spellings of an IPv4 address that some resolvers take: they are no names, and never reach a resolver.
TEST(WebhookTarget, OddSpellingsOfAddressesAreNoHostNames) {
  for (const std::string_view url : {"https://0x7f000001/", "https://127.1/", "https://2130706433/", "https://0177.0.0.1/",
                                     "https://127.0.0.1./"}) {
    EXPECT_FALSE(parse_webhook_url(url, {})) << url;
  }
}

TEST(WebhookTarget, OnlyPublicUnicastAddressesMayBeContacted) {
  const struct {
    std::string_view address;
    bool may_contact;
    std::string_view what;
  } kRows[] = {
      {"8.8.8.8", true, "public"},
      {"172.32.0.1", true, "just above the private range"},
      {"2a00:1450:4001::1", true, "public"},
      {"64:ff9b::808:808", true, "NAT64 of a public address"},
      {"0.0.0.0", false, "unspecified"},
      {"10.1.2.3", false, "private"},
      {"100.64.0.1", false, "carriers' NAT"},
      {"127.0.0.1", false, "loopback"},
      {"127.255.255.254", false, "loopback"},
      {"169.254.169.254", false, "metadata service"},
      {"172.16.0.1", false, "private"},
      {"172.31.255.255", false, "private"},
      {"192.0.0.8", false, "protocol assignments"},
      {"192.0.2.1", false, "documentation"},
      {"192.88.99.1", false, "6to4 relay"},
      {"192.168.0.1", false, "private"},
      {"198.18.0.1", false, "benchmark"},
      {"198.51.100.1", false, "documentation"},
      {"203.0.113.1", false, "documentation"},
      {"224.0.0.1", false, "multicast"},
      {"255.255.255.255", false, "broadcast"},
      {"::", false, "unspecified"},
      {"::1", false, "loopback"},
      {"::ffff:127.0.0.1", false, "mapped loopback"},
      {"::ffff:192.168.0.1", false, "mapped private"},
      {"::127.0.0.1", false, "compatible loopback"},
      {"64:ff9b::7f00:1", false, "NAT64 of loopback"},
      {"64:ff9b::a9fe:a9fe", false, "NAT64 of the metadata service"},
      {"64:ff9b:1::1", false, "local NAT64"},
      {"100::1", false, "discard"},
      {"2001::1", false, "Teredo"},
      {"2001:db8::1", false, "documentation"},
      {"2002:7f00:1::1", false, "6to4 of loopback"},
      {"fc00::1", false, "unique local"},
      {"fd00:ec2::254", false, "metadata service"},
      {"fe80::1", false, "link-local"},
      {"fec0::1", false, "site-local"},
      {"ff02::1", false, "multicast"},
  };
  for (const auto& row : kRows) {
    const auto address = parse_ip_address(row.address);
    ASSERT_TRUE(address) << row.address;
    EXPECT_EQ(may_contact(*address, {}), row.may_contact) << row.address << ", " << row.what;
  }
}

TEST(WebhookTarget, AllowedNetworksOpenWhatTheyNameAndNothingElse) {
  const WebhookPolicy policy{.allowed_networks = {*parse_ip_network("127.0.0.1"), *parse_ip_network("fd00:1::/32")}};
  EXPECT_TRUE(may_contact(*parse_ip_address("127.0.0.1"), policy));
  EXPECT_FALSE(may_contact(*parse_ip_address("127.0.0.2"), policy));
  EXPECT_TRUE(may_contact(*parse_ip_address("fd00:1::5"), policy));
  EXPECT_FALSE(may_contact(*parse_ip_address("fd00:2::5"), policy));
  EXPECT_TRUE(parse_webhook_url("https://localhost:8443/", policy));
}

}  // namespace
}  // namespace postern::events
