#include "core/base64.h"
#include "support/client_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

using test::ClientScript;
using test::plain_client_config;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kPassword = "not-a-real-password";

ClientConfig config_with(ClientTls tls, bool has_auth = false) {
  ClientConfig config = plain_client_config();
  config.tls = tls;
  if (has_auth) config.user_name = "relay";
  if (has_auth) config.password = Secret(std::string(kPassword));
  return config;
}

std::string plain_response() { return encode_base64(std::string("\0relay\0", 7) + std::string(kPassword)); }

TEST(ClientOpening, GreetsAndSaysWhatTheHopOffers) {
  ClientScript script;
  EXPECT_EQ(script.session().stage(), "connect");
  script.open({"PIPELINING", "SIZE 1000"});
  EXPECT_TRUE(script.session().capabilities().pipelining);
  EXPECT_EQ(script.session().capabilities().max_octets, 1000U);
  EXPECT_EQ(script.failure(), "");
}

TEST(ClientOpening, FallsBackToHelo) {
  ClientScript script;
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("502 5.5.1 what?\r\n");
  script.expect_sent("HELO client.example\r\n").feed("250 mx PIPELINING\r\n").expect_ready();
  EXPECT_FALSE(script.session().capabilities().pipelining);
}

struct RefusedCase {
  const char* name;
  std::string_view greeting;
  std::string_view ehlo;
  std::string_view failure;
  std::string_view sent;
};

