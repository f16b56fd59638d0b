#include "http/forwarded.h"

namespace postern::http {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

PeerFacts peer_at(std::string_view address) {
  const IpAddress parsed = parse_ip_address(address).value();
  return {.address = parsed, .port = 40'000, .is_local = parsed.is_loopback()};
}

TrustedProxies proxies(ForwardedField field = ForwardedField::XForwardedFor) {
  return {.networks = {parse_ip_network("127.0.0.1").value(), parse_ip_network("192.0.2.0/28").value()}, .field = field};
}

TEST(Forwarded, TheClientIsTheLastAddressThatIsNoTrustedProxys) {
  struct Row {
    std::string_view name;
    std::string_view peer;
    Fields fields;
    std::string_view client;
  };
  const Row rows[] = {
      {"one hop", "127.0.0.1", {{"x-forwarded-for", "203.0.113.5"}}, "203.0.113.5"},
      {"what the client wrote stands before", "127.0.0.1", {{"x-forwarded-for", "10.0.0.1, 203.0.113.5"}}, "203.0.113.5"},
      {"two trusted hops", "127.0.0.1", {{"x-forwarded-for", "203.0.113.5, 192.0.2.1"}}, "203.0.113.5"},
      {"fields are one list", "127.0.0.1", {{"x-forwarded-for", "203.0.113.5"}, {"x-forwarded-for", "192.0.2.1"}}, "203.0.113.5"},
      {"with a port", "127.0.0.1", {{"x-forwarded-for", "203.0.113.5:4711"}}, "203.0.113.5"},
      {"IPv6", "127.0.0.1", {{"x-forwarded-for", "2001:db8::5"}}, "2001:db8::5"},
      {"IPv6 with a port", "127.0.0.1", {{"x-forwarded-for", "[2001:db8::5]:4711"}}, "2001:db8::5"},
      {"no field", "127.0.0.1", {}, "127.0.0.1"},
      {"the other field is anybody's", "127.0.0.1", {{"forwarded", "for=203.0.113.5"}}, "127.0.0.1"},
      {"no trusted proxy", "198.51.100.1", {{"x-forwarded-for", "203.0.113.5"}}, "198.51.100.1"},
      {"a hidden client behind a known hop", "127.0.0.1", {{"x-forwarded-for", "unknown, 192.0.2.1"}}, "192.0.2.1"},
  };
  for (const Row& row : rows) {
    const PeerFacts client = client_behind(proxies(), peer_at(row.peer), row.fields);
    EXPECT_EQ(format_ip_address(client.address), row.client) << row.name;
  }
}

TEST(Forwarded, ReadsTheStandardField) {
  const auto client = [](std::string_view value) {
    return format_ip_address(
        client_behind(proxies(ForwardedField::Forwarded), peer_at("127.0.0.1"), {{"forwarded", std::string(value)}}).address);
  };
  EXPECT_EQ(client("for=203.0.113.5;proto=https;by=192.0.2.1"), "203.0.113.5");
  EXPECT_EQ(client("proto=https; For=\"[2001:db8::5]:4711\""), "2001:db8::5");
  EXPECT_EQ(client("for=10.0.0.1, for=203.0.113.5, for=192.0.2.1"), "203.0.113.5");
  EXPECT_EQ(client("for=_hidden"), "127.0.0.1");
}

TEST(Forwarded, AProxysClientIsNotOnThisMachine) {
  for (const std::string_view value : {"203.0.113.5", "127.0.0.1", "unknown", ""}) {
    const PeerFacts client = client_behind(proxies(), peer_at("127.0.0.1"), {{"x-forwarded-for", std::string(value)}});
    EXPECT_FALSE(client.is_local) << value;
  }
  EXPECT_TRUE(client_behind(proxies(), peer_at("127.0.0.1"), {}).is_local);
}

TEST(Forwarded, TlsIsWhatTheNearestProxySays) {
  const auto has_tls = [](std::string_view proxy, const std::string& protocol) {
    const Fields fields = {{"x-forwarded-for", "203.0.113.5"}, {"x-forwarded-proto", protocol}};
    return !client_behind(proxies(), peer_at(proxy), fields).tls.empty();
  };
  EXPECT_TRUE(has_tls("127.0.0.1", "https"));
  EXPECT_FALSE(has_tls("127.0.0.1", "http"));
  EXPECT_FALSE(has_tls("127.0.0.1", "https, http"));
  EXPECT_FALSE(has_tls("192.0.2.1", "https")) << "between the proxy and us it went in the clear";
}

}  // namespace
}  // namespace postern::http
