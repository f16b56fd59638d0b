// What every recipient is told when the next hop breaks off, stalls or talks nonsense, at every point of a dialogue.
#include "support/client_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

using test::ClientScript;
using test::numbered_envelope;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A dialogue with two recipients, of which the second is refused. `replies` is cut anywhere by the tests below.
struct Dialogue {
  const char* name;
  std::vector<std::string_view> keywords;
  std::string_view replies;
};

const Dialogue kDialogues[] = {
    {"pipelined", {"PIPELINING"}, "250 ok\r\n250-two\r\n250 lines\r\n550 5.1.1 no\r\n354 go\r\n250 2.0.0 taken\r\n"},
    {"in lock-step", {}, "250 ok\r\n250 ok\r\n550 5.1.1 no\r\n354 go\r\n250 2.0.0 taken\r\n"},
};

// Plays the first `octets` of the replies, `octets_per_read` at a time; gives content when it is asked for.
void play(ClientScript& script, const Dialogue& dialogue, const Envelope& envelope, std::size_t octets) {
  if (dialogue.keywords.empty()) script.open({});
  if (!dialogue.keywords.empty()) script.open({dialogue.keywords.front()});
  script.begin(envelope);
  std::string_view rest = dialogue.replies.substr(0, octets);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    script.feed(rest.substr(0, end));
    rest.remove_prefix(end);
    if (!std::holds_alternative<ClientNeedContent>(script.session().next())) continue;
    script.session().output_sent();
    script.content("a\r\n", true);
  }
}

constexpr std::string_view kResults = "250 2.0.0 taken r0\n550 5.1.1 no r1\n";

TEST(ClientFailure, RepliesMeanTheSameHoweverTheyAreCut) {
  for (const Dialogue& dialogue : kDialogues) {
    for (const std::size_t octets_per_read : {1U, 2U, 3U, 4U, 7U, 11U, 65'536U}) {
      SCOPED_TRACE(dialogue.name);
      ClientScript script(test::plain_client_config(), octets_per_read);
      const Envelope envelope = numbered_envelope(2);
      play(script, dialogue, envelope, dialogue.replies.size());
      EXPECT_EQ(script.expect_ready().results(), kResults);
    }
  }
}

enum class Break { Gone, TimedOut, Garbage };

void break_off(ClientScript& script, Break how) {
  if (how == Break::Gone) script.session().peer_gone();
  if (how == Break::TimedOut) script.session().timed_out();
  if (how == Break::Garbage) script.feed("#\r#\n");
}

TEST(ClientFailure, EveryRecipientHasAStatusWhereverTheDialogueBreaks) {
  for (const Dialogue& dialogue : kDialogues) {
    for (std::size_t octets = 0; octets < dialogue.replies.size(); ++octets) {
      for (const Break how : {Break::Gone, Break::TimedOut, Break::Garbage}) {
        SCOPED_TRACE(std::string(dialogue.name) + " after " + std::string(dialogue.replies.substr(0, octets)));
        ClientScript script;
        const Envelope envelope = numbered_envelope(2);
        play(script, dialogue, envelope, octets);
        break_off(script, how);
        script.expect_closed().expect_sent("");
        ASSERT_TRUE(script.session().failure().has_value());
        EXPECT_TRUE(script.session().failure()->is_transient());
        ASSERT_EQ(script.session().results().size(), 2U);
        EXPECT_TRUE(script.session().results()[0].status.is_transient());
        const bool was_second_refused = octets >= dialogue.replies.find("354");
        EXPECT_EQ(script.session().results()[1].status.code / 100, was_second_refused ? 5 : 4);
      }
    }
  }
}

struct StageCase {
  std::size_t lines;  // replies heard, of the lock-step dialogue
  std::string_view lost;
};

TEST(ClientFailure, TheStatusNamesTheStage) {
  const StageCase cases[] = {
      {0, "451 4.4.2 connection lost at MAIL"},
      {1, "451 4.4.2 connection lost at RCPT"},
      {2, "451 4.4.2 connection lost at RCPT"},
      {3, "451 4.4.2 connection lost at DATA"},
      {4, "451 4.4.2 connection lost at end-of-data; the next hop may have taken the message"},
  };
  const Dialogue& dialogue = kDialogues[1];
  for (const StageCase& c : cases) {
    std::size_t octets = 0;
    for (std::size_t i = 0; i < c.lines; ++i) octets = dialogue.replies.find('\n', octets) + 1;
    ClientScript script;
    const Envelope envelope = numbered_envelope(2);
    play(script, dialogue, envelope, octets);
    script.session().peer_gone();
    EXPECT_EQ(script.expect_closed().failure(), c.lost);
    EXPECT_EQ(format_status(script.session().results()[0].status), c.lost);
  }
}

TEST(ClientFailure, ALossAmidTheContentIsNoPossibleDuplicate) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({"PIPELINING"}).begin(envelope).feed("250 ok\r\n250 ok\r\n354 go\r\n").expect_need_content();
  script.session().output_sent();
  script.content("a\r\n", false).expect_need_content();
  script.session().timed_out();
  EXPECT_EQ(script.expect_closed().expect_sent("").results(), "451 4.4.2 timed out at content r0\n");
}