TEST(ClientOpening, ARefusalIsATemporaryFailureWithThePeersWords) {
  const RefusedCase cases[] = {
      {"greeting 554", "554 5.7.1 go away\r\n", "", "451 4.7.1 greeting refused: 554 5.7.1 go away", "QUIT\r\n"},
      {"greeting 554 without enhanced code", "554 no\r\n", "", "451 4.3.2 greeting refused: 554 no", "QUIT\r\n"},
      {"greeting 450", "450 later\r\n", "", "451 4.3.2 greeting refused: 450 later", "QUIT\r\n"},
      {"greeting 421", "421 4.3.2 busy\r\n", "", "421 4.3.2 busy", ""},
      {"greeting 354", "354 eh\r\n", "", "451 4.5.0 protocol error of the next hop at greeting: reply 354", ""},
      {"greeting twice", "220 a\r\n220 b\r\n", "",
       "451 4.5.0 protocol error of the next hop at greeting: a reply nobody asked for", ""},
      {"EHLO 450", "220 a\r\n", "450 later\r\n", "451 4.3.2 EHLO refused: 450 later", "QUIT\r\n"},
      {"EHLO and HELO refused", "220 a\r\n", "550 no\r\n550 5.7.1 no\r\n", "451 4.7.1 EHLO refused: 550 5.7.1 no", "QUIT\r\n"},
  };
  for (const RefusedCase& c : cases) {
    SCOPED_TRACE(c.name);
    ClientScript script(plain_client_config(), 1'000);
    script.feed(c.greeting);
    if (!c.ehlo.empty()) script.session().output_sent();
    // One reply at a time, as each answers its own command.
    for (std::string_view rest = c.ehlo; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
      script.session().output_sent();
      script.feed(rest.substr(0, rest.find('\n') + 1));
    }
    script.expect_closed().expect_sent(c.sent);
    EXPECT_EQ(script.failure(), c.failure);
  }
}

TEST(ClientOpening, StartsTlsAndForgetsWhatWasOfferedBefore) {
  ClientScript script(config_with(ClientTls::Required));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
  script.expect_sent("STARTTLS\r\n").feed("220 2.0.0 go\r\n").expect_start_tls().tls_started();
  EXPECT_FALSE(script.session().capabilities().pipelining);
  script.expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 SIZE 5\r\n").expect_ready();
  EXPECT_TRUE(script.session().is_tls());
  EXPECT_TRUE(script.session().capabilities().size);
  EXPECT_FALSE(script.session().capabilities().pipelining);
}

TEST(ClientOpening, RefusesOctetsInjectedBehindTheReplyToStartTls) {
  ClientScript script(config_with(ClientTls::IfOffered));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 STARTTLS\r\n");
  script.expect_sent("STARTTLS\r\n").feed("220 go\r\n250 mx\r\n").expect_closed().expect_sent("");
  EXPECT_EQ(script.failure(), "451 4.5.0 protocol error of the next hop at STARTTLS: a reply nobody asked for");
}

TEST(ClientOpening, RequiredTlsThatIsNotOfferedFails) {
  ClientScript script(config_with(ClientTls::Required));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250 mx\r\n").expect_closed().expect_sent("QUIT\r\n");
  EXPECT_THAT(script.failure(), StartsWith("454 4.7.5 "));
}

TEST(ClientOpening, RequiredTlsThatIsRefusedFails) {
  ClientScript script(config_with(ClientTls::Required));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 STARTTLS\r\n");
  script.expect_sent("STARTTLS\r\n").feed("454 4.7.0 not now\r\n").expect_closed().expect_sent("QUIT\r\n");
  EXPECT_EQ(script.failure(), "451 4.7.0 STARTTLS refused: 454 4.7.0 not now");
}

TEST(ClientOpening, OpportunisticTlsThatIsRefusedGoesOnInTheClear) {
  ClientScript script(config_with(ClientTls::IfOffered));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 STARTTLS\r\n");
  script.expect_sent("STARTTLS\r\n").feed("454 not now\r\n").expect_ready();
  EXPECT_FALSE(script.session().is_tls());
}

TEST(ClientOpening, AFailedHandshakeSaysWhy) {
  ClientScript script(config_with(ClientTls::IfOffered));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 STARTTLS\r\n");
  script.expect_sent("STARTTLS\r\n").feed("220 go\r\n").expect_start_tls();
  script.session().tls_failed("certificate has expired");
  script.expect_closed().expect_sent("");
  EXPECT_EQ(script.failure(), "454 4.7.5 TLS failed: certificate has expired");
}

TEST(ClientOpening, AuthenticatesWithPlainAndKeepsNothingOfIt) {
  ClientScript script(config_with(ClientTls::Implicit, true));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 AUTH LOGIN PLAIN\r\n");
  script.expect_sent("AUTH PLAIN " + plain_response() + "\r\n").expect_sent("").feed("235 2.7.0 welcome\r\n").expect_ready();
}

TEST(ClientOpening, AuthenticatesWithLogin) {
  ClientScript script(config_with(ClientTls::Implicit, true));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 AUTH LOGIN\r\n");
  script.expect_sent("AUTH LOGIN\r\n").feed("334 VXNlcm5hbWU6\r\n").expect_sent(encode_base64("relay") + "\r\n");
  script.feed("334 UGFzc3dvcmQ6\r\n").expect_sent(encode_base64(kPassword) + "\r\n").feed("235 ok\r\n").expect_ready();
}

TEST(ClientOpening, ALongPasswordWaitsForTheChallenge) {
  ClientConfig config = config_with(ClientTls::Implicit, true);
  const std::string password(600, 'p');
  config.password = Secret(password);
  ClientScript script(config);
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 AUTH PLAIN\r\n");
  script.expect_sent("AUTH PLAIN\r\n").feed("334 \r\n");
  script.expect_sent(encode_base64(std::string("\0relay\0", 7) + password) + "\r\n").feed("235 ok\r\n").expect_ready();
}

TEST(ClientOpening, RefusedCredentialsAreATemporaryFailure) {
  ClientScript script(config_with(ClientTls::Implicit, true));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 AUTH PLAIN\r\n");
  script.expect_sent("AUTH PLAIN " + plain_response() + "\r\n").feed("535 5.7.8 bad credentials\r\n");
  script.expect_closed().expect_sent("QUIT\r\n");
  EXPECT_EQ(script.failure(), "451 4.7.8 AUTH refused: 535 5.7.8 bad credentials");
}

TEST(ClientOpening, AReplyThatRepeatsTheCredentialsLosesItsText) {
  const std::string echoes[] = {std::string(kPassword), plain_response(), encode_base64(kPassword)};
  for (const std::string& echo : echoes) {
    for (const std::string code : {"535", "421"}) {
      ClientScript script(config_with(ClientTls::Implicit, true));
      script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 AUTH PLAIN\r\n");
      script.expect_sent("AUTH PLAIN " + plain_response() + "\r\n");
      script.feed(code + "-5.7.8 you said\r\n" + code + " 5.7.8 x" + echo + "x\r\n").expect_closed();
      EXPECT_THAT(script.failure(), Not(HasSubstr(echo)));
      EXPECT_THAT(script.failure(), HasSubstr("text withheld"));
    }
  }
}

TEST(ClientOpening, SendsNoCredentialsInTheClear) {
  ClientScript script(config_with(ClientTls::IfOffered, true));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 AUTH PLAIN LOGIN\r\n");
  script.expect_closed().expect_sent("QUIT\r\n");
  EXPECT_THAT(script.failure(), StartsWith("454 4.7.11 "));
}

TEST(ClientOpening, SendsCredentialsInTheClearWhereThatIsAllowed) {
  ClientConfig config = config_with(ClientTls::None, true);
  config.allows_auth_without_tls = true;
  ClientScript script(config);
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 AUTH PLAIN\r\n");
  script.expect_sent("AUTH PLAIN " + plain_response() + "\r\n").feed("235 ok\r\n").expect_ready();
}

TEST(ClientOpening, AuthThatIsNotOfferedFails) {
  ClientScript script(config_with(ClientTls::Implicit, true));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 AUTH CRAM-MD5\r\n");
  script.expect_closed().expect_sent("QUIT\r\n");
  EXPECT_THAT(script.failure(), StartsWith("454 4.7.0 "));
}

TEST(ClientOpening, QuitsInOrder) {
  ClientScript script;
  script.open({});
  script.quit().expect_sent("QUIT\r\n").feed("221 2.0.0 bye\r\n").expect_closed();
  EXPECT_EQ(script.failure(), "");
}

TEST(ClientOpening, AnEndWithoutAReplyToQuitIsNoFailure) {
  ClientScript script;
  script.open({});
  script.quit().expect_sent("QUIT\r\n");
  script.session().peer_gone();
  script.expect_closed();
  EXPECT_EQ(script.failure(), "");
}

struct MechanismCase {
  const char* name;
  std::string_view keyword;
  std::string_view command;  // the first word or two of AUTH
};

// As it stood in drafts, and still stands in what some hops say.
TEST(ClientOpening, ReadsTheOldWayToOfferAuth) {
  const MechanismCase cases[] = {
      {"one", "AUTH=PLAIN", "AUTH PLAIN"},
      {"several", "AUTH=LOGIN PLAIN", "AUTH PLAIN"},
      {"LOGIN alone", "auth=login", "AUTH LOGIN"},
      {"blank behind", "AUTH= LOGIN", "AUTH LOGIN"},
  };
  for (const MechanismCase& c : cases) {
    SCOPED_TRACE(c.name);
    ClientConfig config = test::plain_client_config();
    config.user_name = "relay";
    config.password = Secret(std::string("not-a-real-password"));
    config.allows_auth_without_tls = true;
    test::ClientScript script(config);
    script.feed("220 mx\n").expect_sent("EHLO client.example\r\n");
    script.feed("250-mx\n250 " + std::string(c.keyword) + "\n");
    EXPECT_EQ(script.session().output().substr(0, c.command.size()), c.command);
  }
}

TEST(ClientOpening, KnowsWhatFailedForItsTls) {
  ClientConfig config = test::plain_client_config();
  config.tls = ClientTls::IfOffered;
  const auto at_starttls = [&config] {
    test::ClientScript script(config);
    script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-mx\r\n250 STARTTLS\r\n");
    script.expect_sent("STARTTLS\r\n");
    return script;
  };
  test::ClientScript closed = at_starttls();
  closed.session().peer_gone();
  EXPECT_TRUE(closed.session().has_failed_at_tls());
  test::ClientScript handshake = at_starttls();
  handshake.feed("220 go\r\n").expect_start_tls().session().tls_failed("wrong version number");
  EXPECT_TRUE(handshake.session().has_failed_at_tls());
  test::ClientScript behind = at_starttls();
  behind.feed("220 go\r\n").expect_start_tls().tls_started().session().peer_gone();
  EXPECT_TRUE(behind.session().has_failed_at_tls()) << "nothing was ever heard under TLS";
  test::ClientScript later = at_starttls();
  later.feed("220 go\r\n").expect_start_tls().tls_started().feed("421 4.3.2 busy\r\n");
  EXPECT_FALSE(later.session().has_failed_at_tls());
  test::ClientScript before(config);
  before.session().peer_gone();
  EXPECT_FALSE(before.session().has_failed_at_tls());
  config.tls = ClientTls::Required;
  test::ClientScript missing(config);
  missing.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250 mx\r\n");
  EXPECT_TRUE(missing.session().has_failed_at_tls()) << "it is not offered";
}

}  // namespace
}  // namespace postern::smtp
