#include "relay/dialogue.h"

#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

#include <gmock/gmock.h>

namespace postern::relay {
namespace {

using smtp::Direction;
using ::testing::HasSubstr;
using ::testing::Not;

class DialogueTest : public ::testing::Test {
 protected:
  void sent(std::string_view octets) { recorder_.passed(Direction::Sent, octets); }
  void received(std::string_view octets) { recorder_.passed(Direction::Received, octets); }

  DialogueRecorder recorder_;
};

TEST_F(DialogueTest, HasALineForEachThatWasSaidHoweverItCameInPieces) {
  received("220 hop");
  received(".example\r\n");
  sent("EHLO relay.example\r\n");
  received("250-hop.example\r\n250 PIPELINING\r\n");
  EXPECT_EQ(recorder_.take(), "< 220 hop.example\n> EHLO relay.example\n< 250-hop.example\n< 250 PIPELINING\n");
  sent("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n");
  EXPECT_EQ(recorder_.take(), "> MAIL FROM:<a@example.org>\n> RCPT TO:<b@example.net>\n") << "of the next transaction alone";
}

TEST_F(DialogueTest, LeavesTheContentOutWhateverIsInItAndWhoeverSpeaksMeanwhile) {
  sent("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
  received("250 ok\r\n250 ok\r\n354 go ahead\r\n");
  sent("Subject: confidential\r\n\r\nMAIL FROM:<looks-like@a.command>\r\n");
  received("421 too early\r\n");
  sent("more of it\r\n.\r\n");
  received("250 taken\r\n");
  const std::string text = recorder_.take();
  EXPECT_THAT(text, HasSubstr("> DATA\n< 250 ok\n< 250 ok\n< 354 go ahead\n= the content\n< 421 too early\n= the content\n< 250 "));
  EXPECT_THAT(text, Not(HasSubstr("confidential")));
  EXPECT_THAT(text, Not(HasSubstr("more of it")));
  EXPECT_THAT(text, Not(HasSubstr("looks-like")));
}

TEST_F(DialogueTest, LeavesCredentialsOutOfBothMechanismsAndOfWhatIsSaidToThem) {
  sent("AUTH PLAIN AGFwcABodW50ZXIy\r\n");
  received("535 5.7.8 AGFwcABodW50ZXIy is wrong\r\n");
  sent("AUTH LOGIN\r\n");
  received("334 VXNlcm5hbWU6\r\n");
  sent("YXBw\r\n");
  received("334 UGFzc3dvcmQ6\r\n");
  sent("aHVudGVyMg==\r\n");
  received("235 ok\r\n");
  sent("MAIL FROM:<a@example.org>\r\n");
  EXPECT_EQ(recorder_.take(),
            "> AUTH PLAIN [credentials]\n< 535 [what it says to credentials]\n"
            "> AUTH LOGIN\n< 334 [what it says to credentials]\n> [credentials]\n< 334 [what it says to credentials]\n"
            "> [credentials]\n< 235 [what it says to credentials]\n> MAIL FROM:<a@example.org>\n");
}

TEST_F(DialogueTest, SaysFromWhereOnThereIsTls) {
  sent("STARTTLS\r\n");
  received("220 go ahead\r\n");
  sent("EHLO relay.example\r\n");
  EXPECT_EQ(recorder_.take(), "> STARTTLS\n< 220 go ahead\n= TLS from here on\n> EHLO relay.example\n");
}

TEST_F(DialogueTest, IsBoundedAndKeepsItsBeginningAndItsEnd) {
  sent("MAIL FROM:<a@example.org>\r\n");
  for (int i = 0; i < 5'000; ++i) sent("RCPT TO:<" + std::string(400, 'x') + std::to_string(i) + "@example.net>\r\n");
  received(std::string(100'000, 'y'));
  received("\r\n\x1b[31m451 \xff not now\r\n");
  const std::string text = recorder_.take();
  EXPECT_LE(text.size(), kMaxDialogueHead + kMaxDialogueTail + 100);
  EXPECT_TRUE(text.starts_with("> MAIL FROM:<a@example.org>\n"));
  EXPECT_THAT(text, HasSubstr(" lines are left out\n"));
  EXPECT_TRUE(text.ends_with("< \\x1b[31m451 \\xff not now\n")) << text.substr(text.size() - 60);
}

TEST(DialogueBook, KeepsAMessagesDialoguesAndIsBounded) {
  test::FakeRandom random;
  test::FakeClock clock;
  const AccountId account = make_account_id(random);
  const MessageId one = make_message_id(clock.now(), random);
  const MessageId other = make_message_id(clock.now(), random);
  DialogueBook book;
  book.add(account, one, {.at = clock.now(), .remote = "hop", .text = "> first\n"});
  book.add(account, other, {.at = clock.now(), .remote = "hop", .text = "> other\n"});
  book.add(account, one, {.at = clock.now(), .remote = "hop", .text = "> second\n"});
  const auto listed = book.list(account, one, clock.now());
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].text, "> first\n");
  EXPECT_EQ(listed[1].text, "> second\n");
  EXPECT_TRUE(book.list(make_account_id(random), one, clock.now()).empty()) << "another account's";
  EXPECT_TRUE(book.list(account, one, clock.now() + kDialoguesKept + std::chrono::hours(1)).empty());
  for (int i = 0; i < 100; ++i) book.add(account, other, {.at = clock.now(), .remote = "hop", .text = std::string(4'000, 'x')});
  EXPECT_TRUE(book.list(account, one, clock.now()).empty());
  EXPECT_LE(book.list(account, other, clock.now()).size() * 4'000, kMaxDialogueOctetsOfAccount);
  for (std::size_t i = 0; i < kMaxAccountsWithDialogues; ++i) {
    book.add(make_account_id(random), one, {.at = clock.now(), .remote = "hop", .text = "x\n"});
  }
  EXPECT_TRUE(book.list(account, other, clock.now()).empty()) << "who sent longest ago";
}

TEST(DialoguesOfOneConnection, KeepTwoTransactionsApartOfWhichTheSecondWasBegunBehindTheFirst) {
  for (const bool come_at_once : {true, false}) {
    DialogueRecorder recorder;
    recorder.passed(smtp::Direction::Sent, "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
    recorder.passed(smtp::Direction::Received, "250 one\r\n250 two\r\n354 three\r\n");
    recorder.passed(smtp::Direction::Sent, "Subject: s\r\n\r\nDATA\r\n.\r\n");
    recorder.passed(smtp::Direction::SentAhead, "MAIL FROM:<c@example.org>\r\nDATA\r\n");
    const std::string_view next = "250 six\r\n354 seven\r\n";
    recorder.passed(smtp::Direction::Received, "250-four\r\n250 five\r\n" + std::string(come_at_once ? next : ""));
    EXPECT_EQ(recorder.take(),
              "> MAIL FROM:<a@example.org>\n> RCPT TO:<b@example.net>\n> DATA\n< 250 one\n< 250 two\n< 354 three\n"
              "= the content\n< 250-four\n< 250 five\n");
    if (!come_at_once) recorder.passed(smtp::Direction::Received, next);
    recorder.passed(smtp::Direction::Sent, "Subject: t\r\n.\r\n");
    recorder.passed(smtp::Direction::Received, "250 eight\r\n");
    EXPECT_EQ(recorder.take(), "> MAIL FROM:<c@example.org>\n> DATA\n< 250 six\n< 354 seven\n= the content\n< 250 eight\n");
  }
}

}  // namespace
}  // namespace postern::relay
