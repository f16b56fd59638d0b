// A small message to a hop with PIPELINING and CHUNKING: envelope and content leave together (RFC 3030).
#include "support/client_script.h"

#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

using test::ClientScript;
using test::numbered_envelope;

constexpr std::string_view kEnvelopeOfTwo =
    "MAIL FROM:<a@example.org>\r\nRCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\n";
constexpr std::string_view kContent = "a\r\n.b\r\n";

std::string group_of_two() { return std::string(kEnvelopeOfTwo) + "BDAT 7 LAST\r\n" + std::string(kContent); }

// Up to the content, which is not asked for before the envelope was answered, and not stuffed.
ClientScript& send_chunk(ClientScript& script, const Envelope& envelope) {
  return script.begin(envelope, kContent.size()).expect_need_content().content(kContent, true).expect_sent(group_of_two());
}

TEST(ClientChunk, LeavesTogetherWithTheEnvelope) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(2);
  send_chunk(script.open({"PIPELINING", "CHUNKING"}), envelope);
  script.feed("250 ok\r\n250 ok\r\n250 ok\r\n250 2.0.0 taken\r\n").expect_ready();
  EXPECT_EQ(script.results(), "250 2.0.0 taken r0\n250 2.0.0 taken r1\n");
  send_chunk(script, envelope);
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

struct Replies {
  const char* name;
  std::string_view replies;  // to MAIL, RCPT, RCPT, BDAT
  std::string_view results;
  bool needs_reset;
};

const Replies kReplies[] = {
    {"one RCPT refused", "250 ok\r\n550 no\r\n250 ok\r\n250 taken\r\n", "550 no r0\n250 taken r1\n", false},
    {"all RCPT refused", "250 ok\r\n550 a\r\n450 b\r\n503 none\r\n", "550 a r0\n450 b r1\n", true},
    {"all RCPT refused, yet the chunk is taken", "250 ok\r\n550 a\r\n450 b\r\n250 taken\r\n", "550 a r0\n450 b r1\n", false},
    {"MAIL refused", "451 later\r\n503 x\r\n503 x\r\n503 x\r\n", "451 later r0\n451 later r1\n", true},
    {"the chunk refused", "250 ok\r\n250 ok\r\n250 ok\r\n554 spam\r\n", "554 spam r0\n554 spam r1\n", true},
};

TEST(ClientChunk, KeepsTheBooksAndResetsBehindARefusedChunk) {
  for (const Replies& c : kReplies) {
    for (const std::size_t octets_per_read : {1U, 7U, 65'536U}) {
      SCOPED_TRACE(c.name);
      ClientScript script(test::plain_client_config(), octets_per_read);
      const Envelope envelope = numbered_envelope(2);
      send_chunk(script.open({"PIPELINING", "CHUNKING"}), envelope).feed(c.replies).expect_ready();
      EXPECT_EQ(script.results(), c.results);
      script.begin(envelope, kContent.size()).expect_need_content().content(kContent, true);
      script.expect_sent((c.needs_reset ? "RSET\r\n" : "") + group_of_two());
    }
  }
}

TEST(ClientChunk, NeverSendsAnotherSizeThanItAnnounced) {
  for (const std::string_view content : {"a\r\n", "a longer one\r\n"}) {
    ClientScript script;
    const Envelope envelope = numbered_envelope(1);
    script.open({"PIPELINING", "CHUNKING"}).begin(envelope, 7).expect_need_content().content(content, true).expect_closed();
    EXPECT_EQ(script.results().substr(0, 9), "451 4.3.0");
  }
}

TEST(ClientChunk, ABareNewlineNeverLeaves) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({"PIPELINING", "CHUNKING"}).begin(envelope, 7).expect_need_content().content("a\nb\r\n..", true).expect_closed();
  EXPECT_EQ(script.results().substr(0, 9), "451 4.3.0");
}

TEST(ClientChunk, ALostConnectionMayHaveLeftADuplicate) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(2);
  send_chunk(script.open({"PIPELINING", "CHUNKING"}), envelope).feed("250 ok\r\n");
  script.session().peer_gone();
  script.expect_closed();
  EXPECT_NE(script.results().find("may have taken the message"), std::string::npos) << script.results();
}

}  // namespace
}  // namespace postern::smtp
