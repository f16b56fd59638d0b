#include "support/client_script.h"

#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

using test::ClientScript;
using test::numbered_envelope;

constexpr std::string_view kMail = "MAIL FROM:<a@example.org>\r\n";
constexpr std::string_view kGroupOfTwo =
    "MAIL FROM:<a@example.org>\r\nRCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\nDATA\r\n";

TEST(ClientTransaction, GoesInLockStepWithoutPipelining) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(2);
  script.open({}).begin(envelope);
  script.expect_sent(kMail).feed("250 ok\r\n").expect_sent("RCPT TO:<r0@example.net>\r\n").feed("250 ok\r\n");
  script.expect_sent("RCPT TO:<r1@example.net>\r\n").feed("550 5.1.1 unknown\r\n").expect_sent("DATA\r\n");
  script.feed("354 go\r\n").expect_need_content().content("a\r\n.b\r\n", true).expect_sent("a\r\n..b\r\n.\r\n");
  script.feed("250 2.0.0 queued as 1\r\n").expect_ready();
  EXPECT_EQ(script.results(), "250 2.0.0 queued as 1 r0\n550 5.1.1 unknown r1\n");
}

TEST(ClientTransaction, SendsTheWholeEnvelopeAtOnceWithPipelining) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(2);
  script.open({"PIPELINING"}).begin(envelope).expect_sent(kGroupOfTwo);
  script.feed("250 ok\r\n250 ok\r\n251 will forward\r\n354 go\r\n").expect_need_content();
  script.content("a", false).expect_sent("a").content("", true).expect_sent("\r\n.\r\n");
  script.feed("250 ok\r\n").expect_ready();
  EXPECT_EQ(script.results(), "250 ok r0\n250 ok r1\n");
}

TEST(ClientTransaction, ReportsOnTheRecipientsAskedForInTheirOrder) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(4);
  script.open({"PIPELINING"});
  script.session().begin(ClientTransaction{&envelope, {3, 1}, 10});
  script.expect_sent("MAIL FROM:<a@example.org>\r\nRCPT TO:<r3@example.net>\r\nRCPT TO:<r1@example.net>\r\nDATA\r\n");
  script.feed("250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n").expect_need_content().content("", true).feed("250 ok\r\n");
  EXPECT_EQ(script.expect_ready().results(), "550 no r3\n250 ok r1\n");
}

TEST(ClientTransaction, EndsAtTheRecipientsWhereItIsATrial) {
  for (const bool pipelines : {true, false}) {
    ClientScript script;
    const Envelope envelope = numbered_envelope(2);
    script.open({pipelines ? "PIPELINING" : "DSN"});
    script.session().begin(ClientTransaction{&envelope, {0, 1}, 0, true});
    if (pipelines) {
      script.expect_sent("MAIL FROM:<a@example.org>\r\nRCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\n");
      script.feed("250 ok\r\n550 5.1.1 unknown\r\n250 ok\r\n");
    } else {
      script.expect_sent("MAIL FROM:<a@example.org>\r\n").feed("250 ok\r\n").expect_sent("RCPT TO:<r0@example.net>\r\n");
      script.feed("550 5.1.1 unknown\r\n").expect_sent("RCPT TO:<r1@example.net>\r\n").feed("250 ok\r\n");
    }
    script.expect_ready();
    EXPECT_EQ(script.results(), "550 5.1.1 unknown r0\n250 2.1.5 taken r1\n");
    script.quit().expect_sent("QUIT\r\n");
  }
}

TEST(ClientTransaction, EndsATrialWhereMailIsRefused) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({"PIPELINING"});
  script.session().begin(ClientTransaction{&envelope, {0}, 0, true});
  script.feed("550 5.7.1 not you\r\n503 5.5.1 first MAIL\r\n").expect_ready();
  EXPECT_EQ(script.results(), "550 5.7.1 not you r0\n");
}

