// What becomes of a message that is submitted over SMTP: what is refused, what goes out, and what is told of it.
#include "mime/long_lines.h"
#include "tests/unit/api/doors.h"

#include <boost/json/array.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace postern::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::optional<store::MessageRecord> taken(Doors& doors, const std::string& replies) {
  constexpr std::string_view kQueued = "250 2.0.0 Ok: queued as ";
  const std::size_t at = replies.find(kQueued);
  EXPECT_NE(at, std::string::npos) << replies;
  if (at == std::string::npos) return std::nullopt;
  return doors.store.spool().find(parse_message_id(replies.substr(at + kQueued.size(), 26)).value()).value()->message;
}

std::string whole_content(Doors& doors, const store::MessageRecord& message) {
  return test::read_content(doors.store.spool(), message);
}

std::string transaction(std::string_view mail, std::vector<std::string> recipients, std::string_view content) {
  std::string input = "MAIL FROM:" + std::string(mail) + "\r\n";
  for (const std::string& recipient : recipients) input += "RCPT TO:" + recipient + "\r\n";
  return input.append("DATA\r\n").append(content).append("\r\n.\r\n");
}

std::string unquoted_body(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_break = text.substr(i, 3) == "=\r\n";
    if (text[i] != '=') octets.push_back(text[i]);
    const std::string digits(text.substr(i + 1, 2));
    if (text[i] == '=' && !is_break) octets.push_back(static_cast<char>(std::stoi(digits, nullptr, 16)));
    if (text[i] == '=') i += 2;
  }
  return octets;
}

void use_domain(Doors& doors, std::vector<std::string> domains) {
  auth::NewKey wanted;
  wanted.from_domains = std::move(domains);
  doors.use_key(Environment::Live, wanted);
}

TEST(SmtpRules, SayWhichSenderIsNotAllowed) {
  Doors doors;
  use_domain(doors, {"acme.example"});
  EXPECT_THAT(doors.smtp_message("root@host1.acme.example", "b@example.net", "From: a@acme.example\r\n\r\nx"),
              HasSubstr("550 5.7.1 sender_not_allowed: the envelope's sender is of host1.acme.example, and this API key sends as "
                        "acme.example only\r\n"));
  EXPECT_THAT(doors.smtp_message("a@acme.example", "b@example.net", "Subject: x\r\n\r\nx"),
              HasSubstr("sender_not_allowed: the message has no From field, and "));
  EXPECT_THAT(doors.smtp_message("a@acme.example", "b@example.net", "From: root (Cron Daemon)\r\n\r\nx"),
              HasSubstr("sender_not_allowed: the From field names an address without a domain, and "));
  EXPECT_THAT(doors.smtp_message("a@acme.example", "b@example.net", "From: ceo@victim.com acme.example\r\n\r\nx"),
              HasSubstr("sender_not_allowed: the From field is malformed or can be read in two ways"));
  EXPECT_THAT(doors.smtp_message("a@acme.example", "b@example.net", "From: ceo@victim.com\r\n\r\nx"),
              HasSubstr("sender_not_allowed: the From field names victim.com, and "));
}

// A Postfix null client with Debian's default myorigin sends as root@host1.acme.example, and makes bounces by itself.
TEST(SmtpRules, LetANullClientSendAndHearOfItsBounces) {
  Doors doors;
  use_domain(doors, {".acme.example"});
  EXPECT_TRUE(taken(doors, doors.smtp_message("root@host1.acme.example", "b@example.net",
                                              "From: root@host1.acme.example (Cron Daemon)\r\n\r\nx")));
  use_domain(doors, {"example.net"});
  const std::string bounce = "From: MAILER-DAEMON@host1.example.net (Mail Delivery System)\r\nSubject: Undelivered\r\n\r\nx";
  const auto message = taken(doors, doors.smtp_message("", "app@example.net", bounce));
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->envelope.reverse_path);
  EXPECT_THAT(doors.smtp_message("a@example.net", "app@example.net", bounce), HasSubstr("sender_not_allowed"));
}

TEST(SmtpRules, RefuseTwoFromFieldsWhateverTheKeyMay) {
  Doors doors;
  EXPECT_THAT(doors.smtp_message("a@example.org", "b@example.net", "From: a@example.org\r\nFrom: c@example.org\r\n\r\nx"),
              HasSubstr("554 5.6.0 invalid_message: the message has two From fields\r\n"));
}

