// Listeners behind proxies, on real sockets: whom the session takes for its client, and who gets none at all.
#include "smtp/server.h"
#include "tests/support/captured_log.h"
#include "tests/support/running_server.h"
#include "tests/support/test_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

using test::CapturedLog;
using test::RunningServer;
using test::ServerPlan;
using test::TestClient;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kDistant = "PROXY TCP4 192.0.2.7 198.51.100.2 4660 587\r\n";

ServerPlan behind_proxies(const char* network = "127.0.0.0/8") {
  ServerPlan plan;
  plan.config.tls = TlsMode::None;
  plan.config.allows_auth_without_tls = true;
  plan.proxy_networks = {parse_ip_network(network).value()};
  return plan;
}

// What the handler was told of the last client.
std::string peer_of(const RunningServer& running) {
  const std::vector<PeerFacts> peers = running.handler.peers();
  return peers.empty() ? "nobody" : format_ip_address(peers.back().address) + ' ' + std::to_string(peers.back().port);
}

TEST(SmtpProxy, NamesTheClient) {
  CapturedLog log;
  RunningServer running(behind_proxies());
  {
    TestClient client(running.port());
    ASSERT_TRUE(client.send(kDistant));
    ASSERT_THAT(client.read_reply(), StartsWith("220 "));
    EXPECT_EQ(peer_of(running), "192.0.2.7 4660");
    EXPECT_THAT(client.command("QUIT"), StartsWith("221"));
  }
  running.stop();
  EXPECT_THAT(log.finish(), HasSubstr("peer=192.0.2.7"));
}

TEST(SmtpProxy, NamesTheClientInVersion2) {
  RunningServer running(behind_proxies());
  TestClient client(running.port());
  // 198.51.100.9 port 1, with a TLV behind it.
  ASSERT_TRUE(
      client.send(std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x10\xC6\x33\x64\x09\xC0\0\x02\x01\0\x01\x02\x4B\x04\0\x01x", 32)));
  ASSERT_THAT(client.read_reply(), StartsWith("220 "));
  EXPECT_EQ(peer_of(running), "198.51.100.9 1");
}

TEST(SmtpProxy, LosesNothingOfWhatTheClientSentWithTheHeader) {
  RunningServer running(behind_proxies());
  TestClient client(running.port());
  ASSERT_TRUE(client.send(std::string(kDistant) + "QUIT\r\n"));
  EXPECT_THAT(client.read_reply(), StartsWith("220 "));
  EXPECT_THAT(client.read_reply(), StartsWith("221 "));
}

TEST(SmtpProxy, SpeaksBeforeTheHandshake) {
  ServerPlan plan = behind_proxies();
  plan.config.tls = TlsMode::Implicit;
  RunningServer running(plan);
  TestClient client(running.port());
  ASSERT_TRUE(client.send(kDistant));
  ASSERT_TRUE(client.start_tls());
  EXPECT_THAT(client.read_reply(), StartsWith("220 "));
  EXPECT_EQ(peer_of(running), "192.0.2.7 4660");
}

TEST(SmtpProxy, GivesItsClientsNothingThatLoopbackMay) {
  struct Case {
    const char* header;
    bool may_authenticate;
  };
  const Case cases[] = {{kDistant, false},
                        {"PROXY UNKNOWN\r\n", false},
                        {"PROXY TCP4 127.0.0.1 127.0.0.1 4660 587\r\n", true},
                        {"PROXY TCP6 ::1 ::1 4660 587\r\n", true}};
  RunningServer running(behind_proxies());
  for (const Case& one : cases) {
    SCOPED_TRACE(one.header);
    TestClient client(running.port());
    ASSERT_TRUE(client.send(one.header));
    ASSERT_THAT(client.read_reply(), StartsWith("220 "));
    const std::string offered = client.command("EHLO client.example");
    EXPECT_EQ(offered.find("AUTH") != std::string::npos, one.may_authenticate);
    const std::string answer = client.command("AUTH PLAIN AHVzZXIAbm90LWEtcmVhbC1rZXk=");
    EXPECT_EQ(answer.starts_with("235"), one.may_authenticate) << answer;
  }
}

TEST(SmtpProxy, SpeaksForItselfInAHealthCheck) {
  RunningServer running(behind_proxies());
  TestClient client(running.port());
  ASSERT_TRUE(client.send(std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16)));
  ASSERT_THAT(client.read_reply(), StartsWith("220 "));
  EXPECT_THAT(peer_of(running), StartsWith("127.0.0.1 "));
}

TEST(SmtpProxy, IsBelievedFromItsNetworksOnly) {
  CapturedLog log;
  RunningServer running(behind_proxies("192.0.2.0/24"));
  {
    TestClient client(running.port());
    EXPECT_THAT(client.read_reply(), StartsWith("421 4.7.0 "));
    EXPECT_EQ(client.read_to_end(), "");
  }
  running.stop();
  EXPECT_EQ(peer_of(running), "nobody");
  EXPECT_THAT(log.finish(), HasSubstr("connection_refused peer=127.0.0.1"));
}

TEST(SmtpProxy, IsHungUpOnWithoutItsHeader) {
  CapturedLog log;
  RunningServer running(behind_proxies());
  {
    TestClient client(running.port());
    ASSERT_TRUE(client.send("EHLO client.example\r\n"));
    EXPECT_EQ(client.read_to_end(), "");
    TestClient port_check(running.port());
    port_check.half_close();
    EXPECT_EQ(port_check.read_to_end(), "");
  }
  running.stop();
  EXPECT_EQ(peer_of(running), "nobody");
  const std::string text = log.finish();
  EXPECT_THAT(text, HasSubstr("proxy_header_refused peer=127.0.0.1 cause=\"no PROXY header\""));
  EXPECT_THAT(text, Not(HasSubstr("closed within")));  // a look whether the port is open is no event
}

TEST(SmtpProxy, IsNotWaitedForWhenTheServerDrains) {
  RunningServer running(behind_proxies());
  TestClient client(running.port());
  ASSERT_TRUE(client.send("PROXY TCP4 "));
  running.stop();
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(SmtpProxy, HasItsClientsCountedByTheirOwnAddress) {
  ServerPlan plan = behind_proxies();
  plan.options.admission.per_address = 1;
  RunningServer running(plan);
  TestClient first(running.port());
  ASSERT_TRUE(first.send(kDistant));
  ASSERT_THAT(first.read_reply(), StartsWith("220 "));
  TestClient second(running.port());
  ASSERT_TRUE(second.send(kDistant));
  EXPECT_THAT(second.read_reply(), HasSubstr("too_many_connections"));
  TestClient other(running.port());
  ASSERT_TRUE(other.send("PROXY TCP4 192.0.2.8 198.51.100.2 4660 587\r\n"));
  EXPECT_THAT(other.read_reply(), StartsWith("220 "));
}

// Directly connected, nobody may name another address: the word is none of SMTP's.
TEST(SmtpProxy, IsNoCommandWhereNoProxyIsConfigured) {
  ServerPlan plan = behind_proxies();
  plan.proxy_networks.clear();
  RunningServer running(plan);
  TestClient client(running.port());
  ASSERT_THAT(client.read_reply(), StartsWith("220 "));
  EXPECT_THAT(client.command("PROXY TCP4 192.0.2.7 198.51.100.2 4660 587"), StartsWith("502 "));
  EXPECT_THAT(peer_of(running), StartsWith("127.0.0.1 "));
}

}  // namespace
}  // namespace postern::smtp
