// The report's frame and fields, read back by a small reader of multipart/report (RFC 3462 §1, RFC 3464 §2, RFC 6533).
#include "relay/dsn.h"

#include "core/bytes.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

#include <algorithm>

namespace postern::relay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kMaxLineOctets = 998;  // RFC 5322 §2.1.1

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  }
  return lines;
}

// The value of the first field of that name, unfolded; "" where there is none.
std::string field(std::string_view header, const std::string& name) {
  std::string value;
  bool is_found = false;
  for (const std::string& line : lines_of(header)) {
    const bool is_folded = line.starts_with(' ') || line.starts_with('\t');
    if (is_found && !is_folded) break;
    if (is_found) value += line;
    if (!is_found && line.starts_with(name + ": ")) {
      is_found = true;
      value = line.substr(name.size() + 2);
    }
  }
  return value;
}

struct Part {
  std::string header;
  std::string body;
};

Part split(const std::string& text) {
  const std::size_t end = text.find("\r\n\r\n");
  return {text.substr(0, end + 2), text.substr(end + 4)};
}

struct Report {
  std::string header;
  std::string boundary;
  std::vector<Part> parts;
  std::vector<std::string> blocks;  // of the delivery status: of the message, then one of each recipient
};

Report read_report(const std::string& content) {
  Report report;
  const auto [header, body] = split(content);
  report.header = header;
  const std::string type = field(header, "Content-Type");
  const std::size_t quote = type.find("boundary=\"") + 10;
  report.boundary = type.substr(quote, type.find('"', quote) - quote);
  const std::string delimiter = "\r\n--" + report.boundary;
  std::string rest = "\r\n" + body;  // RFC 2046 §5.1.1: the line end before a delimiter belongs to it
  for (std::size_t at = rest.find(delimiter); at != std::string::npos;) {
    rest = rest.substr(at + delimiter.size());
    at = rest.find(delimiter);
    if (rest == "--\r\n") break;
    report.parts.push_back(split(rest.substr(2, at == std::string::npos ? at : at - 2)));
  }
  EXPECT_EQ(rest, "--\r\n") << "the report ends with its closing delimiter";
  if (report.parts.size() < 2) return report;
  std::string status = report.parts[1].body;
  for (std::size_t at = status.find("\r\n\r\n"); at != std::string::npos; at = status.find("\r\n\r\n")) {
    report.blocks.push_back(status.substr(0, at + 2));
    status = status.substr(at + 4);
  }
  report.blocks.push_back(status);
  return report;
}

class Dsn : public testing::Test {
 protected:
  Dsn() {
    envelope.reverse_path = Mailbox{"sender", "example.org"};
    add_recipient({"someone", "example.net"});
    facts.hostname = "relay.example";
    facts.id = make_message_id(clock.now(), random);
    facts.about = make_message_id(clock.now(), random);
    facts.now = clock.now();
    facts.arrived = clock.now() - std::chrono::hours(1);
    facts.envelope = &envelope;
    facts.returned = "Subject: hello\r\nFrom: sender@example.org\r\n";
  }

  void add_recipient(Mailbox mailbox) { envelope.recipients.push_back({std::move(mailbox), {}, {}}); }

  // About every recipient of the envelope alike.
  std::string format(DsnAction action, const Status& status = {550, EnhancedCode{5, 1, 1}, "no such user"},
                     const std::string& remote = "mx.example.net [192.0.2.1]", bool is_own_word = false) {
    facts.recipients.clear();
    for (const Recipient& recipient : envelope.recipients) {
      facts.recipients.push_back({&recipient, action, status, remote, is_own_word, retry_until});
    }
    return format_dsn(facts);
  }
  Report report(DsnAction action) { return read_report(format(action)); }

  test::FakeClock clock;
  test::FakeRandom random{7};
  Envelope envelope;
  DsnFacts facts;
  std::optional<Instant> retry_until;
};

