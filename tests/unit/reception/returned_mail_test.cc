// What comes back, read: a public collection of real reports beside another reader's word, and shapes of our own.
#include "reception/returned_mail.h"

#include <gmock/gmock.h>
#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace postern::reception {
namespace {

using enum relay::FailureClass;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

const std::string kCollection = std::string(POSTERN_SOURCE_DIR) + "/tests/corpora/bounces";

// Sisimai's reasons, and the classes that are the same thing here (docs/inbound.md has the table).
const std::map<std::string, std::set<relay::FailureClass>> kReasons = {
    {"authfailure", {Authentication}},
    {"blocked", {Reputation}},
    {"contenterror", {Content}},
    {"exceedlimit", {MessageTooBig}},
    {"expired", {Expired, Network}},
    {"filtered", {RecipientFilter, RecipientRestricted}},
    {"hasmoved", {RecipientMoved}},
    {"hostunknown", {RecipientDomain}},
    {"mailboxfull", {MailboxFull}},
    {"mailererror", {Mailer}},
    {"mesgtoobig", {MessageTooBig}},
    {"networkerror", {Network, Dns, Loop}},
    {"norelaying", {Relaying}},
    {"notaccept", {RecipientDomain}},
    {"onhold", {Undetermined, System}},
    {"policyviolation", {Policy, Content}},
    {"rejected", {Sender, RecipientRestricted}},
    {"requireptr", {ReverseDns}},
    {"securityerror", {Credentials, Policy, Tls}},
    {"spamdetected", {Spam}},
    {"speeding", {Rate}},
    {"suspend", {RecipientDisabled}},
    {"syntaxerror", {Protocol}},
    {"systemerror", {System}},
    {"systemfull", {Storage}},
    {"toomanyconn", {Connections, Rate, Recipients}},
    {"undefined", {Undetermined}},
    {"userunknown", {Recipient}},
    {"virusdetected", {Virus}},
};

struct Expected {
  std::string reason;
  bool is_hard = false;
};

bool is_same(const std::string& reason, const ReturnedMail& mail, const ReturnedRecipient* recipient) {
  const bool is_feedback = mail.kind == ReturnedKind::Complaint || mail.kind == ReturnedKind::Feedback;
  if (reason == "feedback") return is_feedback;
  if (reason == "vacation") return mail.kind == ReturnedKind::AutoReply;
  if (!recipient || mail.kind != ReturnedKind::Report) return false;
  if (reason == "delivered") return recipient->outcome == ReturnedOutcome::Delivered;
  return recipient->outcome != ReturnedOutcome::Delivered && kReasons.at(reason).contains(recipient->about);
}

// How many of `expected` have a recipient of ours that says the same.
struct Agreement {
  std::size_t reasons = 0;
  std::size_t hardness = 0;
};
Agreement compare(const std::vector<Expected>& expected, const ReturnedMail& mail) {
  Agreement agreement;
  std::vector<const ReturnedRecipient*> left;
  for (const auto& recipient : mail.recipients) left.push_back(&recipient);
  for (const Expected& one : expected) {
    auto found = std::ranges::find_if(left, [&](const auto* r) { return is_same(one.reason, mail, r); });
    const bool agrees = found != left.end() || is_same(one.reason, mail, nullptr);
    if (found == left.end()) found = left.begin();
    const bool is_hard = found != left.end() && (*found)->is_hard;
    if (found != left.end()) left.erase(found);
    agreement.reasons += agrees ? 1 : 0;
    agreement.hardness += is_hard == one.is_hard ? 1 : 0;
  }
  return agreement;
}

TEST(ReturnedMail, IsReadAsAnotherReaderReadsAPublicCollection) {
  const auto expectations = boost::json::parse(read_file(kCollection + "/expected.json")).as_object();
  std::size_t count = 0;
  Agreement agreed;
  std::vector<std::string> read_as_reports;  // though they are none
  std::vector<std::string> hard_alone;       // by our word, where the other reader says soft
  for (const auto& [name, value] : expectations) {
    std::vector<Expected> expected;
    for (const auto& one : value.as_array()) {
      expected.push_back({std::string(one.at("reason").as_string()), one.at("hard").as_bool()});
    }
    const ReturnedMail mail = read_returned_mail(read_file(kCollection + "/" + std::string(name)));
    const Agreement here = compare(expected, mail);
    count += expected.size();
    agreed.reasons += here.reasons;
    agreed.hardness += here.hardness;
    const auto is_hard = [](const auto& one) { return one.is_hard; };
    if (expected.empty() && !mail.recipients.empty()) read_as_reports.emplace_back(name);
    if (std::ranges::none_of(expected, is_hard) && std::ranges::any_of(mail.recipients, is_hard)) hard_alone.emplace_back(name);
  }
  EXPECT_EQ(expectations.size(), 276u);
  EXPECT_EQ(count, 293u);
  // The differences are read, not counted: providers' numbers that only their own documents explain, two mails in one file, and
  // words that both readers have a case for.
  EXPECT_GE(agreed.reasons, 279u);
  EXPECT_GE(agreed.hardness, 291u);
  // It is a report, of a full mailbox, which suppresses nobody; the other reader passes it over for its form.
  EXPECT_THAT(read_as_reports, ::testing::ElementsAre("not-rb-issue-368-bug.eml"));
  EXPECT_THAT(hard_alone, ::testing::ElementsAre("lhost-office365-04.eml", "lhost-receivingses-01.eml"));
}

std::string report(std::string_view fields, std::string_view words = "") {
  return std::string(
             "From: MAILER-DAEMON@mx.example.net\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
             "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b/1\"\r\n\r\n--b/1\r\n\r\n")
      .append(words)
      .append("\r\n--b/1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n")
      .append(fields)
      .append(
          "\r\n--b/1\r\nContent-Type: message/rfc822\r\n\r\nSubject: mailbox full, user unknown\r\n\r\nuser "
          "unknown\r\n--b/1--\r\n");
}

TEST(ReturnedMail, SaysOfEachRecipientWhatBecameOfIt) {
  const ReturnedMail mail = read_returned_mail(
      report("Final-Recipient: rfc822; ann@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx2.example.net\r\n"
             "Diagnostic-Code: smtp; 550 5.1.1 <ann@example.net>:\r\n User unknown\r\n\r\n"
             "Final-Recipient: rfc822; bob@example.net\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n"
             "Final-Recipient: rfc822; cid@example.net\r\nAction: delivered\r\nStatus: 2.0.0\r\n"));
  EXPECT_EQ(mail.kind, ReturnedKind::Report);
  ASSERT_EQ(mail.recipients.size(), 3u);
  const ReturnedRecipient& ann = mail.recipients[0];
  EXPECT_EQ(ann.address, "ann@example.net");
  EXPECT_EQ(ann.outcome, ReturnedOutcome::Failed);
  EXPECT_EQ(ann.about, Recipient);
  EXPECT_TRUE(ann.is_hard);
  EXPECT_EQ(ann.status.code, 550);
  EXPECT_EQ(ann.status.enhanced, parse_enhanced_code("5.1.1"));
  EXPECT_EQ(ann.remote, "mx2.example.net");
  EXPECT_TRUE(is_reason_to_suppress(ann));
  EXPECT_EQ(mail.recipients[1].outcome, ReturnedOutcome::Delayed);
  EXPECT_FALSE(is_reason_to_suppress(mail.recipients[1]));
  EXPECT_EQ(mail.recipients[2].outcome, ReturnedOutcome::Delivered);
  EXPECT_FALSE(is_reason_to_suppress(mail.recipients[2]));
}

TEST(ReturnedMail, DoesNotReadTheMailThatAReportReturns) {
  const ReturnedMail mail =
      read_returned_mail(report("Final-Recipient: rfc822; ann@example.net\r\nAction: failed\r\nStatus: 5.7.1\r\n"
                                "Diagnostic-Code: smtp; 554 5.7.1 rejected as spam\r\n"));
  ASSERT_EQ(mail.recipients.size(), 1u);
  EXPECT_EQ(mail.recipients[0].about, Spam);
  EXPECT_FALSE(is_reason_to_suppress(mail.recipients[0]));
}

TEST(ReturnedMail, ThatIsNoReportNamesNobody) {
  const struct {
    std::string_view mail;
    ReturnedKind kind;
  } kRows[] = {
      {"From: ann@example.org\nSubject: Re: your offer\n\nThe mailbox you wrote to does not exist, user unknown? No, I read it.\n",
       ReturnedKind::Other},
      {"From: ann@example.org\nSubject: Automatic reply: hello\n\nI am away. <bob@example.org> is not found here any more.\n",
       ReturnedKind::AutoReply},
      {"From: ann@example.org\nSubject: Hi\nAuto-Submitted: auto-replied\n\n550 user unknown\n", ReturnedKind::AutoReply},
      {"From: ann@example.org\nSubject: Abwesenheitsnotiz\n\nBin weg.\n", ReturnedKind::AutoReply},
      {"From: ann@example.org\nSubject: Please confirm your message\n\nTo prove that you are a human, click this link.\n",
       ReturnedKind::Challenge},
      {"From: ann@example.org\nSubject: Read: hello\nContent-Type: multipart/report; report-type=disposition-notification; "
       "boundary=b\n\n"
       "--b\n\nread\n--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ann@example.org\n"
       "Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n",
       ReturnedKind::AutoReply},
      {"", ReturnedKind::Other},
      {"\n\n\n", ReturnedKind::Other},
  };
  for (const auto& row : kRows) {
    const ReturnedMail mail = read_returned_mail(row.mail);
    EXPECT_EQ(returned_kind_name(mail.kind), returned_kind_name(row.kind)) << row.mail;
    EXPECT_TRUE(mail.recipients.empty()) << row.mail;
  }
}

TEST(ReturnedMail, TellsComplaintsFromOtherFeedback) {
  const struct {
    std::string_view type;
    ReturnedKind kind;
  } kRows[] = {
      {"Feedback-Type: abuse\n", ReturnedKind::Complaint},        {"Feedback-Type: fraud\n", ReturnedKind::Complaint},
      {"Feedback-Type: x-unheard-of\n", ReturnedKind::Complaint}, {"", ReturnedKind::Complaint},
      {"Feedback-Type: not-spam\n", ReturnedKind::Feedback},      {"Feedback-Type: auth-failure\n", ReturnedKind::Feedback},
  };
  for (const auto& row : kRows) {
    const ReturnedMail mail = read_returned_mail(
        std::string(
            "From: fbl@example.net\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nwords\n"
            "--b\nContent-Type: message/feedback-report\n\n")
            .append(row.type)
            .append("Original-Rcpt-To: <ann@example.net>\nOriginal-Rcpt-To: bob@example.net\n--b\nContent-Type: message/rfc822\n\n"
                    "To: cid@example.net\n\nhello\n--b--\n"));
    EXPECT_EQ(returned_kind_name(mail.kind), returned_kind_name(row.kind)) << row.type;
    ASSERT_EQ(mail.recipients.size(), 2u);
    EXPECT_EQ(mail.recipients[0].address, "ann@example.net");
    EXPECT_EQ(mail.recipients[1].address, "bob@example.net");
  }
}

TEST(ReturnedMail, TakesAComplaintsRecipientFromTheMailWhereTheReportDoesNotNameIt) {
  const ReturnedMail mail = read_returned_mail(
      "From: staff@hotmail.example\nSubject: complaint about message from 192.0.2.1\nContent-Type: multipart/mixed; boundary=b\n\n"
      "--b\nContent-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: <ann@example.net>\nTo: all@example.org\n\nhello\n--b--\n");
  EXPECT_EQ(mail.kind, ReturnedKind::Complaint);
  ASSERT_EQ(mail.recipients.size(), 1u);
  EXPECT_EQ(mail.recipients[0].address, "ann@example.net");
}

TEST(ReturnedMail, IsBoundedWhateverItsShape) {
  std::string nested;
  for (int i = 0; i < 10'000; ++i) {
    const std::string b = "b" + std::to_string(i);
    nested.append("Content-Type: multipart/mixed; boundary=" + b + "\n\n--" + b + "\n");
  }
  std::string parts = "From: MAILER-DAEMON@x\nContent-Type: multipart/report; boundary=b\n\n";
  for (int i = 0; i < 50'000; ++i) parts.append("--b\n\nAction: failed\n\n");
  std::string addresses = "From: MAILER-DAEMON@x\nSubject: Undeliverable\n\n";
  for (int i = 0; i < 100'000; ++i) addresses.append("<a" + std::to_string(i) + "@example.org>: 550 user unknown\n");
  const auto field = std::string("Subject: ") + std::string(2'000'000, '<') + "\n\nundeliverable " + std::string(1'000'000, '@');
  const auto began = std::chrono::steady_clock::now();
  for (const std::string& mail : {nested, parts, addresses, field, std::string(3'000'000, '\r'), std::string(3'000'000, ' ')}) {
    EXPECT_LE(read_returned_mail(mail).recipients.size(), kMaxReturnedRecipients);
  }
  // Some hundred milliseconds; a square of any of them would take minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

TEST(ReturnedMail, HandsOutPrintableTextOnly) {
  const ReturnedMail mail =
      read_returned_mail(report("Final-Recipient: rfc822; ann\x1b[2J@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n"
                                "Diagnostic-Code: smtp; 550 5.1.1 \x1b]0;x\x07 unknown \xff user\r\n"));
  ASSERT_EQ(mail.recipients.size(), 1u);
  EXPECT_EQ(mail.recipients[0].address.find('\x1b'), std::string::npos);
  EXPECT_EQ(mail.recipients[0].status.text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace postern::reception
