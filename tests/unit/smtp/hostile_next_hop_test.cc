// A next hop that means harm, as scripts: replies without end or asked for by nobody, wrong codes at every stage, words for our
// logs. Whatever it says, every recipient has a status, nothing is sent that was not due, and the failure is for this try only.
#include "smtp/reply_parser.h"
#include "support/client_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

using test::ClientScript;
using test::numbered_envelope;
using test::plain_client_config;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

ClientConfig tls_config(ClientTls tls) {
  ClientConfig config = plain_client_config();
  config.tls = tls;
  config.user_name = "relay";
  config.password = Secret(std::string("not-a-real-password"));
  return config;
}

struct InjectionCase {
  const char* name;
  std::string_view greeting;
  std::string_view ehlo;
  std::string_view starttls;
};

// What a man in the middle may put into the clear part, for the part under TLS to believe.
const InjectionCase kInjections[] = {
    {"a whole reply behind 220", "220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n",
     "220 go\r\n250-mx\r\n250-AUTH PLAIN\r\n250 SIZE 1\r\n"},
    {"the beginning of a reply behind 220", "220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n250-mx\r\n"},
    {"one octet behind 220", "220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n2"},
    {"a reply to STARTTLS before it is sent", "220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n220 go\r\n", ""},
    {"a reply to EHLO before it is sent", "220 mx\r\n250-mx\r\n250 STARTTLS\r\n", "", ""},
    {"octets of a handshake in the clear", "220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n\x16\x03\x03"},
};

TEST(HostileNextHop, RepliesInjectedBeforeTlsEndTheConnection) {
  for (const InjectionCase& c : kInjections) {
    for (const ClientTls tls : {ClientTls::IfOffered, ClientTls::Required}) {
      SCOPED_TRACE(c.name);
      ClientScript script(tls_config(tls));
      script.feed(c.greeting);
      script.session().output_sent();
      if (!c.ehlo.empty()) script.feed(c.ehlo);
      script.session().output_sent();
      if (!c.starttls.empty()) script.feed(c.starttls);
      script.expect_closed().expect_sent("");
      EXPECT_THAT(script.failure(), HasSubstr("a reply nobody asked for"));
    }
  }
}

TEST(HostileNextHop, NothingLearntInTheClearIsBelievedUnderTls) {
  ClientScript script(tls_config(ClientTls::Required));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n");
  script.feed("250-mx\r\n250-AUTH PLAIN\r\n250-SIZE 1\r\n250-SMTPUTF8\r\n250 STARTTLS\r\n").expect_sent("STARTTLS\r\n");
  script.feed("220 go\r\n").expect_start_tls().tls_started().expect_sent("EHLO client.example\r\n");
  script.feed("250 mx\r\n").expect_closed();
  EXPECT_THAT(script.failure(), HasSubstr("offers neither PLAIN nor LOGIN"));
  EXPECT_FALSE(script.session().capabilities().size);
  EXPECT_FALSE(script.session().capabilities().smtputf8);
}

struct StrippingCase {
  const char* name;
  std::string_view ehlo;  // what is left of the offer
};

TEST(HostileNextHop, TakingStartTlsAwayGetsNeitherTheKeyNorTheMail) {
  const StrippingCase cases[] = {
      {"the keyword is gone", "250-mx\r\n250 AUTH PLAIN\r\n"},
      {"the keyword is overwritten", "250-mx\r\n250-XXXXXXXX\r\n250 AUTH PLAIN\r\n"},
      {"the keyword is part of another", "250-mx\r\n250-XSTARTTLS\r\n250 AUTH PLAIN\r\n"},
      {"the keyword is in the greeting line only", "250-mx STARTTLS\r\n250 AUTH PLAIN\r\n"},
  };
  for (const StrippingCase& c : cases) {
    SCOPED_TRACE(c.name);
    ClientScript required(tls_config(ClientTls::Required));
    required.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed(c.ehlo).expect_closed().expect_sent("QUIT\r\n");
    EXPECT_THAT(required.failure(), StartsWith("454 4.7.5 "));
    // Opportunistic: the mail may go in the clear, the password may not.
    ClientScript if_offered(tls_config(ClientTls::IfOffered));
    if_offered.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed(c.ehlo).expect_closed().expect_sent("QUIT\r\n");
    EXPECT_THAT(if_offered.failure(), StartsWith("454 4.7.11 "));
  }
}

TEST(HostileNextHop, RefusingEhloDoesNotGetAroundTls) {
  ClientScript script(tls_config(ClientTls::Required));
  script.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("500 what?\r\n").expect_sent("HELO client.example\r\n");
  script.feed("250 mx\r\n").expect_closed().expect_sent("QUIT\r\n");
  EXPECT_THAT(script.failure(), StartsWith("454 4.7.5 "));
}

std::string times_over(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all.append(text);
  return all;
}

struct FloodCase {
  const char* name;
  std::string_view first;
  std::string_view again;  // for ever
};