TEST_F(Dsn, IsAReportOfThreeParts) {
  const Report read = report(DsnAction::Failed);
  EXPECT_EQ(field(read.header, "From"), "Mail Delivery System <postmaster@relay.example>");
  EXPECT_EQ(field(read.header, "To"), "<sender@example.org>");
  EXPECT_EQ(field(read.header, "Date"), "Mon, 05 Jan 2026 10:00:00 +0000");
  EXPECT_EQ(field(read.header, "MIME-Version"), "1.0");
  EXPECT_EQ(field(read.header, "Auto-Submitted"), "auto-replied");  // RFC 3834 §5.2: nobody answers it
  EXPECT_THAT(field(read.header, "Content-Type"), HasSubstr("multipart/report; report-type=delivery-status;"));
  ASSERT_EQ(read.parts.size(), 3U);
  EXPECT_EQ(field(read.parts[0].header, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(field(read.parts[1].header, "Content-Type"), "message/delivery-status");
  EXPECT_EQ(field(read.parts[2].header, "Content-Type"), "text/rfc822-headers");
  EXPECT_EQ(read.parts[2].body, facts.returned);
  for (const Part& part : read.parts) EXPECT_EQ(field(part.header, "Content-Transfer-Encoding"), "7bit");
}

TEST_F(Dsn, SaysInTheFieldsOfRfc3464WhatHappened) {
  const Report read = report(DsnAction::Failed);
  ASSERT_EQ(read.blocks.size(), 2U);
  EXPECT_THAT(lines_of(read.blocks[0]),
              ElementsAre("Reporting-MTA: dns; relay.example", "Arrival-Date: Mon, 05 Jan 2026 09:00:00 +0000"));
  EXPECT_THAT(lines_of(read.blocks[1]),
              ElementsAre("Final-Recipient: rfc822;someone@example.net", "Action: failed", "Status: 5.1.1",
                          "Remote-MTA: dns; mx.example.net", "Diagnostic-Code: smtp; 550 5.1.1 no such user",
                          "X-Postern-Class: recipient"));
  EXPECT_THAT(read.parts[0].body,
              HasSubstr("<someone@example.net>\r\n    mx.example.net [192.0.2.1] said: 550 5.1.1 no such user\r\n"));
  EXPECT_THAT(read.parts[0].body, HasSubstr(format_message_id(facts.about)));
}

TEST_F(Dsn, NamesNoRemoteForADecisionOfItsOwn) {
  const Report read = read_report(format(DsnAction::Failed, {551, EnhancedCode{5, 4, 7}, "gave up"}, ""));
  EXPECT_THAT(lines_of(read.blocks[1]),
              ElementsAre("Final-Recipient: rfc822;someone@example.net", "Action: failed", "Status: 5.4.7",
                          "Diagnostic-Code: x-postern; 551 5.4.7 gave up", "X-Postern-Class: expired"));
  EXPECT_THAT(read.parts[0].body, HasSubstr("This relay says: 551 5.4.7 gave up"));
}

// RFC 3464 §2.3.5, §2.3.6: nobody else reported that, and it is no reply of SMTP.
TEST_F(Dsn, SaysThatItWasTheRelayWhichRefusedWhatTheHopCannotTake) {
  const Status status{554, EnhancedCode{5, 6, 3}, "the next hop does not take 8-bit content"};
  const Report read = read_report(format(DsnAction::Failed, status, "mx.example.net [192.0.2.1]:25", true));
  EXPECT_THAT(lines_of(read.blocks[1]),
              ElementsAre("Final-Recipient: rfc822;someone@example.net", "Action: failed", "Status: 5.6.3",
                          "Diagnostic-Code: x-postern; 554 5.6.3 the next hop does not take 8-bit content",
                          "X-Postern-Class: capability"));
  EXPECT_THAT(read.parts[0].body, HasSubstr("This relay, connected to mx.example.net [192.0.2.1]:25, says: 554 5.6.3"));
  EXPECT_THAT(read.parts[0].body, Not(HasSubstr("said:")));
}

TEST_F(Dsn, KeepsTheNextHopsWordsBeyondAscii) {
  const std::string words = "\xe7\x94\xa8\xe6\x88\xb7\xe4\xb8\x8d\xe5\xad\x98\xe5\x9c\xa8";
  const std::string content = format(DsnAction::Failed, {550, EnhancedCode{5, 1, 1}, words});
  EXPECT_FALSE(has_high_octet(content)) << "it goes by any hop";
  const Report read = read_report(content);
  EXPECT_EQ(field(read.parts[1].header, "Content-Type"), "message/global-delivery-status");  // RFC 6533 §4
  EXPECT_EQ(field(read.parts[1].header, "Content-Transfer-Encoding"), "quoted-printable");
  const std::string encoded = "=E7=94=A8=E6=88=B7=E4=B8=8D=E5=AD=98=E5=9C=A8";
  const auto joined = [](std::string text) {  // without the soft line breaks of RFC 2045 §6.7
    for (std::size_t at = text.find("=\r\n"); at != std::string::npos; at = text.find("=\r\n", at)) text.erase(at, 3);
    return text;
  };
  EXPECT_THAT(joined(read.blocks[1]), HasSubstr("Diagnostic-Code: smtp; 550 5.1.1 " + encoded));
  EXPECT_THAT(joined(read.parts[0].body), HasSubstr(encoded));
}

TEST_F(Dsn, RefersToTheMessageThatItIsAbout) {
  struct Case {
    const char* name;
    std::string returned;
    std::string id;
  };
  const Case cases[] = {
      {"plain", "Subject: x\r\nMessage-ID: <a.b@example.org>\r\n", "<a.b@example.org>"},
      {"folded, in another case", "message-id:\r\n <a@example.org>\r\nSubject: x\r\n", "<a@example.org>"},
      {"none", "Subject: x\r\n", ""},
      {"in the body", "Subject: x\r\n\r\nMessage-ID: <a@example.org>\r\n", ""},
      {"not one", "Message-ID: a@example.org\r\n", ""},
      {"with a blank", "Message-ID: <a b@example.org>\r\n", ""},
      {"without an end", "Message-ID: <a@example.org\r\n", ""},
      {"endless", "Message-ID: <" + std::string(800, 'a') + ">\r\n", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    facts.returned = c.returned;
    const Report read = report(DsnAction::Failed);
    EXPECT_EQ(field(read.header, "In-Reply-To"), c.id);
    EXPECT_EQ(field(read.header, "References"), c.id);
  }
}

TEST_F(Dsn, GivesEachRecipientABlock) {
  add_recipient({"other", "example.net"});
  const Report read = report(DsnAction::Failed);
  ASSERT_EQ(read.blocks.size(), 3U);
  EXPECT_EQ(field(read.blocks[2], "Final-Recipient"), "rfc822;other@example.net");
}

struct ActionCase {
  const char* name;
  DsnAction action;
  Status status;
  const char* action_word;
  const char* status_word;
  const char* subject;
};

TEST_F(Dsn, HasAWordForEachOutcome) {
  const ActionCase cases[] = {
      {"failed", DsnAction::Failed, {550, std::nullopt, "no"}, "failed", "5.0.0", "Message not delivered"},
      {"delayed", DsnAction::Delayed, {451, EnhancedCode{4, 3, 0}, "later"}, "delayed", "4.3.0", "Message delayed"},
      {"delivered", DsnAction::Delivered, {250, EnhancedCode{2, 1, 5}, "ok"}, "delivered", "2.1.5", "Message delivered"},
      {"relayed", DsnAction::Relayed, {250, std::nullopt, "ok"}, "relayed", "2.0.0", "Message relayed"},
  };
  for (const ActionCase& c : cases) {
    SCOPED_TRACE(c.name);
    const Report read = read_report(format(c.action, c.status));
    EXPECT_EQ(field(read.blocks[1], "Action"), c.action_word);
    EXPECT_EQ(field(read.blocks[1], "Status"), c.status_word);
    EXPECT_EQ(field(read.header, "Subject"), c.subject);
  }
}

TEST_F(Dsn, TellsUntilWhenADelayedMessageIsTried) {
  retry_until = clock.now() + std::chrono::hours(24);
  EXPECT_EQ(field(report(DsnAction::Delayed).blocks[1], "Will-Retry-Until"), "Tue, 06 Jan 2026 10:00:00 +0000");
  retry_until.reset();
  EXPECT_EQ(field(report(DsnAction::Failed).blocks[1], "Will-Retry-Until"), "");
}

TEST_F(Dsn, DecodesEnvidAndOrcpt) {
  envelope.parameters.envid = "job+2B7+20x";
  envelope.recipients[0].orcpt = "rfc822;some+2Bone@example.com";
  const Report read = report(DsnAction::Failed);
  EXPECT_EQ(field(read.blocks[0], "Original-Envelope-Id"), "job+7 x");
  EXPECT_EQ(field(read.blocks[1], "Original-Recipient"), "rfc822;some+one@example.com");
  EXPECT_EQ(field(read.blocks[1], "Final-Recipient"), "rfc822;someone@example.net");
}

TEST_F(Dsn, ReturnsTheWholeMessageWhereAsked) {
  facts.returned = "Subject: hello\r\n\r\nbody\r\n";
  facts.is_returned_whole = true;
  const Report read = report(DsnAction::Failed);
  EXPECT_EQ(field(read.parts[2].header, "Content-Type"), "message/rfc822");
  EXPECT_EQ(read.parts[2].body, facts.returned);
}

TEST_F(Dsn, TakesTheTypesOfRfc6533BeyondAscii) {
  envelope.parameters.smtputf8 = true;
  envelope.recipients[0].mailbox = {"j\xc3\xb6rg", "b\xc3\xbc" "cher.example"};
  facts.returned = "Subject: gr\xc3\xbc\xc3\x9f\r\n";
  const Report headers = report(DsnAction::Failed);
  EXPECT_EQ(field(headers.header, "Content-Transfer-Encoding"), "7bit");
  EXPECT_EQ(field(headers.parts[1].header, "Content-Type"), "message/global-delivery-status");
  EXPECT_EQ(field(headers.blocks[1], "Final-Recipient"), "utf-8;j=C3=B6rg@b=C3=BCcher.example");
  EXPECT_EQ(field(headers.parts[2].header, "Content-Type"), "message/global-headers");
  for (const Part& part : headers.parts) EXPECT_EQ(field(part.header, "Content-Transfer-Encoding"), "quoted-printable");
  facts.is_returned_whole = true;
  EXPECT_EQ(field(report(DsnAction::Failed).parts[2].header, "Content-Type"), "message/global");
}

TEST_F(Dsn, MarksEachPartByItsOwnOctets) {
  facts.returned = "Subject: x\r\n\r\n\xff\xfe\r\n";
  facts.is_returned_whole = true;
  const Report read = report(DsnAction::Failed);
  EXPECT_EQ(field(read.header, "Content-Transfer-Encoding"), "8bit");
  EXPECT_EQ(field(read.parts[1].header, "Content-Type"), "message/delivery-status");
  EXPECT_EQ(field(read.parts[1].header, "Content-Transfer-Encoding"), "7bit");
  EXPECT_EQ(field(read.parts[2].header, "Content-Type"), "message/rfc822");
  EXPECT_EQ(field(read.parts[2].header, "Content-Transfer-Encoding"), "8bit");
}

TEST_F(Dsn, EncodesItsPartsSinceAnyWayTakesThose) {
  envelope.recipients[0].mailbox = {"j\xc3\xb6rg", "example.net"};
  facts.returned = "Subject: gr\xc3\xbc\xc3\x9f\r\n";
  const std::string content = format(DsnAction::Failed);
  EXPECT_FALSE(has_high_octet(content));
  const Report read = read_report(content);
  EXPECT_EQ(field(read.header, "Content-Transfer-Encoding"), "7bit");
  for (const Part& part : read.parts) EXPECT_EQ(field(part.header, "Content-Transfer-Encoding"), "quoted-printable");
  EXPECT_EQ(field(read.blocks[1], "Final-Recipient"), "utf-8;j=C3=B6rg@example.net");
  EXPECT_EQ(read.parts[2].body, "Subject: gr=C3=BC=C3=9F\r\n");
}

TEST(DsnWay, IsSevenBitWhereThatWasWhyTheMessageFailed) {
  EXPECT_TRUE(is_seven_bit_way({554, EnhancedCode{5, 6, 3}, ""}));
  EXPECT_TRUE(is_seven_bit_way({550, EnhancedCode{5, 6, 7}, ""}));
  EXPECT_FALSE(is_seven_bit_way({550, EnhancedCode{5, 6, 0}, ""}));
  EXPECT_FALSE(is_seven_bit_way({550, EnhancedCode{5, 1, 3}, ""}));
  EXPECT_FALSE(is_seven_bit_way({554, std::nullopt, ""}));
}

TEST_F(Dsn, KeepsEveryLineWithinItsBound) {
  envelope.parameters.envid = std::string(100, 'e');
  envelope.recipients[0].orcpt = "rfc822;" + std::string(490, 'o');
  envelope.recipients[0].mailbox = {std::string(64, 'l'), std::string(255, 'd')};
  const Status status{550, EnhancedCode{5, 0, 0}, std::string(1'000, 'x')};
  for (const std::string& line : lines_of(format(DsnAction::Failed, status, std::string(255, 'm') + " [2001:db8::1]"))) {
    EXPECT_LE(line.size(), kMaxLineOctets) << line.substr(0, 40);
  }
}

TEST_F(Dsn, LetsANextHopWriteNoFieldAndNoLine) {
  const Status status{550, std::nullopt, "no\r\nAction: delivered\r\n\r\n--postern-\x1b[2J\xc3\xbc"};
  const Report read = read_report(format(DsnAction::Failed, status, "mx.example.net\r\nX-Forged: 1"));
  ASSERT_EQ(read.parts.size(), 3U);
  ASSERT_EQ(read.blocks.size(), 2U);
  EXPECT_EQ(field(read.blocks[1], "Action"), "failed");
  EXPECT_EQ(field(read.blocks[1], "X-Forged"), "");
  EXPECT_THAT(read.parts[0].body, Not(HasSubstr("\x1b")));
}

TEST_F(Dsn, ChoosesABoundaryThatNoReturnedContentHolds) {
  // A report about a report: what came back holds the earlier boundary.
  facts.is_returned_whole = true;
  const std::string earlier = format(DsnAction::Failed);
  const std::string earlier_boundary = read_report(earlier).boundary;
  facts.returned = earlier;
  facts.id = make_message_id(clock.now(), random);
  const Report read = report(DsnAction::Failed);
  EXPECT_NE(read.boundary, earlier_boundary);
  EXPECT_EQ(facts.returned.find(read.boundary), std::string::npos);
  ASSERT_EQ(read.parts.size(), 3U);
  EXPECT_EQ(read.parts[2].body, earlier);
}

struct OwedCase {
  const char* name;
  Notify notify;  // is_given, never, success, failure, delay
  bool failed;
  bool delayed;
  bool delivered;
};

TEST(DsnOwed, GoesByNotify) {
  static constexpr OwedCase kCases[] = {
      {"not given: failures alone", {}, true, false, false},
      {"NEVER", {true, true, false, false, false}, false, false, false},
      {"SUCCESS", {true, false, true, false, false}, false, false, true},
      {"FAILURE", {true, false, false, true, false}, true, false, false},
      {"DELAY", {true, false, false, false, true}, false, true, false},
      {"all three", {true, false, true, true, true}, true, true, true},
  };
  for (const OwedCase& c : kCases) {
    SCOPED_TRACE(c.name);
    Envelope envelope;
    envelope.reverse_path = Mailbox{"sender", "example.org"};
    envelope.recipients.push_back({Mailbox{"someone", "example.net"}, c.notify, {}});
    EXPECT_EQ(owes_dsn(envelope, 0, DsnAction::Failed), c.failed);
    EXPECT_EQ(owes_dsn(envelope, 0, DsnAction::Delayed), c.delayed);
    EXPECT_EQ(owes_dsn(envelope, 0, DsnAction::Delivered), c.delivered);
    EXPECT_EQ(owes_dsn(envelope, 0, DsnAction::Relayed), c.delivered);
    envelope.reverse_path.reset();
    EXPECT_FALSE(owes_dsn(envelope, 0, DsnAction::Failed)) << "a report about a report";
  }
}

TEST(DsnReturned, IsWholeOnlyWhereAskedSmallAndFailed) {
  Envelope envelope;
  EXPECT_FALSE(returns_whole(envelope, 100, DsnAction::Failed));
  envelope.parameters.ret = DsnReturn::Headers;
  EXPECT_FALSE(returns_whole(envelope, 100, DsnAction::Failed));
  envelope.parameters.ret = DsnReturn::Full;
  EXPECT_TRUE(returns_whole(envelope, kMaxReturnedOctets, DsnAction::Failed));
  envelope.parameters.require_tls = true;
  EXPECT_FALSE(returns_whole(envelope, 100, DsnAction::Failed));  // RFC 8689 §5
  envelope.parameters.require_tls = false;
  EXPECT_FALSE(returns_whole(envelope, kMaxReturnedOctets + 1, DsnAction::Failed));
  EXPECT_FALSE(returns_whole(envelope, 100, DsnAction::Delayed));  // RFC 3461 §4.3: RET is about failures
  EXPECT_FALSE(returns_whole(envelope, 100, DsnAction::Delivered));
}

}  // namespace
}  // namespace postern::relay