TEST(SmtpRules, KeepAnUnprovenReversePathOfASandboxAccountToThemselves) {
  Doors doors;
  doors.use_account(AccountMode::Sandbox);
  doors.use_key(Environment::Live);
  ASSERT_TRUE(doors.accounts.allow(doors.account, "friend@example.net"));
  const std::string content = "From: a@example.org\r\n\r\nx";
  const std::vector<std::string> to = {"<friend@example.net> NOTIFY=SUCCESS,FAILURE,DELAY"};
  const auto hidden = taken(doors, doors.smtp(transaction("<stranger@victim.example> RET=FULL", to, content)));
  ASSERT_TRUE(hidden);
  EXPECT_FALSE(hidden->envelope.reverse_path);
  EXPECT_EQ(hidden->envelope.parameters.ret, DsnReturn::Headers);
  EXPECT_TRUE(hidden->envelope.recipients.front().notify.never);
  const auto listed = taken(doors, doors.smtp(transaction("<friend@example.net> RET=FULL", to, content)));
  ASSERT_TRUE(listed);
  EXPECT_EQ(format_path(listed->envelope.reverse_path), "<friend@example.net>");
  EXPECT_EQ(listed->envelope.parameters.ret, DsnReturn::Full);
  EXPECT_TRUE(listed->envelope.recipients.front().notify.success);
}

TEST(SmtpRules, SendWhatTheyJudged) {
  Doors doors;
  const auto message = taken(doors, doors.smtp(transaction("<a@b\xC3\xBC" "cher.example> SMTPUTF8",
                                                           {"<b@\xEF\xBD\x85xample.net>"}, "From: a@example.org\r\n\r\nx")));
  ASSERT_TRUE(message);
  EXPECT_EQ(format_path(message->envelope.reverse_path), "<a@xn--bcher-kva.example>");
  EXPECT_EQ(format_mailbox(message->envelope.recipients.front().mailbox), "b@example.net");
  EXPECT_FALSE(message->envelope.parameters.smtputf8) << "what is left is ASCII";
  EXPECT_THAT(doors.smtp(transaction("<a@example.org> SMTPUTF8", {"<b@example.net>", "<b@\xEF\xBD\x85xample.net>"}, "x")),
              HasSubstr("queued as"));
}

TEST(SmtpRules, NeverLoseAMessageByAConstantEnvid) {
  Doors doors;
  const auto send = [&](std::string_view to, std::string_view text) {
    return taken(doors, doors.smtp(transaction("<a@example.org> ENVID=constant", {std::string(to)}, text)))->id;
  };
  const MessageId first = send("<b@example.net>", "Subject: one\r\n\r\nx");
  const MessageId second = send("<b@example.net>", "Subject: two\r\n\r\nx");
  EXPECT_NE(first, second);
  EXPECT_NE(send("<c@example.net>", "Subject: one\r\n\r\nx"), first);
  EXPECT_EQ(send("<b@example.net>", "Subject: one\r\n\r\nx"), first) << "the same again is a replay";
}

TEST(SmtpRules, DropWhatMboxFilesAndIdempotencyPutInFront) {
  Doors doors;
  const auto message = taken(doors, doors.smtp_message("a@example.org", "b@example.net",
                                                       "From root@h Mon Nov 30 03:05:10 2026\r\nIdempotency-Key: k1\r\n"
                                                       "From: a@example.org\r\nBcc: secret@example.net\r\n\r\nbody"));
  ASSERT_TRUE(message);
  const std::string content = whole_content(doors, *message);
  EXPECT_THAT(content, HasSubstr(">\r\nFrom: a@example.org\r\n\r\nbody\r\n"));
  EXPECT_THAT(content, Not(HasSubstr("secret")));
  EXPECT_THAT(content, Not(HasSubstr("k1")));
}

TEST(SmtpRules, SayNothingOfTheClientUnlessAsked) {
  Doors doors;
  const std::string text = "From: a@example.org\r\n\r\nx";
  const auto hidden = taken(doors, doors.smtp_message("a@example.org", "b@example.net", text));
  EXPECT_THAT(whole_content(doors, *hidden),
              StartsWith("Received: from authenticated-client\r\n\tby relay.example with ESMTPA\r\n\tid "));
  EXPECT_THAT(whole_content(doors, *hidden), Not(HasSubstr("192.0.2.7")));
  doors.submission.settings.shows_client = true;
  const auto shown = taken(doors, doors.smtp_message("a@example.org", "b@example.net", text));
  EXPECT_THAT(whole_content(doors, *shown),
              StartsWith("Received: from client.example ([192.0.2.7])\r\n\tby relay.example with ESMTPA\r\n"));
}

TEST(SmtpRules, TellATestKeyWhatALiveOneIsToldForGood) {
  for (const Environment environment : {Environment::Live, Environment::Test}) {
    Doors doors;
    doors.use_key(environment);
    EXPECT_THAT(doors.smtp("MAIL FROM:<a@example.org>\r\nRCPT TO:<a@[127.0.0.1]>\r\n"), HasSubstr("501 5.1.3 invalid_recipient: "));
  }
}

