// The shell on real sockets: TLS, deadlines, losses, draining, limits. What the protocol says is tested without sockets.
#include "smtp/connection.h"

#include "tests/support/captured_log.h"
#include "tests/support/running_server.h"
#include "tests/support/test_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace postern::smtp {
namespace {

using test::CapturedLog;
using test::RunningServer;
using test::ServerPlan;
using test::TestClient;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

// base64 of NUL "user" NUL "not-a-real-key".
constexpr const char* kAuth = "AUTH PLAIN AHVzZXIAbm90LWEtcmVhbC1rZXk=";
constexpr const char* kEnvelope = "MAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n";

// AUTH in the clear keeps these tests about the connection.
ServerPlan plain() {
  ServerPlan plan;
  plan.config.tls = TlsMode::None;
  plan.config.allows_auth_without_tls = true;
  return plan;
}

ServerPlan implicit_tls() {
  ServerPlan plan;
  plan.config.tls = TlsMode::Implicit;
  return plan;
}

void log_in(TestClient& client) {
  ASSERT_THAT(client.command("EHLO client.example"), StartsWith("250"));
  ASSERT_THAT(client.command(kAuth), StartsWith("235"));
}

// A client that has logged in in the clear.
void greet(TestClient& client) {
  ASSERT_THAT(client.read_reply(), StartsWith("220 "));
  log_in(client);
}

// Up to the 354.
void begin_data(TestClient& client) {
  ASSERT_TRUE(client.send(kEnvelope));
  ASSERT_THAT(client.read_reply(), StartsWith("250"));
  ASSERT_THAT(client.read_reply(), StartsWith("250"));
  ASSERT_THAT(client.read_reply(), StartsWith("354"));
}

TEST(SmtpConnection, TakesAMessage) {
  RunningServer running(plain());
  TestClient client(running.port());
  greet(client);
  begin_data(client);
  ASSERT_TRUE(client.send("Subject: x\r\n\r\n..dot\r\n.\r\n"));
  EXPECT_THAT(client.read_reply(), StartsWith("250"));
  EXPECT_THAT(client.command("QUIT"), StartsWith("221"));
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_THAT(running.handler.contents(), ElementsAre("Subject: x\r\n\r\n.dot\r\n"));
}

TEST(SmtpConnection, AnswersPipelinedCommandsInOrder) {
  RunningServer running(plain());
  TestClient client(running.port());
  greet(client);
  ASSERT_TRUE(client.send("MAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nRSET\r\nNOOP\r\nQUIT\r\n"));
  const std::string replies = client.read_to_end();
  EXPECT_EQ(std::count(replies.begin(), replies.end(), '\n'), 5);
  EXPECT_THAT(replies, HasSubstr("221 "));
}

TEST(SmtpConnection, SwitchesToTls) {
  RunningServer running;
  TestClient client(running.port());
  ASSERT_THAT(client.read_reply(), StartsWith("220 "));
  ASSERT_THAT(client.command("EHLO client.example"), HasSubstr("STARTTLS"));
  ASSERT_THAT(client.command("STARTTLS"), StartsWith("220 "));
  ASSERT_TRUE(client.start_tls());
  EXPECT_THAT(client.command("MAIL FROM:<a@example.test>"), StartsWith("503"));  // EHLO is forgotten
  log_in(client);
  begin_data(client);
  ASSERT_TRUE(client.send("Subject: x\r\n\r\nhi\r\n.\r\n"));
  EXPECT_THAT(client.read_reply(), StartsWith("250"));
}

TEST(SmtpConnection, RunsNothingThatCameBehindStarttls) {
  RunningServer running;
  TestClient client(running.port());
  client.read_reply();
  client.command("EHLO client.example");
  ASSERT_TRUE(client.send("STARTTLS\r\nEHLO injected.example\r\n"));
  ASSERT_THAT(client.read_reply(), StartsWith("220 "));
  if (client.start_tls()) {
    // The injected EHLO did not count, and its reply does not come.
    EXPECT_THAT(client.command("MAIL FROM:<a@example.test>"), StartsWith("503"));
  }
  running.stop();
  EXPECT_EQ(running.handler.count("sender"), 0U);
}

TEST(SmtpConnection, SpeaksTlsBeforeTheGreeting) {
  RunningServer running(implicit_tls());
  TestClient client(running.port());
  ASSERT_TRUE(client.start_tls());
  greet(client);
  EXPECT_THAT(client.command("QUIT"), StartsWith("221"));
}

TEST(SmtpConnection, LogsAHandshakeThatFails) {
  CapturedLog log;
  {
    RunningServer running(implicit_tls());
    TestClient client(running.port());
    ASSERT_TRUE(client.send("EHLO client.example\r\n"));
    client.read_to_end();
  }
  const std::string text = log.finish();
  EXPECT_THAT(text, HasSubstr("connection_lost after=CONNECT peer=127.0.0.1"));
  EXPECT_THAT(text, HasSubstr("cause=tls_failed"));
}

TEST(SmtpConnection, NewHandshakesUseTheNewCertificate) {
  RunningServer running(implicit_tls());
  TestClient before(running.port());
  ASSERT_TRUE(before.start_tls());
  running.server.set_tls(0, test::load_context(test::test_certs().wrong_name()));
  TestClient after(running.port());
  ASSERT_TRUE(after.start_tls());
  EXPECT_EQ(before.peer_common_name(), "good");
  EXPECT_EQ(after.peer_common_name(), "wrong");
  greet(before);
}

TEST(SmtpConnection, TimesOutASilentClient) {
  ServerPlan plan = plain();
  plan.options.timeouts.before_auth = 1s;
  RunningServer running(plan);
  TestClient client(running.port());
  EXPECT_THAT(client.read_to_end(), HasSubstr("\r\n421 4.4.2 "));
}

TEST(SmtpConnection, AStrangersTimeIncludesTheHandshake) {
  for (const TlsMode mode : {TlsMode::Implicit, TlsMode::StartTls}) {
    ServerPlan plan = plain();
    plan.config.tls = mode;
    plan.options.timeouts.before_auth = 1s;
    plan.options.timeouts.tls_handshake = std::chrono::hours(1);
    RunningServer running(plan);
    TestClient client(running.port());
    if (mode == TlsMode::StartTls) {
      client.read_reply();
      client.send("EHLO client.example\r\nSTARTTLS\r\n");
    }
    client.read_to_end();  // ends long before the hour
  }
}

TEST(SmtpConnection, CommandsThatLeadNowhereDoNotProlongAStrangersTime) {
  ServerPlan plan = plain();
  plan.config.max_junk = 1'000'000'000;
  plan.options.timeouts.before_auth = 1s;
  RunningServer running(plan);
  TestClient client(running.port());
  std::string reply = client.read_reply();
  while (reply.starts_with("2")) {
    if (!client.send("NOOP\r\n")) break;
    reply = client.read_reply();
  }
  EXPECT_THAT(reply, testing::AnyOf(StartsWith("421"), ""));
}

TEST(SmtpConnection, AProbeIsNoLineOfTheLog) {
  const auto lines_of = [](auto talk) {
    CapturedLog log;
    {
      RunningServer running(plain());
      TestClient client(running.port());
      talk(client);
      client.read_to_end();
    }
    return log.finish();
  };
  const std::string only_looked = lines_of([](TestClient& client) { client.half_close(); });
  EXPECT_THAT(only_looked, HasSubstr("debug connection_lost"));
  EXPECT_THAT(only_looked, HasSubstr("debug connection_closed"));
  const std::string quit = lines_of([](TestClient& client) { client.send("EHLO probe.example\r\nQUIT\r\n"); });
  EXPECT_THAT(quit, HasSubstr("debug connection_closed"));
  EXPECT_THAT(quit, testing::Not(HasSubstr("info connection")));
}

TEST(SmtpConnection, OctetsOfOneCommandDoNotMoveItsDeadline) {
  ServerPlan plan = plain();
  plan.options.timeouts.before_auth = 1s;
  RunningServer running(plan);
  TestClient client(running.port());
  client.read_reply();
  // An octet at a time, for as long as the server listens: it ends although something always arrives.
  std::thread trickle([&client] {
    while (client.send("x")) std::this_thread::yield();
  });
  const std::string last = client.read_reply();
  trickle.join();
  EXPECT_THAT(last, testing::AnyOf(StartsWith("421 4.4.2"), StartsWith("500"), ""));
  EXPECT_TRUE(running.handler.wait_for("destroyed"));
}

TEST(SmtpConnection, MailDataBelowTheMinimumRateTimesOut) {
  CapturedLog log;
  {
    ServerPlan plan = plain();
    plan.options.timeouts.content_grace = 0s;
    plan.options.timeouts.content_octets_per_second = 1'000;
    RunningServer running(plan);
    TestClient client(running.port());
    greet(client);
    begin_data(client);
    client.send("Subject: slow\r\n");
    EXPECT_THAT(client.read_to_end(), HasSubstr("421 4.4.2"));
    EXPECT_TRUE(running.handler.wait_for("abandon"));
  }
  EXPECT_THAT(log.finish(), HasSubstr("connection_lost after=DATA"));
}

TEST(SmtpConnection, HalfCloseStillGetsItsReplies) {
  RunningServer running(plain());
  TestClient client(running.port());
  greet(client);
  ASSERT_TRUE(client.send("NOOP\r\nRSET\r\n"));
  client.half_close();
  const std::string replies = client.read_to_end();
  EXPECT_EQ(std::count(replies.begin(), replies.end(), '\n'), 2) << replies;
}

TEST(SmtpConnection, GivesUpOnAClientThatNeverReads) {
  CapturedLog log;
  {
    ServerPlan plan = plain();
    plan.options.timeouts.write = 1s;
    plan.config.max_junk = 100'000'000;
    RunningServer running(plan);
    TestClient client(running.port());
    greet(client);
    // More commands than the socket buffers have room for replies; nothing is read.
    std::thread talker([&client] {
      while (client.send("EHLO client.example\r\n")) {
      }
    });
    EXPECT_TRUE(running.handler.wait_for("destroyed"));
    talker.join();
  }
  EXPECT_THAT(log.finish(), HasSubstr("cause=connection_timed_out"));
}

TEST(SmtpConnection, LosingTheClientInDataAbandonsTheMessage) {
  CapturedLog log;
  {
    RunningServer running(plain());
    TestClient client(running.port());
    greet(client);
    begin_data(client);
    ASSERT_TRUE(client.send("Subject: half\r\n"));
    client.reset();
    EXPECT_TRUE(running.handler.wait_for("destroyed"));
    EXPECT_THAT(running.handler.record(), Contains("abandon"));
    EXPECT_THAT(running.handler.record(), Not(Contains("commit")));
  }
  EXPECT_THAT(log.finish(), HasSubstr("connection_lost after=DATA peer=127.0.0.1"));
}

TEST(SmtpConnection, LetsAFullSinkCatchUp) {
  ServerPlan plan = plain();
  plan.script.sink_is_always_full = true;
  RunningServer running(plan);
  TestClient client(running.port());
  greet(client);
  begin_data(client);
  std::string content = "Subject: x\r\n\r\n";
  for (int i = 0; i < 20'000; ++i) content += std::to_string(i) + " is a line of text\r\n";
  ASSERT_TRUE(client.send(content + ".\r\n"));
  EXPECT_THAT(client.read_reply(), StartsWith("250"));
  EXPECT_THAT(running.handler.contents(), ElementsAre(content));
}

TEST(SmtpConnection, DrainingWakesAnIdleClient) {
  RunningServer running(plain());
  TestClient client(running.port());
  greet(client);
  std::thread drain([&running] { running.stop(); });
  EXPECT_THAT(client.read_reply(), StartsWith("421 4.3.2"));
  EXPECT_EQ(client.read_to_end(), "");
  client.close();
  drain.join();
}

TEST(SmtpConnection, DrainingLetsATransactionEnd) {
  RunningServer running(plain());
  TestClient client(running.port());
  greet(client);
  begin_data(client);
  std::thread drain([&running] { running.stop(); });
  ASSERT_TRUE(client.send("Subject: x\r\n\r\nhi\r\n"));
  ASSERT_TRUE(client.send(".\r\n"));
  EXPECT_THAT(client.read_reply(), StartsWith("250"));
  EXPECT_THAT(client.read_to_end(), StartsWith("421 4.3.2"));
  client.close();
  drain.join();
  EXPECT_EQ(running.handler.contents().size(), 1U);
}

TEST(SmtpConnection, TheEndOfTheGraceCutsTransactionsOff) {
  RunningServer running(plain());
  TestClient client(running.port());
  greet(client);
  begin_data(client);
  running.stop(10ms);
  EXPECT_THAT(running.handler.record(), Contains("abandon"));
  EXPECT_EQ(running.handler.count("destroyed"), 1U);
}

TEST(SmtpConnection, ShutdownWaitsForACommitUnderWay) {
  ServerPlan plan = plain();
  plan.script.holds_commits = true;
  RunningServer running(plan);
  TestClient client(running.port());
  greet(client);
  begin_data(client);
  ASSERT_TRUE(client.send("Subject: x\r\n\r\nhi\r\n.\r\n"));
  ASSERT_TRUE(running.handler.wait_for("commit"));
  std::thread drain([&running] { running.stop(10ms); });
  running.handler.release_commits();
  drain.join();
  EXPECT_EQ(running.handler.count("committed"), 1U);
  EXPECT_EQ(running.handler.contents().size(), 1U);
}

TEST(SmtpServer, RefusesConnectionsBeyondItsLimit) {
  ServerPlan plan = plain();
  plan.options.admission.total = 1;
  RunningServer running(plan);
  TestClient first(running.port());
  greet(first);
  TestClient second(running.port());
  EXPECT_THAT(second.read_to_end(), StartsWith("421 4.7.0 too_many_connections"));
  EXPECT_THAT(first.command("BOGUS"), StartsWith("500 5.5.1 unknown_command: "));
  first.command("QUIT");
  first.close();
  ASSERT_TRUE(running.handler.wait_for("destroyed"));
  EXPECT_THAT(running.handler.refusals(), ElementsAre("too_many_connections", "unknown_command"));
}

TEST(SmtpServer, TakesAnotherClientWhenOneHasGone) {
  ServerPlan plan = plain();
  plan.options.admission.total = 1;
  CapturedLog log;
  RunningServer running(plan);
  {
    TestClient first(running.port());
    greet(first);
    first.command("QUIT");
    first.read_to_end();
  }
  // The count falls just after the client sees the end.
  std::string greeting;
  while (!greeting.starts_with("220")) greeting = TestClient(running.port()).read_reply();
  EXPECT_THAT(greeting, StartsWith("220"));
}

TEST(SmtpServer, CountsTheConnectionsOfAllItsListenersTogether) {
  ServerPlan plan = plain();
  plan.options.admission.total = 1;
  plan.listeners.push_back(test::test_certs().wrong_name());
  RunningServer running(plan);
  TestClient first(running.port(0));
  greet(first);
  TestClient second(running.port(1));
  EXPECT_THAT(second.read_to_end(), StartsWith("421 4.7.0 too_many_connections"));
}

TEST(SmtpServer, GivesEachListenerItsOwnCertificate) {
  ServerPlan plan = implicit_tls();
  plan.listeners.push_back(test::test_certs().wrong_name());
  RunningServer running(plan);
  const auto name_at = [&](std::size_t listener) {
    TestClient client(running.port(listener));
    return client.start_tls() ? client.peer_common_name() : "";
  };
  EXPECT_EQ(name_at(0), "good");
  EXPECT_EQ(name_at(1), "wrong");
  running.server.set_tls(0, test::load_context(test::test_certs().wrong_name()));
  EXPECT_EQ(name_at(0), "wrong");
  running.server.set_tls(1, test::load_context(test::test_certs().good()));
  EXPECT_EQ(name_at(1), "good");
  EXPECT_EQ(name_at(0), "wrong") << "the other listener keeps its own";
}

TEST(SmtpServer, ReportsAPortThatIsTaken) {
  RunningServer running(plain());
  Server second(running.runtime.io_executors(), running.handler, {});
  Config config;
  config.tls = TlsMode::None;
  EXPECT_FALSE(second.listen({.address = "127.0.0.1", .port = running.port()}, config));
}

}  // namespace
}  // namespace postern::smtp
