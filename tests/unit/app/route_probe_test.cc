// The probe of a route against a next hop on loopback: what it did, and why it could not.
#include "app/route_probe.h"

#include "app/config.h"
#include "tests/support/fake_smarthost.h"
#include "tests/support/test_certs.h"

#include <gtest/gtest.h>

namespace postern::app {
namespace {

constexpr std::chrono::seconds kLong{120};

RouteProbe probe(std::uint16_t port, const std::string& more, std::chrono::seconds limit = kLong, const char* host = "127.0.0.1") {
  const ConfigLoad load = parse_config(
      std::string("environment = \"development\"\n[[route]]\nname = \"a\"\ndomains = [\"*\"]\nhost = \"") + host + "\"\nport = " +
          std::to_string(port) + "\n" + more,
      "/p.toml");
  EXPECT_TRUE(load.is_usable()) << format_problem(load.problems.front());
  return probe_route(load.settings, load.settings.routes.front(), limit);
}

std::string trusting(const std::string& tls) {
  return "tls = \"" + tls + "\"\nca_file = \"" + test::test_certs().ca_file() + "\"\n";
}

test::FakeSmarthostOptions with_tls(const test::CertificateFiles& files) {
  return {.certificate_file = files.certificate, .key_file = files.key, .user_name = "relay", .password = "right"};
}

TEST(RouteProbe, ConnectsAndLogsInAsTheQueueWould) {
  test::FakeSmarthost hop(with_tls(test::test_certs().good()));
  const RouteProbe good = probe(hop.port(), trusting("required") + "user_name = \"relay\"\npassword = \"right\"\n");
  EXPECT_TRUE(good.is_good) << good.words;
  EXPECT_NE(good.words.find("connected, TLS with a certificate that is valid for it, logged in as relay"), std::string::npos)
      << good.words;
  EXPECT_TRUE(hop.messages().empty());
}

TEST(RouteProbe, SaysWhyItCannot) {
  const auto& certs = test::test_certs();
  test::FakeSmarthost right(with_tls(certs.good()));
  test::FakeSmarthost misnamed(with_tls(certs.wrong_name()));
  test::FakeSmarthost plain;
  std::uint16_t closed = 0;
  {
    const test::FakeSmarthost gone;
    closed = gone.port();
  }
  struct Case {
    const char* name;
    std::uint16_t port;
    std::string more;
    const char* expected;
  };
  const Case cases[] = {
      {"a wrong password", right.port(), trusting("required") + "user_name = \"relay\"\npassword = \"wrong\"\n", "535"},
      {"a certificate for another name", misnamed.port(), trusting("required"), "4.7.5"},
      {"an authority that is not known", right.port(), "tls = \"required\"\n", "4.7.5"},
      {"no TLS", plain.port(), trusting("required"), "4.7."},
      {"nobody there", closed, "", "4.4."},
  };
  for (const Case& c : cases) {
    const RouteProbe probed = probe(c.port, c.more);
    EXPECT_FALSE(probed.is_good) << c.name;
    EXPECT_NE(probed.words.find(c.expected), std::string::npos) << c.name << ": " << probed.words;
  }
}

TEST(RouteProbe, EndsAtItsLimit) {
  test::FakeSmarthost hop;
  hop.hold("greeting");
  const RouteProbe probed = probe(hop.port(), "", std::chrono::seconds(1));
  EXPECT_FALSE(probed.is_good);
  EXPECT_NE(probed.words.find("127.0.0.1"), std::string::npos) << probed.words;
  hop.release();
}

}  // namespace
}  // namespace postern::app