struct PipelinedCase {
  const char* name;
  std::string_view replies;  // to MAIL, RCPT, RCPT, DATA
  std::string_view sent;     // then
  std::string_view last_reply;
  std::string_view results;
  bool needs_reset;
};

const PipelinedCase kPipelinedCases[] = {
    {"MAIL 550, DATA 503", "550 5.1.8 no\r\n503 x\r\n503 x\r\n503 x\r\n", "", "", "550 5.1.8 no r0\n550 5.1.8 no r1\n", true},
    {"MAIL 451", "451 4.3.0 later\r\n503 x\r\n503 x\r\n503 x\r\n", "", "", "451 4.3.0 later r0\n451 4.3.0 later r1\n", true},
    {"MAIL 550, yet RCPT 250 and 354", "550 no\r\n250 ok\r\n250 ok\r\n354 go\r\n", ".\r\n", "250 ok\r\n", "550 no r0\n550 no r1\n",
     false},
    {"MAIL 530", "530 5.7.0 auth first\r\n503 x\r\n503 x\r\n503 x\r\n", "", "",
     "451 4.7.0 MAIL refused: 530 5.7.0 auth first r0\n451 4.7.0 MAIL refused: 530 5.7.0 auth first r1\n", true},
    {"all RCPT refused, DATA 554", "250 ok\r\n550 a\r\n450 b\r\n554 none\r\n", "", "", "550 a r0\n450 b r1\n", true},
    {"all RCPT refused, yet 354", "250 ok\r\n550 a\r\n450 b\r\n354 go\r\n", ".\r\n", "554 none\r\n", "550 a r0\n450 b r1\n", false},
    {"all RCPT refused, yet 354, and the dot is taken", "250 ok\r\n550 a\r\n450 b\r\n354 go\r\n", ".\r\n", "250 ok\r\n",
     "550 a r0\n450 b r1\n", false},
    {"DATA 554 after one RCPT", "250 ok\r\n550 a\r\n250 ok\r\n554 5.7.1 no data\r\n", "", "", "550 a r0\n554 5.7.1 no data r1\n",
     true},
    {"DATA 451", "250 ok\r\n250 ok\r\n250 ok\r\n451 later\r\n", "", "", "451 later r0\n451 later r1\n", true},
};

