// What refusals are about: a table of our own, and a public collection's reading beside ours.
#include "relay/failure_class.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace postern::relay {
namespace {

using enum FailureClass;

constexpr std::string_view kHop = "mx.example.net [192.0.2.1]:25";

FailureClass classify(std::uint16_t code, std::string_view enhanced, std::string text, std::string_view remote = kHop) {
  return classify_failure(Status{code, parse_enhanced_code(enhanced), std::move(text)}, remote);
}

TEST(FailureClasses, HaveEachItsRowAndANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kFailureClassCount; ++i) {
    EXPECT_EQ(failure_class_table()[i].value, static_cast<FailureClass>(i));
    EXPECT_FALSE(failure_class_table()[i].meaning.empty());
    names.insert(failure_class_table()[i].name);
  }
  EXPECT_EQ(names.size(), kFailureClassCount);
}

TEST(FailureClass, IsReadFromTheWordsBeforeTheCode) {
  const struct {
    std::uint16_t code;
    std::string_view enhanced;
    std::string_view text;
    FailureClass expected;
  } kRows[] = {
      {550, "5.7.1", "Relay access denied", Relaying},
      {554, "5.7.1", "client [192.0.2.9] blocked using zen.spamhaus.org", Reputation},
      {550, "5.7.1", "Recipient address rejected: User unknown", Recipient},
      {550, "5.1.1", "Mailbox full", MailboxFull},
      {452, "4.2.2", "The account that you tried to reach is over quota", MailboxFull},
      {450, "4.2.0", "Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch", Greylisting},
      {421, "4.7.28", "Our system has detected an unusual rate of unsolicited mail", Rate},
      {421, "4.7.0", "[TSS04] Messages from 192.0.2.9 temporarily deferred due to unexpected volume", Rate},
      {451, "4.7.650", "The mail server [192.0.2.9] has been temporarily rate limited", Rate},
      {550, "5.7.26", "blocked because the sender is unauthenticated; authenticate with SPF or DKIM", Authentication},
      {550, "5.7.25", "The IP address sending this message does not have a PTR record setup", ReverseDns},
      {552, "5.3.4", "Message size exceeds fixed limit", MessageTooBig},
      {554, "5.6.0", "Virus found in message", Virus},
      {550, "5.2.1", "The email account that you tried to reach is disabled", RecipientDisabled},
      {501, "5.1.8", "Sender address rejected: Domain not found", Sender},
      {530, "5.7.0", "Must issue a STARTTLS command first", Tls},
      {530, "5.7.0", "Authentication required", Credentials},
      {421, "4.7.0", "Too many concurrent SMTP connections; please try again later", Connections},
      {554, "5.4.6", "Too many hops", Loop},
      {452, "4.3.1", "Insufficient system storage", Storage},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(failure_class_name(classify(row.code, row.enhanced, std::string(row.text))), failure_class_name(row.expected))
        << row.text;
  }
}

TEST(FailureClass, IsReadFromTheCodeWhereTheWordsSayNothing) {
  EXPECT_EQ(classify(550, "5.1.1", "no"), Recipient);
  EXPECT_EQ(classify(550, "5.7.25", "no"), ReverseDns);
  EXPECT_EQ(classify(552, "", "no"), MailboxFull);
  EXPECT_EQ(classify(556, "", ""), RecipientDomain);
  EXPECT_EQ(classify(550, "", "no"), Undetermined);
  EXPECT_EQ(classify(550, "5.0.0", ""), Undetermined);
}

TEST(FailureClass, OfOurOwnWordsIsReadFromTheirCode) {
  EXPECT_EQ(classify(451, "4.7.5", "the certificate is not for a.example: user unknown", ""), Tls);
  EXPECT_EQ(classify(451, "4.4.1", "connect: refused", ""), Network);
  EXPECT_EQ(classify(451, "4.7.1", "held: the account is suspended", ""), Policy);
}

TEST(FailureClass, DoesNotReadTheAddressesThatAReplyRepeats) {
  EXPECT_EQ(classify(550, "5.1.1", "<spam@virus.example>: user unknown"), Recipient);
  EXPECT_EQ(classify(550, "5.2.2", "dmarc@spamhaus.example: mailbox full"), MailboxFull);
}

