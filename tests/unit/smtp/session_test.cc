// The server session as a whole: who may say what when, what each end of a transaction leaves, what fails how.
#include "tests/support/session_script.h"

#include "core/base64.h"
#include "core/refusals.h"
#include "smtp/limits.h"

namespace postern::test {
namespace {

using smtp::AuthenticateAnswer;
using smtp::JudgeAnswer;
using smtp::JudgeRecipient;
using smtp::JudgeSender;

TEST(SmtpSession, CarriesAWholeSubmission) {
  SessionScript script;
  script.expect_reply("220 mail.example ESMTP").send("EHLO client.example\r\n");
  for (const char* line : {"250-mail.example", "250-PIPELINING", "250-SIZE 52428800", "250-STARTTLS", "250-AUTH PLAIN LOGIN",
                           "250-8BITMIME", "250-SMTPUTF8", "250-CHUNKING",
                           "250-ENHANCEDSTATUSCODES", "250-LIMITS RCPTMAX=", "250 DSN"}) {
    script.expect_reply(line);
  }
  script.send(auth_plain_line("app", "a-key")).expect_step<smtp::Authenticate>();
  EXPECT_EQ(script.step<smtp::Authenticate>().credential.user_name, "app");
  EXPECT_EQ(script.step<smtp::Authenticate>().credential.password.reveal(), "a-key");
  script.accept().expect_reply("235 2.7.0");

  script.send("MAIL FROM:<a@sender.example> SIZE=20\r\n").expect_step<JudgeSender>();
  EXPECT_EQ(format_path(*script.step<JudgeSender>().reverse_path), "<a@sender.example>");
  script.accept().expect_reply("250 2.1.0").send("RCPT TO:<b@recipient.example>\r\n").expect_step<JudgeRecipient>();
  script.accept().expect_reply("250 2.1.5").send("DATA\r\n").expect_step<smtp::OpenMessage>();
  EXPECT_EQ(script.step<smtp::OpenMessage>().envelope->recipients.size(), 1U);
  script.accept().expect_reply("354 ").send("Subject: hi\r\n\r\n..dot\r\n.\r\n").expect_step<smtp::CommitMessage>();
  EXPECT_EQ(script.sink().content, "Subject: hi\r\n\r\n.dot\r\n");
  script.accept().expect_reply("250 2.6.0 Queued as m1").send("QUIT\r\n").expect_reply("221 2.0.0").expect_closed();
}

TEST(SmtpSession, OfAnMxTakesMailOfStrangersAndNoAuth) {
  smtp::Config config = tls_config();
  config.role = smtp::Role::Mx;
  SessionScript script(config);
  script.expect_reply("220 ").send("EHLO mx.example\r\n");
  for (const char* line : {"250-mail.example", "250-PIPELINING", "250-SIZE ", "250-STARTTLS", "250-8BITMIME", "250-SMTPUTF8",
                           "250-CHUNKING", "250-ENHANCEDSTATUSCODES", "250-LIMITS RCPTMAX=", "250 DSN"}) {
    script.expect_reply(line);
  }
  script.send("AUTH PLAIN AGEAYg==\r\n").expect_reply("502 5.5.1");
  script.send("MAIL FROM:<> HOLDFOR=10\r\n").expect_reply("555 5.5.4");
  script.send("MAIL FROM:<>\r\n").expect_step<JudgeSender>().accept().expect_reply("250 2.1.0");
  script.send("RCPT TO:<a@elsewhere.example>\r\n").expect_step<JudgeRecipient>();
  script.refuse(550, {5, 7, 1}, "not_hosted: no").expect_reply("550 5.7.1");
  script.send("RCPT TO:<a@own.example>\r\n").expect_step<JudgeRecipient>().accept().expect_reply("250 2.1.5");
  script.send("DATA\r\n").expect_step<smtp::OpenMessage>().accept().expect_reply("354 ");
  script.send("x\r\n.\r\n").expect_step<smtp::CommitMessage>().accept().expect_reply("250 2.6.0");
}

TEST(SmtpSession, AskingTwiceWithoutGivingInputIsABug) {
  smtp::Config config = script_config();
  smtp::Session session(config);
  ASSERT_TRUE(std::holds_alternative<smtp::NeedInput>(session.next()));
  EXPECT_DEATH(static_cast<void>(session.next()), "bug");
}

// What the product refuses it counts itself.
TEST(SmtpSession, TellsEveryRefusalOfItsOwnByItsToken) {
  struct Case {
    const char* input;
    const char* token;
  };
  for (const Case& c : {Case{"BOGUS\r\n", "unknown_command"}, Case{"RCPT TO:<a@b.example>\r\n", "bad_sequence"},
                        Case{"MAIL FROM:<a@b.example> X=Y\r\n", "unknown_parameter"},
                        Case{"MAIL FROM:<a@b.example> SIZE=99999999999\r\n", "message_too_big"},
                        Case{"MAIL FROM:<root>\r\n", "invalid_sender"}, Case{"EHLO\r\n", "invalid_helo"},
                        Case{"EXPN x\r\n", "not_offered"}, Case{"GET / HTTP/1.1\r\n", "not_smtp"},
                        Case{"NOOP\n", "bad_line"}, Case{"BDAT 1\r\nx", "bad_sequence"}, Case{"DATA x\r\n", "invalid_argument"}}) {
    SessionScript script;
    script.log_in().send(c.input);
    const auto refusals = script.session().take_refusals();
    ASSERT_FALSE(refusals.empty()) << c.input;
    EXPECT_EQ(refusals.front(), c.token) << c.input;
    EXPECT_NE(script.output().find(std::string(c.token) + ": "), std::string::npos) << c.input;
    EXPECT_FALSE(script.session().has_refusals());
  }
  const std::string endless(smtp::kMaxTextLineOctets + 1, 'x');
  for (const auto& [content, token] : {std::pair{std::string("a\nb\r\n.\r\n"), "bare_newline"},
                                       std::pair{std::string("a\0b\r\n.\r\n", 8), "invalid_message"},
                                       std::pair{endless + "\r\n.\r\n", "invalid_message"}}) {
    SessionScript script;
    script.log_in().start_message().send(content);
    EXPECT_EQ(script.session().take_refusals().front(), token);
  }
  SessionScript product;
  product.log_in().send("MAIL FROM:<a@b.example>\r\n").refuse(550, {5, 7, 1}, "sender_not_allowed: no");
  EXPECT_FALSE(product.session().has_refusals());
}

TEST(SmtpSession, KeepsAnyEhloNameEscaped) {
  SessionScript script;
  script.send("EHLO B\xC3\xBCro PC\t7 \\ (x)\r\n").expect_reply("220 ").expect_reply("250-mail.example");
  EXPECT_EQ(script.session().helo_name(), "B\\xc3\\xbcro PC\\x097 \\\\ (x)");
  script.send("EHLO " + std::string(400, '\xFF') + "\r\n");
  EXPECT_LE(script.session().helo_name().size(), smtp::kMaxHeloOctets + 3);
}

TEST(SmtpSession, RefusesAUserNameByItsOwnName) {
  SessionScript script;
  script.send("EHLO c\r\n");
  const std::size_t before = script.output().size();
  script.send("AUTH PLAIN " + encode_base64('\0' + std::string(smtp::kMaxUserNameOctets + 1, 'n') + '\0' + "key") + "\r\n");
  EXPECT_TRUE(script.output().substr(before).starts_with("535 5.7.8 invalid_user_name: ")) << script.output();
  script.send("AUTH PLAIN " + encode_base64('\0' + std::string(smtp::kMaxUserNameOctets, 'n') + '\0' + "key") + "\r\n");
  script.expect_step<smtp::Authenticate>();
}

TEST(SmtpSession, RefusesRcptBeforeMail) {
  SessionScript().log_in().send("RCPT TO:<a@b.example>\r\n").expect_reply("503 5.5.1 bad_sequence: Send MAIL first");
}

TEST(SmtpSession, RefusesEverythingThatNeedsAuthBeforeIt) {
  for (const char* line : {"MAIL FROM:<a@b.example>\r\n", "RCPT TO:<a@b.example>\r\n", "DATA\r\n", "VRFY a\r\n"}) {
    SessionScript script;
    script.send("EHLO c\r\n");
    const std::size_t before = script.output().size();
    script.send(line);
    EXPECT_TRUE(script.output().substr(before).starts_with("530 5.7.0 auth_required: ")) << line;
  }
}

TEST(SmtpSession, ARefusedSenderLeavesNoTransaction) {
  SessionScript script;
  script.log_in().send("MAIL FROM:<a@b.example>\r\n").refuse(550, {5, 7, 1}, "sender_not_allowed: no");
  script.expect_reply("550 5.7.1 sender_not_allowed: no").send("RCPT TO:<x@b.example>\r\n").expect_reply("503 5.5.1");
  EXPECT_EQ(script.abandoned(), 0U);
}

TEST(SmtpSession, ARefusedRecipientLeavesTheOthers) {
  SessionScript script;
  script.log_in().send("MAIL FROM:<>\r\n").accept().send("RCPT TO:<x@b.example>\r\n").refuse(550, {5, 7, 1}, "no");
  script.send("RCPT TO:<y@b.example>\r\n").accept().send("DATA\r\n").expect_step<smtp::OpenMessage>();
  ASSERT_EQ(script.step<smtp::OpenMessage>().envelope->recipients.size(), 1U);
  EXPECT_EQ(script.step<smtp::OpenMessage>().envelope->recipients[0].mailbox.local_part, "y");
}

TEST(SmtpSession, EveryEndOfATransactionIsTold) {
  struct Case { const char* name; const char* line; };
  for (const Case& c : {Case{"RSET", "RSET\r\n"}, Case{"EHLO", "EHLO again\r\n"}, Case{"HELO", "HELO again\r\n"},
                        Case{"QUIT", "QUIT\r\n"}}) {
    SessionScript script;
    script.log_in().send("MAIL FROM:<a@b.example>\r\n").accept().send(c.line);
    EXPECT_EQ(script.abandoned(), 1U) << c.name;
  }
}

TEST(SmtpSession, ACommittedMessageIsNotAbandoned) {
  SessionScript script;
  script.log_in().start_message().send("x\r\n.\r\n").accept().send("QUIT\r\n");
  EXPECT_EQ(script.abandoned(), 0U);
}

TEST(SmtpSession, ARefusedCommitEndsTheTransaction) {
  SessionScript script;
  script.log_in().start_message().send("x\r\n.\r\n").refuse(452, {4, 3, 1}, "storage_full: later");
  script.expect_reply("452 4.3.1 storage_full: later").send("DATA\r\n").expect_reply("503 5.5.1");
  EXPECT_EQ(script.abandoned(), 0U);
}

TEST(SmtpSession, ARefusedDataEndsTheTransaction) {
  SessionScript script;
  script.log_in().send("MAIL FROM:<a@b.example>\r\n").accept().send("RCPT TO:<c@d.example>\r\n").accept();
  script.expect_reply("250 2.1.0").expect_reply("250 2.1.5");
  script.send("DATA\r\n").refuse(452, {4, 3, 1}, "storage_full: later").expect_reply("452 4.3.1");
  EXPECT_FALSE(script.session().is_reading_content());
  script.send("RCPT TO:<e@d.example>\r\n").expect_reply("503 5.5.1");
  EXPECT_EQ(script.abandoned(), 1U);
}

TEST(SmtpSession, AsksTheSinkToBeDrainedBeforeItReadsOn) {
  SessionScript script;
  script.log_in().start_message();
  script.sink().full_after_pieces = 1;
  script.send("one\r\n").expect_step<smtp::DrainContent>();
  EXPECT_EQ(script.sink().content, "one\r\n");
  script.accept().send(".\r\n").expect_step<smtp::CommitMessage>();
}

TEST(SmtpSession, LetsGoOfAMessageAsSoonAsItIsTooBig) {
  smtp::Config config = script_config();
  config.max_message_octets = 10;
  SessionScript script(config);
  script.log_in().start_message().send("0123456789\r\n");
  EXPECT_EQ(script.abandoned(), 1U);
  EXPECT_TRUE(script.session().is_reading_content());
  const std::string kept = script.sink().content;
  script.expect_no_reply().send("more\r\n.\r\n").expect_reply("552 5.3.4 message_too_big: ");
  EXPECT_EQ(script.sink().content, kept);
  EXPECT_EQ(script.abandoned(), 1U);
  script.send("NOOP\r\n").expect_reply("250 2.0.0");
}

TEST(SmtpSession, HangsUpOnABareNewlineAndRunsNothingBehindIt) {
  SessionScript script;
  script.log_in().start_message().send("x\n.\r\nMAIL FROM:<evil@b.example>\r\n").expect_reply("550 5.6.11 bare_newline: ");
  script.expect_closed();
  EXPECT_EQ(script.abandoned(), 1U);
}

TEST(SmtpSession, TlsForgetsWhatWasLearntInTheClear) {
  SessionScript script;
  script.log_in().send("STARTTLS\r\nEHLO injected\r\n").expect_step<smtp::StartTls>().expect_reply("220 2.0.0");
  script.accept().expect_no_reply();
  EXPECT_EQ(script.session().helo_name(), "");
  EXPECT_FALSE(script.session().is_authenticated());
  ASSERT_TRUE(script.session().tls().has_value());
  script.send("MAIL FROM:<a@b.example>\r\n").expect_reply("503 5.5.1 bad_sequence: Send EHLO first");
}

TEST(SmtpSession, TheCredentialStaysNowhere) {
  smtp::Config config = script_config();
  smtp::Session session(config);
  static_cast<void>(session.next());
  const std::string line = "EHLO c\r\n" + auth_plain_line("app", "very-secret-indeed");
  const std::span<char> space = session.input_space();
  std::copy(line.begin(), line.end(), space.begin());
  session.received(line.size());
  const smtp::Step step = session.next();
  ASSERT_TRUE(std::holds_alternative<smtp::Authenticate>(step));
  session.answer(AuthenticateAnswer{smtp::Verdict::accept()});
  static_cast<void>(session.next());
  const std::string_view left(space.data(), line.size());
  const std::string secret = line.substr(line.find("PLAIN ") + 6, 16);
  EXPECT_EQ(left.find(secret), std::string_view::npos);
  EXPECT_EQ(session.output().find(secret), std::string_view::npos);
}

TEST(SmtpSession, SaysTheProductsRefusalOfAKeyAndCountsIt) {
  SessionScript script;
  script.send("EHLO c\r\n");
  for (int i = 0; i < 3; ++i) {
    script.send(auth_plain_line()).expect_step<smtp::Authenticate>().answer(
        AuthenticateAnswer{smtp::Verdict::refuse(refusal_status(Refusal::InvalidKey))});
  }
  EXPECT_TRUE(script.is_closed());
  EXPECT_TRUE(script.output().ends_with("421 4.7.0 too_many_failures: too many failed attempts: wait a while and try again\r\n"));
}

TEST(SmtpSession, ATemporaryAuthFailureCountsNothing) {
  SessionScript script;
  script.send("EHLO c\r\n");
  for (int i = 0; i < 5; ++i) {
    script.send(auth_plain_line()).answer(AuthenticateAnswer{smtp::Verdict::refuse(refusal_status(Refusal::AuthUnavailable))});
  }
  EXPECT_FALSE(script.is_closed());
}

TEST(SmtpSession, AVerdictMayEndTheSession) {
  SessionScript script;
  script.log_in().send("MAIL FROM:<a@b.example>\r\nNOOP\r\n").refuse(550, {5, 7, 1}, "revoked_key: gone", true);
  script.expect_reply("550 5.7.1 revoked_key").expect_closed();
}

TEST(SmtpSession, A421VerdictEndsTheSession) {
  SessionScript script;
  script.log_in().send("MAIL FROM:<a@b.example>\r\n").refuse(421, {4, 3, 2}, "shutting_down: later");
  script.expect_reply("421 4.3.2").expect_closed();
}

TEST(SmtpSession, ErrorsEndTheSessionButPolicyDoesNot) {
  SessionScript errors;
  errors.log_in();
  for (int i = 0; i < 10; ++i) errors.send("BOGUS\r\n").expect_reply("500 5.5.1");
  errors.send("BOGUS\r\n").expect_reply("500 5.5.1").expect_reply("421 4.7.0 too_many_errors: Too many errors").expect_closed();

  SessionScript policy;
  policy.log_in().send("MAIL FROM:<a@b.example>\r\n").accept().expect_reply("250 2.1.0");
  for (int i = 0; i < 50; ++i) {
    policy.send("RCPT TO:<a@b.example>\r\n").refuse(550, {5, 7, 1}, "recipient_not_whitelisted: no").expect_reply("550 5.7.1");
  }
  policy.send("RCPT TO:<c@b.example>\r\n").accept().expect_reply("250 2.1.5");
}

TEST(SmtpSession, JudgesNoMoreRecipientsThanConfigured) {
  smtp::Config config = script_config();
  config.max_recipients = 2;
  SessionScript script(config);
  script.log_in().send("MAIL FROM:<>\r\n").accept().expect_reply("250");
  script.send("RCPT TO:<a@b.example>\r\n").accept().expect_reply("250");
  script.send("RCPT TO:<b@b.example>\r\n").refuse(550, {5, 7, 1}, "no").expect_reply("550");
  script.send("RCPT TO:<c@b.example>\r\n").expect_reply("452 4.5.3 too_many_recipients: ");
}

TEST(SmtpSession, ACommittedMessageClearsTheCounters) {
  smtp::Config config = script_config();
  config.max_errors = 2;
  config.max_junk = 5;
  SessionScript script(config);
  script.log_in();
  for (int i = 0; i < 6; ++i) {
    script.send("BOGUS\r\nNOOP\r\n").start_message().send("x\r\n.\r\n").accept();
  }
  EXPECT_FALSE(script.is_closed());
}

TEST(SmtpSession, JunkIsBoundedEvenAroundTransactionsThatSendNothing) {
  smtp::Config config = script_config();
  config.max_junk = 10;
  SessionScript script(config);
  script.log_in();
  int rounds = 0;
  while (!script.is_closed() && rounds < 100) {
    script.send("MAIL FROM:<a@b.example>\r\n").accept().send("RSET\r\n");
    ++rounds;
  }
  EXPECT_LT(rounds, 15);
  EXPECT_TRUE(script.output().ends_with("421 4.7.0 too_much_junk: Too many commands without a message\r\n"));
}

TEST(SmtpSession, QualifiesPostmasterWithItsOwnName) {
  SessionScript script;
  script.log_in().send("MAIL FROM:<>\r\n").accept().send("RCPT TO:<postMaster>\r\n").expect_step<JudgeRecipient>();
  EXPECT_EQ(format_mailbox(script.step<JudgeRecipient>().recipient->mailbox), "postMaster@mail.example");
}

TEST(SmtpSession, DrainsBetweenTransactions) {
  SessionScript script;
  script.log_in().shut_down().expect_reply("421 4.3.2 shutting_down: ").expect_closed();
}

TEST(SmtpSession, DrainsAfterTheTransaction) {
  SessionScript script;
  script.log_in().start_message().shut_down().expect_no_reply();
  script.send("x\r\n.\r\nMAIL FROM:<b@c.example>\r\n").accept().expect_reply("250 2.6.0").expect_reply("421 4.3.2");
  script.expect_closed();
}

TEST(SmtpSession, SaysThatNothingCame) {
  SessionScript script;
  script.log_in().start_message().timed_out().expect_reply("421 4.4.2").expect_closed();
  EXPECT_EQ(script.abandoned(), 1U);
}

TEST(SmtpSession, SaysOneRefusalInsteadOfItsGreeting) {
  smtp::Config config = script_config();
  smtp::Session session = smtp::Session::refused(config, refusal_status(Refusal::TooManyConnections));
  const smtp::Step step = session.next();
  ASSERT_TRUE(std::holds_alternative<smtp::Close>(step));
  EXPECT_TRUE(session.output().starts_with("421 4.7.0 too_many_connections: "));
}

TEST(SmtpSession, FoldsALongVerdictAndLetsNoOctetOutThatCouldForgeAReply) {
  SessionScript script;
  std::string text = "no\r\n250 2.0.0 OK";
  for (int i = 0; i < 200; ++i) text += " word";
  script.log_in().send("MAIL FROM:<a@b.example>\r\n").refuse(550, {5, 7, 1}, text);
  script.expect_reply("550-5.7.1 no??250 2.0.0 OK").expect_reply("550-5.7.1 word").expect_reply("550 5.7.1 word").expect_no_reply();
}

TEST(SmtpSession, AFullBufferOfCommandsKeepsTheOutputBounded) {
  smtp::Config config = script_config();
  config.max_junk = 1'000'000;
  config.max_errors = 1'000'000;
  SessionScript script(config);
  script.log_in();
  std::string flood;
  while (flood.size() < smtp::kReadOctets) flood += "HELP\r\n";
  const std::size_t before = script.output().size();
  script.send(flood);
  EXPECT_LE(script.output().size() - before, smtp::kMaxOutputOctets);
}

// What an idle connection costs, and what a busy one gets.
TEST(SmtpSession, ReadsMoreAtOnceOnlyWhileMoreCameThanFitted) {
  SessionScript script;
  script.log_in();
  EXPECT_EQ(script.session().input_space().size(), smtp::kCommandReadOctets);
  std::string group;
  while (group.size() < smtp::kCommandReadOctets) group += "NOOP\r\n";
  const std::string_view filled = std::string_view(group).substr(0, smtp::kCommandReadOctets);
  script.send(filled);
  EXPECT_GE(script.session().input_space().size(), smtp::kReadOctets - smtp::kCommandReadOctets);
  script.send(group.substr(filled.size()) + "NOOP\r\n");
  EXPECT_EQ(script.session().input_space().size(), smtp::kCommandReadOctets);
}

// The failure sweep: the peer goes at every step of a whole submission. Nothing is said any more, what was open is abandoned
// exactly once, and the stage names where it happened.
TEST(SmtpSession, SurvivesThePeerGoingAtEveryStep) {
  struct Case { const char* stage; std::size_t abandoned; };
  // A row for each step: what was under way when the peer went.
  const Case kCases[] = {{"CONNECT", 0}, {"EHLO", 0}, {"AUTH", 0}, {"AUTH", 0},  {"MAIL", 0}, {"MAIL", 1},
                         {"RCPT", 1},    {"RCPT", 1}, {"DATA", 1}, {"DATA", 1}, {"END-OF-DATA", 1}, {"END-OF-DATA", 0}};
  const std::string lines[] = {"EHLO c\r\n", auth_plain_line(), "MAIL FROM:<a@b.example>\r\n", "RCPT TO:<c@d.example>\r\n",
                               "DATA\r\n", "x\r\n.\r\n"};
  for (std::size_t steps = 0; steps < std::size(kCases); ++steps) {
    SessionScript script;
    std::size_t next_line = 0;
    for (std::size_t i = 0; i < steps; ++i) {
      if (script.has_question()) {
        script.accept();
      } else {
        script.send(lines[next_line++]);
      }
    }
    const std::string said = script.output();
    script.peer_gone();
    ASSERT_TRUE(script.is_closed()) << steps;
    EXPECT_EQ(script.step<smtp::Close>().stage, kCases[steps].stage) << steps;
    EXPECT_FALSE(script.step<smtp::Close>().orderly) << steps;
    EXPECT_EQ(script.output(), said) << steps;
    EXPECT_EQ(script.abandoned(), kCases[steps].abandoned) << steps;
  }
}

}  // namespace
}  // namespace postern::test