TEST(SmtpRules, ListBlindCopiesApart) {
  Doors doors;
  const std::vector<std::string> to = {"<b@example.net>", "<c@example.net>", "<d@example.net>"};
  const auto message = taken(
      doors, doors.smtp(transaction("<a@example.org>", to, "To: B <b@example.net>\r\nCc: c@example.net\r\n\r\nx")));
  ASSERT_TRUE(message);
  EXPECT_THAT(message->summary.to, ElementsAre("b@example.net"));
  EXPECT_THAT(message->summary.cc, ElementsAre("c@example.net"));
  EXPECT_THAT(message->summary.bcc, ElementsAre("d@example.net"));
  const auto list = body_of(doors.get("/v1/emails"));
  const auto& item = list.at("data").as_array()[0].as_object();
  EXPECT_EQ(item.at("to"), boost::json::array({"b@example.net"}));
  EXPECT_EQ(item.at("bcc"), boost::json::array({"d@example.net"}));
}

TEST(SmtpRules, WarnATestKeyOfWhatReceiversMayRefuse) {
  Doors doors;
  doors.use_key(Environment::Test);
  const auto message = taken(doors, doors.smtp_message("a@example.org", "b@example.net",
                                                       "Subject: x\r\nSubject: y\r\nMessage-ID: none\r\n\r\nx"));
  ASSERT_TRUE(message);
  const auto events = doors.store.spool().events_of(message->id).value();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.front().status.text,
            "warnings: there is no From field: many receivers refuse that; there is more than one Subject field; "
            "the Message-ID field is malformed and was replaced");
  doors.use_key(Environment::Live);
  const auto live = taken(doors, doors.smtp_message("a@example.org", "b@example.net", "Subject: x\r\nSubject: y\r\n\r\nx"));
  EXPECT_EQ(doors.store.spool().events_of(live->id).value().front().status.code, 0);
}

TEST(SmtpRules, EncodeLongLinesOnTheWayIn) {
  Doors doors;
  // More than one chunk of the store before the long line, and after it.
  std::string body;
  while (body.size() < 3 * store::kChunkOctets) body += "A line of text like others, caf\xC3\xA9.\r\n";
  const std::string half = body;
  body += "<p>" + std::string(2'007, 'x') + "</p>\r\n" + half;
  const auto message = taken(doors, doors.smtp_message("a@example.org", "b@example.net",
                                                       "From: a@example.org\r\nContent-Type: text/html; charset=utf-8\r\n"
                                                       "Content-Transfer-Encoding: 8bit\r\n\r\n" + body));
  ASSERT_TRUE(message);
  const std::string content = whole_content(doors, *message);
  EXPECT_FALSE(mime::has_long_line(content));
  EXPECT_EQ(message->content_octets, content.size());
  EXPECT_EQ(message->envelope.parameters.body, BodyType::SevenBit);
  EXPECT_THAT(content.substr(0, 1'000), HasSubstr("charset=utf-8\r\nMIME-Version: 1.0\r\n"
                                                  "Content-Transfer-Encoding: quoted-printable\r\n\r\n"));
  EXPECT_THAT(content, HasSubstr("id " + format_message_id(message->id) + ";"));
  EXPECT_THAT(content.substr(0, 1'000), HasSubstr("Message-ID: <" + format_message_id(message->id) + "@relay.example>"));
  EXPECT_TRUE(unquoted_body(content.substr(content.find("\r\n\r\n") + 4)) == body + "\r\n");
  EXPECT_THAT(doors.store.spool().list(std::nullopt, 10).value(), ::testing::SizeIs(1));
}

TEST(SmtpRules, PassOrRefuseLongLinesWhereToldTo) {
  Doors doors;
  const std::string text = "From: a@example.org\r\n\r\n" + std::string(2'007, 'x');
  doors.submission.settings.long_lines = submission::LongLines::Pass;
  EXPECT_THAT(whole_content(doors, *taken(doors, doors.smtp_message("a@example.org", "b@example.net", text))),
              HasSubstr("\r\n\r\n" + std::string(2'007, 'x') + "\r\n"));
  doors.submission.settings.long_lines = submission::LongLines::Refuse;
  EXPECT_THAT(doors.smtp_message("a@example.org", "b@example.net", text),
              HasSubstr("554 5.6.0 invalid_message: the message holds a line longer than 998 octets"));
  EXPECT_THAT(doors.smtp_message("a@example.org", "b@example.net", "Subject: " + std::string(1'000, 'x') + "\r\n\r\nx"),
              HasSubstr("554 5.6.0 invalid_message: "));
}

}  // namespace
}  // namespace postern::api