TEST(FailureClass, ReadsAProvidersWordsAsThatProviderMeansThem) {
  const std::string text = "Recipient address rejected: Access denied. [PR0.eurprd.prod]";
  EXPECT_EQ(classify(550, "5.4.1", text, "example-org.mail.protection.outlook.com [192.0.2.1]:25"), Recipient);
  EXPECT_EQ(classify(550, "5.4.1", text), Policy);
}

TEST(FailureClass, SaysOfATemporaryReplyNeverThatTheMailboxIsUnknown) {
  EXPECT_NE(classify(450, "4.3.0", "user unknown, perhaps"), Recipient);
}

TEST(FailureClass, ReadsTheBeginningOfALongTextOnly) {
  EXPECT_EQ(classify(550, "", std::string(kMaxClassifiedOctets, 'x') + " user unknown"), Undetermined);
  EXPECT_EQ(classify(550, "", std::string(1'000'000, '@')), Undetermined);
}

// Sisimai's reasons and what they are here. Its "filtered" stands for a mailbox that is said to be unknown by a domain that says so
// of others too, its "rejected" for anything about the sender.
const std::map<std::string, std::set<FailureClass>> kReasons = {
    {"authfailure", {Authentication}},
    {"blocked", {Reputation}},
    {"contenterror", {Content}},
    {"expired", {Expired, Network}},
    {"filtered", {Recipient, RecipientRestricted}},
    {"hasmoved", {RecipientMoved}},
    {"hostunknown", {RecipientDomain}},
    {"mailboxfull", {MailboxFull}},
    {"mailererror", {System}},
    {"networkerror", {Network, Dns, Loop}},
    {"norelaying", {Relaying}},
    {"notaccept", {RecipientDomain}},
    {"onhold", {System}},
    {"policyviolation", {Policy, Content}},
    {"rejected", {Sender, Rate}},
    {"requireptr", {ReverseDns}},
    {"securityerror", {Credentials, Policy}},
    {"spamdetected", {Spam}},
    {"speeding", {Rate}},
    {"suspend", {RecipientDisabled}},
    {"syntaxerror", {Protocol}},
    {"systemerror", {System}},
    {"systemfull", {Storage}},
    {"toomanyconn", {Connections, Rate, Recipients}},
    {"userunknown", {Recipient}},
};

std::vector<std::vector<std::string>> read_collection() {
  std::ifstream file(std::string(POSTERN_SOURCE_DIR) + "/tests/corpora/bounces.tsv");
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::vector<std::string> fields(1);
    for (const char c : line) {
      if (c == '\t') fields.emplace_back();
      else fields.back() += c;
    }
    fields.resize(7);
    rows.push_back(std::move(fields));
  }
  return rows;
}

// docs/events.md quotes the figures.
TEST(FailureClass, AgreesWithAPublicCollectionsReadingIn) {
  std::size_t agreed = 0;
  std::vector<std::string> wrongly_about_the_address;
  const auto rows = read_collection();
  for (const auto& row : rows) {
    const std::string remote = row[5] == "-" ? std::string(kHop) : row[5];
    const FailureClass ours = classify(static_cast<std::uint16_t>(std::stoi(row[3])), row[4], row[6], remote);
    const auto theirs = kReasons.find(row[1]);
    ASSERT_NE(theirs, kReasons.end()) << row[1];
    if (theirs->second.contains(ours)) ++agreed;
    const bool says_address = theirs->second.contains(ours) && concerns_address(ours);
    if (concerns_address(ours) && !says_address) wrongly_about_the_address.push_back(row[0]);
  }
  EXPECT_EQ(rows.size(), 143u);
  EXPECT_EQ(agreed, 131u);
  // Their words name an unknown user; the collection knows better from elsewhere.
  EXPECT_THAT(wrongly_about_the_address,
              ::testing::ElementsAre("lhost-amazonses-01.eml", "rfc3464-01.eml", "rhost-nttdocomo-02.eml"));
}

}  // namespace
}  // namespace postern::relay
