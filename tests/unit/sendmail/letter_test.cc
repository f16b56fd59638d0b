#include "sendmail/letter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace postern::sendmail {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Instant kNoon{std::chrono::seconds(1'764'590'400)};  // Mon, 01 Dec 2025 12:00:00 UTC

Writer www_data() {
  return {.login = "www-data", .full_name = "", .domain = "web1.example.org", .local_mail_to = ""};
}

Letter made(std::string_view text, const Call& call, const Writer& writer = www_data()) {
  const auto letter = make_letter(text, call, writer, "one", kNoon);
  EXPECT_TRUE(letter) << (letter ? "" : letter.error().message());
  return letter ? *letter : Letter{};
}

std::vector<std::string> texts(const std::vector<Mailbox>& mailboxes) {
  std::vector<std::string> list;
  for (const Mailbox& mailbox : mailboxes) list.push_back(format_mailbox(mailbox));
  return list;
}

using Texts = std::vector<std::string>;

TEST(Letter, OfCronIsCompleted) {
  const Letter letter = made("From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@web1> backup\n\nno space\n",
                             {.full_name = "CronDaemon", .recipients = {"root"}, .ignores_dots = true});
  EXPECT_EQ(format_path(letter.sender), "<www-data@web1.example.org>");
  EXPECT_EQ(texts(letter.recipients), Texts{"root@web1.example.org"});
  EXPECT_EQ(letter.content,
            "From: root@web1.example.org (Cron Daemon)\r\nTo: root@web1.example.org\r\nSubject: Cron <root@web1> backup\r\n"
            "Date: Mon, 01 Dec 2025 12:00:00 +0000\r\n\r\nno space\r\n");
}

TEST(Letter, ToALocalNameGoesToWhomTheMachinesMailIsFor) {
  Writer writer = www_data();
  writer.local_mail_to = "ops@example.org";
  EXPECT_EQ(texts(made("x\n", {.recipients = {"root", "postmaster", "ann@example.net"}}, writer).recipients),
            (Texts{"ops@example.org", "ann@example.net"}));
}

TEST(Letter, TakesItsRecipientsFromTheHeaderWhereItIsTold) {
  const std::string text =
      "To: Ann <ann@example.net>, \"Doe, Bob\" <bob@example.net>,\n  undisclosed: carl@example.net;\n"
      "Cc: (his\\) friend) dora@example.net\nBcc: eve@example.net\nSubject: x\n\nhello\n";
  const Letter letter = made(text, {.recipients = {"ann@example.net"}, .reads_header = true});
  EXPECT_EQ(texts(letter.recipients),
            (Texts{"ann@example.net", "bob@example.net", "carl@example.net", "dora@example.net", "eve@example.net"}));
  EXPECT_THAT(letter.content, Not(HasSubstr("Bcc")));
  EXPECT_THAT(letter.content, HasSubstr("To: Ann <ann@example.net>, \"Doe, Bob\" <bob@example.net>,\r\n  undisclosed: carl@"));
}

TEST(Letter, ThatIsSentAgainGoesToWhomItsNewerFieldsName) {
  const std::string text = "To: a@example.org\nResent-To: b@example.org\n\nx\n";
  EXPECT_EQ(texts(made(text, {.reads_header = true}).recipients), Texts{"b@example.org"});
}

TEST(Letter, WithoutAHeaderGetsOne) {
  Writer writer = www_data();
  writer.full_name = "Web, the";
  EXPECT_EQ(made("hello\nthere", {.sender = "app@example.org", .recipients = {"a@example.org"}}, writer).content,
            "From: \"Web, the\" <app@example.org>\r\nDate: Mon, 01 Dec 2025 12:00:00 +0000\r\n\r\nhello\r\nthere\r\n");
}

TEST(Letter, KeepsTheFromOfItsAuthorBesideAnotherSender) {
  const Letter letter =
      made("From: Ann <ann@example.org>\n\nx\n", {.sender = "<bounces@example.org>", .recipients = {"b@example.net"}});
  EXPECT_EQ(format_path(letter.sender), "<bounces@example.org>");
  EXPECT_THAT(letter.content, HasSubstr("From: Ann <ann@example.org>\r\n"));
}

TEST(Letter, EndsItsLinesAsTheWireWantsIt) {
  EXPECT_THAT(made("Subject: x\r\n\r\na\rb\nc\r\n", {.recipients = {"a@example.org"}}).content,
              HasSubstr("\r\n\r\na\r\nb\r\nc\r\n"));
}

TEST(Letter, DropsTheLineThatMailboxFilesBeginWith) {
  EXPECT_THAT(made("From ann@host Mon Nov 30 10:00:00 2026\nSubject: x\n\ny\n", {.recipients = {"a@example.org"}}).content,
              HasSubstr("Subject: x\r\nFrom: www-data@web1.example.org\r\n"));
}

TEST(Letter, IsRefusedWithWordsWhereItCannotBeMeant) {
  EXPECT_EQ(make_letter("x\n", {}, www_data(), "one", kNoon).error().context(), "no recipient is named");
  EXPECT_EQ(make_letter("x\n", {.recipients = {"a@@b"}}, www_data(), "one", kNoon).error().context(), "a@@b is no address");
  Call many;
  for (std::size_t i = 0; i <= kMaxRecipients; ++i) many.recipients.push_back("a" + std::to_string(i) + "@example.org");
  EXPECT_EQ(make_letter("x\n", many, www_data(), "one", kNoon).error().context(), "more than 1000 recipients");
  EXPECT_EQ(make_letter("A: " + std::string(300'000, 'x') + "\n\n", {.recipients = {"a@example.org"}}, www_data(), "one", kNoon)
                .error()
                .code(),
            ErrorCode::Malformed);
}

TEST(Letter, CannotBeMadeToHaveAnotherEnvelopeByItsWords) {
  for (const char* address :
       {"a@example.org>\r\nRCPT TO:<b@example.org", "a@example.org\nto <b@example.org>", "a b@@example.org"}) {
    EXPECT_FALSE(make_letter("x\n", {.recipients = {address}}, www_data(), "one", kNoon)) << address;
    EXPECT_FALSE(make_letter("x\n", {.sender = address, .recipients = {"c@example.org"}}, www_data(), "one", kNoon)) << address;
  }
}

TEST(Letter, IsSentWithWhatTheRelayKnowsItAgainBy) {
  Letter letter;
  letter.id = "abc";
  letter.part = 2;
  letter.content = "Subject: x\r\n\r\n";
  EXPECT_EQ(content_to_send(letter), "Idempotency-Key: sendmail-abc-2\r\nSubject: x\r\n\r\n");
}

TEST(Input, EndsAtALineOfOneDotUnlessItIsIgnored) {
  std::istringstream with("a\n.\nb\n");
  EXPECT_EQ(read_input(with, false).value(), "a\n");
  std::istringstream without("a\n.\nb");
  EXPECT_EQ(read_input(without, true).value(), "a\n.\nb\n");
}

TEST(Input, IsBounded) {
  std::istringstream much(std::string(kMaxLetterOctets, 'x') + "\n");
  EXPECT_EQ(read_input(much, true).error().code(), ErrorCode::LimitExceeded);
}

}  // namespace
}  // namespace postern::sendmail