TEST(ClientFailure, TheOpeningBreaksWithAStageToo) {
  ClientScript greeting;
  greeting.session().next();
  greeting.session().timed_out();
  EXPECT_EQ(greeting.expect_closed().failure(), "451 4.4.2 timed out at greeting");
  ClientScript hello;
  hello.feed("220 mx\r\n").expect_sent("EHLO client.example\r\n").feed("250-m");
  hello.session().peer_gone();
  EXPECT_EQ(hello.expect_closed().failure(), "451 4.4.2 connection lost at EHLO");
}

struct ClosingCase {
  const char* name;
  std::string_view replies;
  std::string_view results;
};

TEST(ClientFailure, A421EndsTheConnectionAndDefersWhoIsLeft) {
  const ClosingCase cases[] = {
      {"at MAIL", "421 4.3.2 bye\r\n", "421 4.3.2 bye r0\n421 4.3.2 bye r1\n"},
      {"at the first RCPT", "250 ok\r\n421 bye\r\n", "421 bye r0\n421 bye r1\n"},
      {"at the second RCPT", "250 ok\r\n550 no\r\n421 bye\r\n", "550 no r0\n421 bye r1\n"},
      {"at DATA", "250 ok\r\n550 no\r\n250 ok\r\n421 bye\r\n", "550 no r0\n421 bye r1\n"},
      {"at DATA, replies behind it", "250 ok\r\n250 ok\r\n421 bye\r\n354 go\r\n", "421 bye r0\n421 bye r1\n"},
  };
  for (const ClosingCase& c : cases) {
    SCOPED_TRACE(c.name);
    ClientScript script;
    const Envelope envelope = numbered_envelope(2);
    script.open({"PIPELINING"}).begin(envelope);
    script.session().output_sent();
    script.feed(c.replies).expect_closed().expect_sent("");
    EXPECT_EQ(script.results(), c.results);
    EXPECT_EQ(script.session().failure()->code, 421);
  }
}

TEST(ClientFailure, A421AtEndOfDataDefers) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({"PIPELINING"}).begin(envelope).feed("250 ok\r\n250 ok\r\n354 go\r\n").expect_need_content();
  script.content("a\r\n", true).feed("421 4.3.2 bye\r\n").expect_closed();
  EXPECT_EQ(script.results(), "421 4.3.2 bye r0\n");
}

struct WrongReplyCase {
  const char* name;
  std::string_view replies;
  std::string_view failure;
};

TEST(ClientFailure, AReplyOfTheWrongKindIsAProtocolError) {
  const WrongReplyCase cases[] = {
      {"354 to MAIL", "354 go\r\n", "at MAIL: reply 354"},
      {"354 to RCPT", "250 ok\r\n354 go\r\n", "at RCPT: reply 354"},
      {"250 to DATA", "250 ok\r\n250 ok\r\n250 ok\r\n", "at DATA: reply 250"},
      {"a reply too many behind 354", "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", "at DATA: a reply nobody asked for"},
      {"1yz", "150 eh\r\n", "at MAIL: not an SMTP reply"},
      {"NUL", std::string_view("250 \0\r\n", 7), "at MAIL: NUL in a reply"},
  };
  for (const WrongReplyCase& c : cases) {
    SCOPED_TRACE(c.name);
    ClientScript script;
    const Envelope envelope = numbered_envelope(1);
    script.open({"PIPELINING"}).begin(envelope);
    script.session().output_sent();
    script.feed(c.replies).expect_closed().expect_sent("");
    EXPECT_EQ(script.failure(), "451 4.5.0 protocol error of the next hop " + std::string(c.failure));
    EXPECT_EQ(script.results(), script.failure() + " r0\n");
  }
}

TEST(ClientFailure, AReplyTooManyBehindTheLastOneKeepsTheResultAndEndsTheConnection) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({"PIPELINING"}).begin(envelope).feed("250 ok\r\n250 ok\r\n354 go\r\n").expect_need_content();
  script.content("a\r\n", true).feed("250 taken\r\n421 bye\r\n").expect_closed();
  EXPECT_EQ(script.results(), "250 taken r0\n");
  EXPECT_TRUE(script.session().failure().has_value());
}

TEST(ClientFailure, ARefusedRsetDefers) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({}).begin(envelope).feed("550 no\r\n").expect_ready().begin(envelope);
  script.session().output_sent();
  script.feed("500 5.5.1 what?\r\n").expect_closed();
  EXPECT_EQ(script.results(), "451 4.5.1 RSET refused: 500 5.5.1 what? r0\n");
}

TEST(ClientFailure, ABareNewlineInTheContentNeverLeaves) {
  for (const std::string_view piece : {"a\nb\r\n", "a\rb\r\n", "a\r\n.\n"}) {
    ClientScript script;
    const Envelope envelope = numbered_envelope(1);
    script.open({"PIPELINING"}).begin(envelope).feed("250 ok\r\n250 ok\r\n354 go\r\n").expect_need_content();
    script.session().output_sent();
    script.content(piece, true).expect_closed().expect_sent("");
    EXPECT_THAT(script.results(), StartsWith("451 4.3.0 "));
  }
}

TEST(ClientFailure, ContentThatCannotBeReadIsNotEnded) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({"PIPELINING"}).begin(envelope).feed("250 ok\r\n250 ok\r\n354 go\r\n").expect_need_content();
  script.session().output_sent();
  script.content("a\r\n", false);
  script.session().content_failed();
  script.expect_closed().expect_sent("");
  EXPECT_THAT(script.results(), HasSubstr("could not be read"));
}

}  // namespace
}  // namespace postern::smtp
