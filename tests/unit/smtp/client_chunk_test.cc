// A small message to a hop with PIPELINING and CHUNKING: one BDAT behind its envelope (RFC 3030).
#include "support/client_script.h"

#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

using test::ClientScript;
using test::numbered_envelope;

constexpr std::string_view kEnvelopeOfTwo =
    "MAIL FROM:<a@example.org>\r\nRCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\n";
constexpr std::string_view kContent = "a\r\n.b\r\n";

const std::string kChunk = "BDAT 7 LAST\r\n" + std::string(kContent);

// Up to the content, which is not stuffed.
ClientScript& send_chunk(ClientScript& script, const Envelope& envelope, std::string_view replies) {
  script.begin(envelope, kContent.size()).expect_sent(kEnvelopeOfTwo).feed(replies);
  return script.expect_need_content().content(kContent, true).expect_sent(kChunk);
}

TEST(ClientChunk, LeavesOnceARecipientWasTaken) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(2);
  script.open({"PIPELINING", "CHUNKING"});
  for (int i = 0; i < 2; ++i) {
    send_chunk(script, envelope, "250 ok\r\n550 no\r\n250 ok\r\n").feed("250 2.0.0 taken\r\n").expect_ready();
    EXPECT_EQ(script.results(), "550 no r0\n250 2.0.0 taken r1\n");
  }
}

// A hop that refuses BDAT unread takes a body like this for commands.
TEST(ClientChunk, NeverLeavesForNobody) {
  for (const std::string_view replies : {"250 ok\r\n550 a\r\n450 b\r\n", "451 later\r\n503 x\r\n503 x\r\n"}) {
    ClientScript script;
    const Envelope envelope = numbered_envelope(2);
    script.open({"PIPELINING", "CHUNKING"}).begin(envelope, 7).expect_sent(kEnvelopeOfTwo).feed(replies).expect_ready();
    script.expect_sent("").begin(envelope, 7).expect_sent("RSET\r\n" + std::string(kEnvelopeOfTwo));
  }
}

TEST(ClientChunk, ARefusalOfItEndsTheSession) {
  struct Case {
    std::string_view reply;
    std::string_view results;
    bool is_unknown;
  };
  const Case cases[] = {{"554 spam\r\n", "554 spam r0\n554 spam r1\n", false},
                        {"451 4.7.1 later\r\n", "451 4.7.1 later r0\n451 4.7.1 later r1\n", false},
                        {"502 5.5.1 what?\r\n", "502 5.5.1 what? r0\n502 5.5.1 what? r1\n", true}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.reply);
    ClientScript script;
    const Envelope envelope = numbered_envelope(2);
    send_chunk(script.open({"PIPELINING", "CHUNKING"}), envelope, "250 ok\r\n250 ok\r\n250 ok\r\n").feed(c.reply);
    script.expect_closed().expect_sent("QUIT\r\n");
    EXPECT_EQ(script.results(), c.results);
    EXPECT_EQ(script.failure(), "") << "an end in order";
    EXPECT_EQ(script.session().was_chunk_unknown(), c.is_unknown);
  }
}

TEST(ClientChunk, IsNotSentWhereItMayNotBe) {
  ClientConfig config = test::plain_client_config();
  config.allows_chunks = false;
  ClientScript script(config);
  const Envelope envelope = numbered_envelope(2);
  script.open({"PIPELINING", "CHUNKING"}).begin(envelope, 7).expect_sent(std::string(kEnvelopeOfTwo) + "DATA\r\n");
}

TEST(ClientChunk, NeedsBothExtensionsAndASmallMessage) {
  const Envelope envelope = numbered_envelope(2);
  ClientScript without_chunking;
  without_chunking.open({"PIPELINING"}).begin(envelope, 7).expect_sent(std::string(kEnvelopeOfTwo) + "DATA\r\n");
  ClientScript without_pipelining;
  without_pipelining.open({"CHUNKING"}).begin(envelope, 7).expect_sent("MAIL FROM:<a@example.org>\r\n");
  without_pipelining.feed("250 ok\r\n").expect_sent("RCPT TO:<r0@example.net>\r\n");
  ClientScript big;
  big.open({"PIPELINING", "CHUNKING"}).begin(envelope, 65'537).expect_sent(std::string(kEnvelopeOfTwo) + "DATA\r\n");
}

TEST(ClientChunk, NeverSendsAnotherSizeThanItAnnounced) {
  for (const std::string_view content : {"a\r\n", "a longer one\r\n"}) {
    ClientScript script;
    const Envelope envelope = numbered_envelope(1);
    script.open({"PIPELINING", "CHUNKING"}).begin(envelope, 7).feed("250 ok\r\n250 ok\r\n").expect_need_content();
    script.content(content, true).expect_closed();
    EXPECT_EQ(script.results().substr(0, 9), "451 4.3.0");
  }
}

TEST(ClientChunk, ABareNewlineNeverLeaves) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({"PIPELINING", "CHUNKING"}).begin(envelope, 7).feed("250 ok\r\n250 ok\r\n").expect_need_content();
  script.content("a\nb\r\n..", true).expect_closed();
  EXPECT_EQ(script.results().substr(0, 9), "451 4.3.0");
}

TEST(ClientChunk, ALostConnectionMayHaveLeftADuplicate) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(2);
  send_chunk(script.open({"PIPELINING", "CHUNKING"}), envelope, "250 ok\r\n250 ok\r\n250 ok\r\n");
  script.session().peer_gone();
  script.expect_closed();
  EXPECT_NE(script.results().find("may have taken the message"), std::string::npos) << script.results();
}

}  // namespace
}  // namespace postern::smtp