TEST(ClientTransaction, KeepsTheBooksOfPipelinedReplies) {
  for (const PipelinedCase& c : kPipelinedCases) {
    for (const std::size_t octets_per_read : {1U, 2U, 5U, 13U, 65'536U}) {
      SCOPED_TRACE(c.name);
      ClientScript script(test::plain_client_config(), octets_per_read);
      const Envelope envelope = numbered_envelope(2);
      script.open({"PIPELINING"}).begin(envelope).expect_sent(kGroupOfTwo).feed(c.replies).expect_sent(c.sent);
      if (!c.last_reply.empty()) script.feed(c.last_reply);
      script.expect_ready();
      EXPECT_EQ(script.results(), c.results);
      script.begin(envelope).expect_sent((c.needs_reset ? "RSET\r\n" : "") + std::string(kGroupOfTwo));
    }
  }
}

// A transaction up to its last content, with another begun behind it.
void begin_two(ClientScript& script, const Envelope& first, const Envelope& second) {
  script.open({"PIPELINING"}).begin(first).feed("250 ok\r\n250 ok\r\n354 go\r\n").expect_need_content();
  script.expect_sent("MAIL FROM:<a@example.org>\r\nRCPT TO:<r0@example.net>\r\nDATA\r\n");
  script.content("a\r\n", true);
  EXPECT_TRUE(script.session().begin_behind(ClientTransaction{&second, {0, 1}, 100}));
  EXPECT_TRUE(script.session().is_begun_behind());
  script.expect_sent("a\r\n.\r\n" + std::string(kGroupOfTwo));
}

TEST(ClientTransaction, BeginsTheNextOneBehindTheFinalDot) {
  const Envelope first = numbered_envelope(1);
  const Envelope second = numbered_envelope(2);
  for (const bool comes_at_once : {true, false}) {
    ClientScript script;
    begin_two(script, first, second);
    const std::string_view rest = "250 ok\r\n250 ok\r\n550 5.1.1 unknown\r\n354 go\r\n";
    script.feed("250 2.0.0 queued as 1\r\n" + std::string(comes_at_once ? rest : "")).expect_ready();
    EXPECT_EQ(script.results(), "250 2.0.0 queued as 1 r0\n");
    script.begin(second).expect_sent("");
    if (!comes_at_once) script.feed(rest);
    script.expect_need_content().content("b\r\n", true).expect_sent("b\r\n.\r\n").feed("250 queued as 2\r\n").expect_ready();
    EXPECT_EQ(script.results(), "250 queued as 2 r0\n550 5.1.1 unknown r1\n");
    script.begin(first).expect_sent("MAIL FROM:<a@example.org>\r\nRCPT TO:<r0@example.net>\r\nDATA\r\n");
  }
}

TEST(ClientTransaction, SettlesEachOfTwoByItsOwnReplies) {
  struct Case {
    std::string_view first_reply, results, second_replies, second_results;
    bool is_closed;
  };
  const Case cases[] = {
      {"554 5.6.0 spam\r\n", "554 5.6.0 spam r0\n", "250 ok\r\n250 ok\r\n250 ok\r\n451 later\r\n", "451 later r0\n451 later r1\n",
       false},
      {"250 ok\r\n", "250 ok r0\n", "550 5.1.8 no\r\n503 x\r\n503 x\r\n503 x\r\n", "550 5.1.8 no r0\n550 5.1.8 no r1\n", false},
      {"250 ok\r\n", "250 ok r0\n", "421 4.4.2 enough\r\n", "421 4.4.2 enough r0\n421 4.4.2 enough r1\n", true},
  };
  const Envelope first = numbered_envelope(1);
  const Envelope second = numbered_envelope(2);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.second_replies);
    ClientScript script;
    begin_two(script, first, second);
    script.feed(c.first_reply).expect_ready();
    EXPECT_EQ(script.results(), c.results);
    script.begin(second).feed(c.second_replies);
    c.is_closed ? script.expect_closed() : script.expect_ready();
    EXPECT_EQ(script.results(), c.second_results);
    if (!c.is_closed) script.begin(first).expect_sent("RSET\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<r0@example.net>\r\nDATA\r\n");
  }
}

TEST(ClientTransaction, SettlesOnlyTheFirstOfTwoWhereItsEndBreaksTheConnection) {
  const Envelope first = numbered_envelope(1);
  const Envelope second = numbered_envelope(2);
  ClientScript closing;
  begin_two(closing, first, second);
  closing.feed("421 4.3.2 closing\r\n").expect_closed();
  EXPECT_EQ(closing.results(), "421 4.3.2 closing r0\n");
  EXPECT_FALSE(closing.session().is_begun_behind());
  ClientScript lost;
  begin_two(lost, first, second);
  lost.session().peer_gone();
  EXPECT_EQ(lost.expect_closed().results(),
            "451 4.4.2 connection lost at end-of-data; the next hop may have taken the message r0\n");
}

