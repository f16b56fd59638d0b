// Checks across keys and of grammars, one row each.
#include "app/config.h"

namespace postern::app {
namespace {

struct Case {
  const char* name;
  const char* text;      // below environment = "development"
  const char* expected;  // part of the one message; empty: no problem
};

constexpr Case kCases[] = {
    {"a host name with a blank", "hostname = \"a b\"", "hostname: \"a b\" is not a host name"},
    {"a brand with a capital", "key_brand = \"Pk\"", "key_brand: \"Pk\" cannot begin a key"},
    {"a brand that begins with a digit", "key_brand = \"1k\"", "cannot begin a key"},
    {"a brand of 17 octets", "key_brand = \"abcdefghijklmnopq\"", "cannot begin a key"},
    {"a brand of 16 octets", "key_brand = \"abcdefghijklmnop\"", ""},
    {"an empty brand", "key_brand = \"\"", "cannot begin a key"},
    {"a simulator that is an address", "simulator_domain = \"[127.0.0.1]\"", "simulator_domain: "},
    {"networks of webhooks", "webhook_allowed_networks = [\"127.0.0.0/8\", \"::1\"]", ""},
    {"ports of webhooks", "webhook_ports = [\"443\", \"8000-8999\"]", ""},
    {"a port of webhooks that is none", "webhook_ports = [\"8999-8000\"]", "\"8999-8000\" is no port and no range of ports"},
    {"a network of webhooks by name", "webhook_allowed_networks = [\"localhost\"]", "\"localhost\" is not a network"},
    {"DNS servers", "resolver_addresses = [\"192.0.2.53\", \"::1\", \"127.0.0.1@5353\"]", ""},
    {"a DNS server by name", "resolver_addresses = [\"dns.example.org\"]",
     "\"dns.example.org\" is not the address of a DNS server"},
    {"a DNS server with a port of SMTP's style", "resolver_addresses = [\"127.0.0.1:53\"]", "resolver_addresses: "},
    {"a DNS server at port 0", "resolver_addresses = [\"127.0.0.1@0\"]", "resolver_addresses: "},
    {"a certificate without a key", "tls_certificate_file = \"/c\"", "tls_key_file: is missing beside its partner"},
    {"a key without a certificate", "tls_key_file = \"/k\"", "tls_certificate_file: is missing beside its partner"},
    {"a first retry after the longest", "retry_initial_seconds = 600\nretry_max_seconds = 300",
     "postern.toml:2: retry_initial_seconds: is longer than retry_max_seconds"},
    {"a retry beyond the lifetime", "queue_lifetime_hours = 1\nretry_max_seconds = 7200\ndelay_notice_hours = 0",
     "retry_max_seconds: is longer"},
    {"a notice after the lifetime", "delay_notice_hours = 120", "delay_notice_hours: is not before the end"},
    {"no notice", "delay_notice_hours = 0", ""},
    {"one address may take all", "max_connections = 10", "warning: max_connections_per_address: is above"},
    {"a spool for two messages", "spool_max_octets = 104857600", "spool_max_octets: holds fewer than four"},
    {"a listener on a name", "[[listener]]\naddress = \"localhost\"\nport = 25", "address: \"localhost\" is not an IP address"},
    {"a listener on all addresses", "[[listener]]\naddress = \"*\"\nport = 25", ""},
    {"AUTH in the clear on loopback", "[[listener]]\naddress = \"::1\"\nport = 25\nallow_auth_without_tls = true", ""},
    {"AUTH in the clear on all addresses", "[[listener]]\nport = 25\nallow_auth_without_tls = true",
     "postern.toml:4: allow_auth_without_tls: would send API keys over the network in the clear"},
    {"AUTH in the clear on a mapped loopback address",
     "[[listener]]\naddress = \"::ffff:127.0.0.1\"\nport = 25\nallow_auth_without_tls = true", ""},
    {"AUTH in the clear on a network address", "[[listener]]\naddress = \"192.0.2.1\"\nport = 25\nallow_auth_without_tls = true",
     "would send API keys"},
    {"no TLS and no AUTH", "[[listener]]\naddress = \"::1\"\nport = 25\ntls = \"none\"", "tls: \"none\" leaves clients no way"},
    {"plain HTTP on all addresses", "[[http_listener]]\nport = 80\ntls = \"none\"", "tls: \"none\" would carry API keys"},
    {"plain HTTP on loopback", "[[http_listener]]\naddress = \"::1\"\nport = 80\ntls = \"none\"", ""},
    {"HTTPS on all addresses", "[[http_listener]]\nport = 443", ""},
    {"an HTTP listener on a name", "[[http_listener]]\naddress = \"localhost\"", "address: \"localhost\" is not an IP address"},
    {"networks of proxies", "[[listener]]\nport = 25\nproxy_networks = [\"192.0.2.0/24\", \"::1\"]", ""},
    {"a network of proxies by name", "[[listener]]\nport = 25\nproxy_networks = [\"proxy\"]",
     "postern.toml:4: proxy_networks: \"proxy\" is not a network"},
    {"a network of proxies with host bits", "[[http_listener]]\nproxy_networks = [\"192.0.2.1/24\"]", "is not a network"},
    {"everybody a proxy", "[[listener]]\nport = 25\nproxy_networks = [\"0.0.0.0/0\"]",
     "would let every client name its own address"},
    {"everybody a proxy over IPv6", "[[http_listener]]\nproxy_networks = [\"::/0\"]",
     "would let every client name its own address"},
    {"an origin with a path", "http_cors_origins = [\"https://app.example.org/\"]",
     "http_cors_origins: \"https://app.example.org/\" is no origin"},
    {"an origin without a scheme", "http_cors_origins = [\"app.example.org\"]", "is no origin"},
    {"origins", "http_cors_origins = [\"https://app.example.org\", \"http://localhost:5173\", \"*\"]", ""},
    {"links", "public_url = \"https://mail.example.org\"", ""},
    {"links below a path of a port", "public_url = \"http://[::1]:8443/relay/x\"", ""},
    {"links without a scheme", "public_url = \"mail.example.org\"", "public_url: \"mail.example.org\" is no absolute http"},
    {"links of another scheme", "public_url = \"ftp://mail.example.org\"", "is no absolute http"},
    {"links with a slash at the end", "public_url = \"https://mail.example.org/\"", "is no absolute http"},
    {"links to nowhere", "public_url = \"https://\"", "is no absolute http"},
    {"links with a query", "public_url = \"https://mail.example.org?a=\"", "is no absolute http"},
    {"links with a fragment", "public_url = \"https://mail.example.org#a\"", "is no absolute http"},
    {"links with a user", "public_url = \"https://u:p@mail.example.org\"", "is no absolute http"},
    {"links with a blank", "public_url = \"https://mail.example.org/a b\"", "is no absolute http"},
    {"links to a port that is none", "public_url = \"https://mail.example.org:65536\"", "is no absolute http"},
    {"links to half a port", "public_url = \"https://mail.example.org:\"", "is no absolute http"},
    {"sign-up whose mails go nowhere", "signup = \"open\"\nsignup_confirms_addresses = \"yes\"",
     "warning: signup: asks addresses of any domain"},
    {"sign-up whose mails go to one domain",
     "signup = \"open\"\nsignup_confirms_addresses = \"yes\"\n[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"example.org\"]",
     "no route has \"*\""},
    {"sign-up whose mails go everywhere",
     "signup = \"open\"\nsignup_confirms_addresses = \"yes\"\n[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"*\"]", ""},
    {"sign-up without mails", "signup = \"open\"\nsignup_confirms_addresses = \"no\"", ""},
    {"SMTP and HTTP on one port", "[[listener]]\nport = 443\n[[http_listener]]\nport = 443", "port: 443 is taken"},
    {"the same port twice", "[[listener]]\nport = 25\n[[listener]]\nport = 25", "postern.toml:5: port: 25 is taken"},
    {"a port below a listener on all", "[[listener]]\nport = 25\n[[listener]]\naddress = \"::1\"\nport = 25", "25 is taken"},
    {"the same port on two addresses",
     "[[listener]]\naddress = \"127.0.0.1\"\nport = 25\n[[listener]]\naddress = \"::1\"\nport = 25", ""},
    {"a listener's certificate without its key", "[[listener]]\nport = 25\ntls_certificate_file = \"/c\"",
     "tls_key_file: is missing beside its partner"},
    {"a route for a bad domain", "[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"a b\"]", "\"a b\" is not a domain"},
    {"a route for no domain", "[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = []", "domains: is empty"},
    {"a route to a path", "[[route]]\nname = \"a\"\nhost = \"/h\"\ndomains = [\"*\"]", "neither a host name nor"},
    {"a route to an IPv6 address", "[[route]]\nname = \"a\"\nhost = \"2001:db8::1\"\ndomains = [\"*\"]", ""},
    {"implicit TLS without TLS", "[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"*\"]\nimplicit_tls = true\ntls = \"none\"",
     "implicit_tls: contradicts"},
    {"a user without a password", "[[route]]\nname = \"a\"\nhost = \"::1\"\ndomains = [\"*\"]\nuser_name = \"u\"",
     "password_file: is missing beside its partner"},
    {"a password in the clear",
     "[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"*\"]\ntls = \"none\"\nuser_name = \"u\"\npassword = \"fake\"",
     "would send the password in the clear"},
    {"a password in the clear on loopback",
     "[[route]]\nname = \"a\"\nhost = \"127.0.0.1\"\ndomains = [\"*\"]\ntls = \"none\""
     "\nuser_name = \"u\"\npassword = \"fake\"",
     ""},
    {"a password to a server that is not verified",
     "[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"*\"]\nuser_name = \"u\"\npassword = \"fake\"",
     "tls: \"opportunistic\" would send the password"},
    {"a password to a server that is not verified, over TLS from the first octet",
     "[[route]]\nname = \"a\"\nhost = \"192.0.2.25\"\ndomains = [\"*\"]\nimplicit_tls = true\nuser_name = \"u\""
     "\npassword = \"fake\"", "tls: \"opportunistic\" would send the password"},
    {"a password to this machine", "[[route]]\nname = \"a\"\nhost = \"localhost\"\ndomains = [\"*\"]\nuser_name = \"u\""
     "\npassword = \"fake\"", ""},
    {"a route to nowhere", "[[route]]\nname = \"a\"\nhost = \"\"\ndomains = [\"*\"]", "host: \"\" is neither a host name nor"},
    {"a route to no host", "[[route]]\nname = \"a\"\ndomains = [\"*\"]", "host: is missing"},
    {"a route to mail hosts", "[[route]]\nname = \"a\"\ndomains = [\"*\"]\ndeliver = \"mx\"", ""},
    {"a route to mail hosts with a host", "[[route]]\nname = \"a\"\ndomains = [\"*\"]\ndeliver = \"mx\"\nhost = \"h\"",
     "host: is for one next hop"},
    {"a route to mail hosts with AUTH",
     "[[route]]\nname = \"a\"\ndomains = [\"*\"]\ndeliver = \"mx\"\npassword = \"fake\"", "password: is for one next hop"},
    {"a laboratory", "allow_special_destinations = true", ""},
    {"a route without a name", "[[route]]\nname = \"\"\nhost = \"h\"\ndomains = [\"*\"]", "name: is empty"},
    {"a route to port 465 in the clear", "[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"*\"]\nport = 465",
     "warning: port: 465 without implicit_tls"},
    {"a route to port 465", "[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"*\"]\nport = 465\nimplicit_tls = true", ""},
    {"SPF of a route", "[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"*\"]"
     "\nspf = [\"include:_spf.h.example\", \"ip4:192.0.2.1\"]", ""},
    {"SPF that is none", "[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"*\"]\nspf = [\"v=spf1 include:a ~all\"]",
     "is not a mechanism of SPF"},
    {"two routes of one name",
     "[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"x.org\"]\n[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"y.org\"]",
     "postern.toml:7: name: \"a\" is the name of a route above"},
    {"a route behind the last",
     "[[route]]\nname = \"a\"\nhost = \"h\"\ndomains = [\"*\"]\n[[route]]\nname = \"b\"\nhost = \"h\"\ndomains = [\"y.org\"]",
     "warning: domains: is never reached"},
};

TEST(ConfigChecks, FindsExactlyWhatIsWrong) {
  for (const auto& test : kCases) {
    SCOPED_TRACE(test.name);
    const auto load = parse_config(std::string("environment = \"development\"\n") + test.text, "/etc/postern/postern.toml");
    std::string all;
    for (const auto& problem : load.problems) all += format_problem(problem) + "\n";
    if (*test.expected == '\0') {
      EXPECT_EQ(all, "");
      continue;
    }
    EXPECT_EQ(load.problems.size(), 1u) << all;
    EXPECT_THAT(all, testing::HasSubstr(test.expected));
  }
}

TEST(ConfigChecks, DemandsACertificateInProduction) {
  const auto load = parse_config("[[listener]]\nport = 587\n", "/p.toml");
  EXPECT_FALSE(load.is_usable());
  EXPECT_THAT(format_problem(load.problems.at(0)), testing::HasSubstr("is needed by the listener on port 587"));
}

TEST(ConfigChecks, HasNothingAgainstAProductionWithoutARoute) {
  const auto load = parse_config("tls_certificate_file = \"/c\"\ntls_key_file = \"/k\"\n", "/p.toml");
  EXPECT_TRUE(load.is_usable());
  EXPECT_TRUE(load.problems.empty());
  EXPECT_TRUE(load.settings.has_default_route());
}

TEST(ConfigChecks, KeepsTheLaboratorysSwitchOutOfProduction) {
  const auto load =
      parse_config("tls_certificate_file = \"/c\"\ntls_key_file = \"/k\"\nallow_special_destinations = true\n", "/p.toml");
  EXPECT_FALSE(load.is_usable());
  ASSERT_EQ(load.problems.size(), 1u);
  EXPECT_THAT(format_problem(load.problems[0]), testing::HasSubstr("allow_special_destinations: would let any domain's owner"));
}

TEST(ConfigChecks, BringsRouteDomainsIntoTheirNormalForm) {
  const auto load = parse_config(
      "environment = \"development\"\n[[route]]\nname = \"a\"\nhost = \"h\""
      "\ndomains = [\"Example.ORG\", \".B\xc3\xbc" "cher.example\", \"*\"]\n",
      "/p.toml");
  EXPECT_THAT(load.settings.routes.at(0).domains, testing::ElementsAre("example.org", ".xn--bcher-kva.example", "*"));
}

}  // namespace
}  // namespace postern::app