// Feeds until the session closes; the octets it took, or SIZE_MAX beyond a bound that no session may reach.
std::size_t taken_until_closed(ClientScript& script, const FloodCase& flood) {
  constexpr std::size_t kTooMany = 4 * kMaxReplyOctets;
  std::size_t taken = 0;
  std::string_view piece = flood.first;
  while (std::holds_alternative<ClientNeedInput>(script.session().next())) {
    if (taken > kTooMany) return SIZE_MAX;
    script.session().output_sent();
    script.feed(piece);
    taken += piece.size();
    piece = flood.again;
  }
  return taken;
}

TEST(HostileNextHop, AReplyWithoutEndIsCutOffAtEveryStage) {
  const FloodCase floods[] = {{"one line", "2", "2"},
                              {"one line of text", "250 ", "x"},
                              {"lines", "250-x\r\n", "250-x\r\n"},
                              {"empty lines of a reply", "250-\r\n", "250-\r\n"},
                              {"keywords", "250-mx\r\n", "250-AUTH PLAIN LOGIN\r\n"}};
  const std::string_view openings[] = {"", "220 mx\r\n", "220 mx\r\n250 PIPELINING\r\n"};
  for (const FloodCase& flood : floods) {
    for (const std::string_view opening : openings) {
      SCOPED_TRACE(std::string(flood.name) + " behind " + std::string(opening));
      ClientScript script;
      const Envelope envelope = numbered_envelope(2);
      std::string_view rest = opening;
      while (!rest.empty()) {
        const std::size_t end = rest.find('\n') + 1;
        script.feed(rest.substr(0, end));
        script.session().output_sent();
        rest.remove_prefix(end);
      }
      if (opening.size() > 10) script.expect_ready().begin(envelope);
      EXPECT_LE(taken_until_closed(script, flood), kMaxReplyOctets + flood.again.size());
      EXPECT_THAT(script.failure(), StartsWith("451 4.5.0 protocol error of the next hop"));
      for (const ClientRecipientStatus& result : script.session().results()) EXPECT_TRUE(result.status.is_transient());
    }
  }
}

TEST(HostileNextHop, AWrongCodeIsNoGoAheadAtAnyStage) {
  const std::string_view right[] = {"250 ok\r\n", "250 ok\r\n", "354 go\r\n"};
  const std::string_view wrong[] = {"354 go\r\n", "334 \r\n",    "100 wait\r\n", "600 no\r\n",          "000 no\r\n",
                                    "25 ok\r\n",  "2500 ok\r\n", "OK\r\n",       "HTTP/1.1 200 OK\r\n", "\r\n"};
  for (std::size_t stage = 0; stage < std::size(right); ++stage) {
    for (const std::string_view reply : wrong) {
      if (stage == 2 && reply.starts_with("3")) continue;  // any 3yz is a go-ahead there
      SCOPED_TRACE(std::string(reply) + " at stage " + std::to_string(stage));
      ClientScript script;
      const Envelope envelope = numbered_envelope(1);
      script.open({}).begin(envelope);
      for (std::size_t i = 0; i < stage; ++i) script.feed(right[i]);
      script.session().output_sent();
      script.feed(reply).expect_closed().expect_sent("");
      EXPECT_THAT(script.results(), StartsWith("451 4.5.0 protocol error of the next hop"));
    }
  }
}

TEST(HostileNextHop, A250ToDataIsNotTheMessageTaken) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({"PIPELINING"}).begin(envelope).feed("250 ok\r\n250 ok\r\n250 queued\r\n").expect_closed();
  EXPECT_THAT(script.results(), StartsWith("451 4.5.0 "));
}

TEST(HostileNextHop, ItsWordsAreOnePrintableLineOfBoundedLength) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({}).begin(envelope).feed("250 ok\r\n");
  script.feed("550-5.1.1 no\x1B[2J\xC2\x9B\x08\r\n" + times_over("550-" + std::string(400, 'y') + "\r\n", 20) + "550 \x7F end\r\n");
  const std::string status = script.results();
  EXPECT_THAT(status, StartsWith("550 5.1.1 no?[2J??"));
  EXPECT_LE(status.size(), kMaxReplyTextOctets + 32);
  for (const char c : status.substr(0, status.size() - 1)) EXPECT_TRUE(c >= 0x20 && c < 0x7F) << static_cast<int>(c);
}

TEST(HostileNextHop, OfferingEverythingChangesNothingThatTheMessageDidNotAskFor) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({"8BITMIME", "SMTPUTF8", "DSN", "BINARYMIME", "XCLIENT NAME", "BURL imap", "XFORWARD NAME", "AUTH=LOGIN"})
      .begin(envelope);
  script.expect_sent("MAIL FROM:<a@example.org>\r\n").feed("250 ok\r\n").expect_sent("RCPT TO:<r0@example.net>\r\n");
}

}  // namespace
}  // namespace postern::smtp