TEST(ClientTransaction, BeginsNothingBehindWhereThePeerWouldNotTakeItAtOneGo) {
  const auto may_begin = [](std::initializer_list<std::string_view> keywords, const Envelope& next) {
    ClientScript script;
    const Envelope first = numbered_envelope(1);
    script.open(keywords).begin(first);
    const bool pipelines = script.session().capabilities().pipelining;
    script.feed("250 ok\r\n");
    if (pipelines) {
      script.feed("250 ok\r\n354 go\r\n");
    } else {
      script.feed("250 ok\r\n").feed("354 go\r\n");
    }
    script.expect_need_content().session().output_sent();
    script.content("a\r\n", true);
    ClientTransaction transaction{&next, {}, 200};
    for (std::uint32_t i = 0; i < next.recipients.size(); ++i) transaction.recipients.push_back(i);
    const bool may = script.session().begin_behind(transaction);
    if (!may) script.expect_sent("a\r\n.\r\n").feed("250 ok\r\n").expect_ready();
    return may;
  };
  EXPECT_TRUE(may_begin({"PIPELINING"}, numbered_envelope(2)));
  EXPECT_FALSE(may_begin({"DSN"}, numbered_envelope(2)));
  EXPECT_FALSE(may_begin({"PIPELINING"}, numbered_envelope(1'000)));
  EXPECT_FALSE(may_begin({"PIPELINING", "SIZE 150"}, numbered_envelope(2)));
  Envelope international = numbered_envelope(2);
  international.recipients[1].mailbox.local_part = "\xC3\xA9";
  EXPECT_FALSE(may_begin({"PIPELINING"}, international));
}

TEST(ClientTransaction, ARefusedMailEndsALockStepTransaction) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(2);
  script.open({}).begin(envelope).expect_sent(kMail).feed("552 5.3.4 too big\r\n").expect_ready().expect_sent("");
  EXPECT_EQ(script.results(), "552 5.3.4 too big r0\n552 5.3.4 too big r1\n");
}

TEST(ClientTransaction, NoDataIsSentInLockStepWhenEveryRecipientIsRefused) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(1);
  script.open({}).begin(envelope).expect_sent(kMail).feed("250 ok\r\n").expect_sent("RCPT TO:<r0@example.net>\r\n");
  script.feed("550 no\r\n").expect_ready().expect_sent("");
  script.begin(envelope).expect_sent("RSET\r\n").feed("250 ok\r\n").expect_sent(kMail);
}

TEST(ClientTransaction, TooManyRecipientsIsATemporaryRefusal) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(3);
  script.open({"PIPELINING"}).begin(envelope);
  script.feed("250 ok\r\n250 ok\r\n552 5.5.3 too many\r\n452 4.5.3 too many\r\n354 go\r\n").expect_need_content();
  script.content("a\r\n", true).feed("250 ok\r\n").expect_ready();
  EXPECT_EQ(script.results(), "250 ok r0\n452 4.5.3 too many r1\n452 4.5.3 too many r2\n");
}

TEST(ClientTransaction, ReusesTheConnectionWithoutRsetAfterEndOfData) {
  for (const std::string_view word : {"250 ok\r\n", "554 5.6.0 spam\r\n", "451 later\r\n"}) {
    ClientScript script;
    const Envelope envelope = numbered_envelope(2);
    script.open({"PIPELINING"}).begin(envelope).expect_sent(kGroupOfTwo).feed("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    script.expect_need_content().content("a\r\n", true).expect_sent("a\r\n.\r\n").feed(word).expect_ready();
    const std::string status(word.substr(0, word.size() - 2));
    EXPECT_EQ(script.results(), status + " r0\n" + status + " r1\n");
    script.begin(envelope).expect_sent(kGroupOfTwo);
  }
}

TEST(ClientTransaction, ManyRecipientsGoInGroupsThatFitTheSocketBuffers) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(2'000);
  script.open({"PIPELINING"}).begin(envelope);
  std::size_t commands = 0;
  while (std::holds_alternative<ClientNeedInput>(script.session().next())) {
    const std::string sent(script.session().output());
    EXPECT_LE(sent.size(), 16'384U + 100U);
    script.session().output_sent();
    std::string replies;
    for (std::size_t at = 0; at < sent.size(); at = sent.find('\n', at) + 1, ++commands) {
      replies += sent.compare(at, 4, "DATA") == 0 ? "354 go\r\n" : "250 ok\r\n";
    }
    script.feed(replies);
  }
  EXPECT_EQ(commands, 2'002U);
  script.expect_need_content().content("a\r\n", true).feed("250 ok\r\n").expect_ready();
  for (const ClientRecipientStatus& result : script.session().results()) EXPECT_EQ(result.status.code, 250);
}

TEST(ClientTransaction, AMailRefusedInTheFirstGroupSendsNoSecond) {
  ClientScript script;
  const Envelope envelope = numbered_envelope(2'000);
  script.open({"PIPELINING"}).begin(envelope);
  const auto output = script.session().output();
  std::string replies = "550 no\r\n";
  for (auto i = std::count(output.begin(), output.end(), '\n'); i > 1; --i) replies += "503 x\r\n";
  script.session().output_sent();
  script.feed(replies).expect_ready().expect_sent("");
  for (const ClientRecipientStatus& result : script.session().results()) EXPECT_EQ(result.status.code, 550);
}

TEST(ClientTransaction, RefusesWhatTheHopCannotTakeWithoutAskingIt) {
  ClientScript script;
  Envelope envelope = numbered_envelope(2);
  script.open({"PIPELINING", "SIZE 99"}).begin(envelope, 100).expect_ready().expect_sent("");
  EXPECT_EQ(script.results(),
            "552 5.3.4 the message has 100 octets, the next hop takes 99 r0\n"
            "552 5.3.4 the message has 100 octets, the next hop takes 99 r1\n");
  script.begin(envelope, 99)
      .expect_sent(
          "MAIL FROM:<a@example.org> SIZE=99\r\nRCPT TO:<r0@example.net>\r\n"
          "RCPT TO:<r1@example.net>\r\nDATA\r\n");
}

TEST(ClientTransaction, LeavesOutOnlyTheRecipientThatNeedsSmtputf8) {
  ClientScript script;
  Envelope envelope = numbered_envelope(2);
  envelope.recipients[0].mailbox.local_part = "\xc3\xa4";
  script.open({"PIPELINING"}).begin(envelope);
  script.expect_sent("MAIL FROM:<a@example.org>\r\nRCPT TO:<r1@example.net>\r\nDATA\r\n");
  script.feed("250 ok\r\n250 ok\r\n354 go\r\n").expect_need_content().content("", true).feed("250 ok\r\n").expect_ready();
  EXPECT_EQ(script.results(), "550 5.6.7 the address needs SMTPUTF8 and the next hop does not offer it r0\n250 ok r1\n");
}

// AUTH or TLS that the hop wants of us, or a step that it takes for the wrong one: the route's fault, whoever the mail is for.
TEST(ClientTransaction, IsDeferredWhereTheSessionIsAtFault) {
  const std::string_view stages[] = {"MAIL", "RCPT", "DATA"};
  for (const std::string code : {"503", "530", "534", "535", "538"}) {
    for (std::size_t stage = 0; stage < std::size(stages); ++stage) {
      SCOPED_TRACE(code + " at " + std::string(stages[stage]));
      test::ClientScript script;
      const Envelope envelope = test::numbered_envelope(1);
      script.open({}).begin(envelope);
      for (std::size_t i = 0; i < stage; ++i) script.feed("250 ok\r\n");
      script.session().output_sent();
      script.feed(code + " 5.7.8 not so\r\n").expect_ready();
      EXPECT_EQ(script.results(), "451 4.7.8 " + std::string(stages[stage]) + " refused: " + code + " 5.7.8 not so r0\n");
      EXPECT_TRUE(script.session().was_unfit());
    }
  }
}

TEST(ClientTransaction, SaysWhoSpoke) {
  test::ClientScript script;
  Envelope envelope = test::numbered_envelope(1);
  script.open({}).begin(envelope).feed("550 5.1.8 no\r\n").expect_ready();
  EXPECT_FALSE(script.session().results().at(0).is_own_word);
  envelope.parameters.body = BodyType::EightBitMime;
  script.begin(envelope).expect_ready();
  EXPECT_TRUE(script.session().results().at(0).is_own_word) << "nobody was asked";
  envelope.parameters.body = BodyType::SevenBit;
  script.begin(envelope).session().peer_gone();
  EXPECT_TRUE(script.session().results().at(0).is_own_word);
}

}  // namespace
}  // namespace postern::smtp
