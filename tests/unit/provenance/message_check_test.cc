// Whole messages: RFC 8463's sample, and what libopendkim signed (domains/dkim_signer), over keys as they are published.
#include "provenance/message_check.h"

#include "core/base64.h"
#include "domains/dkim_keys.h"
#include "domains/dkim_signer.h"
#include "tests/support/coroutine_loop.h"
#include "tests/support/fake_random.h"
#include "tests/support/scripted_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::provenance {
namespace {

using testing::HasSubstr;

// RFC 8463 appendix A.3.
constexpr std::string_view kRfc8463Sample =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
    "From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"
    "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
constexpr const char* kBrisbane = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
constexpr const char* kTest =
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/b"
    "yYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

class MessageCheckTest : public testing::Test {
 protected:
  MessageCheckTest() {
    publish("brisbane", kBrisbane);
    publish("test", kTest);
  }

  void publish(const std::string& selector, std::vector<std::string> records) {
    resolver_.zone[{selector + "._domainkey.football.example.com", "TXT"}] = std::move(records);
  }
  void publish(const std::string& selector, const char* record) { publish(selector, std::vector<std::string>{record}); }

  MessageVerdicts check(std::string_view message, std::size_t piece = 1'000'000) {
    MessageCheck check;
    for (std::size_t i = 0; i < message.size(); i += piece) check.append(message.substr(i, piece));
    return loop_.run(check.judge(resolver_, {}, now_));
  }
  DkimVerdict first(std::string_view message) { return check(message).dkim.at(0); }

  static std::string changed(std::string_view message, std::string_view what, std::string_view with) {
    std::string text(message);
    return text.replace(text.find(what), what.size(), with);
  }

  test::ScriptedResolver resolver_;
  test::CoroutineLoop loop_;
  Instant now_{std::chrono::seconds(1'796'000'000)};
};

TEST_F(MessageCheckTest, VerifiesTheSampleOfRfc8463InAnyPieces) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1'000'000}}) {
    const MessageVerdicts verdicts = check(kRfc8463Sample, piece);
    ASSERT_EQ(verdicts.dkim.size(), 2U);
    EXPECT_EQ(verdicts.dkim[0].result, SignatureResult::Pass) << verdicts.dkim[0].why;
    EXPECT_EQ(verdicts.dkim[0].algorithm, "ed25519-sha256");
    EXPECT_EQ(verdicts.dkim[1].result, SignatureResult::Pass) << verdicts.dkim[1].why;
    EXPECT_EQ(verdicts.dkim[1].key_bits, 1'024);
    EXPECT_EQ(verdicts.dkim[1].value_start, "F45dVWDfMbQD");
  }
}

TEST_F(MessageCheckTest, NoticesWhatIsChangedOrAdded) {
  EXPECT_EQ(first(changed(kRfc8463Sample, "We lost", "We won!")).why, "the body was changed");
  EXPECT_EQ(first(changed(kRfc8463Sample, "dinner", "supper")).result, SignatureResult::Fail);
  EXPECT_EQ(first(changed(kRfc8463Sample, "To: Suzie", "From: eve@example.net\r\nTo: Suzie")).result, SignatureResult::Fail);
  EXPECT_EQ(first("Subject: another\r\n" + std::string(kRfc8463Sample)).result, SignatureResult::Fail);
  EXPECT_EQ(first(std::string(kRfc8463Sample) + "more\r\n").result, SignatureResult::Fail);
  EXPECT_EQ(first("X-Added: 1\r\n" + std::string(kRfc8463Sample) + "\r\n\r\n").result, SignatureResult::Pass);
}

TEST_F(MessageCheckTest, SaysWhatIsWrongWithASignature) {
  struct Case {
    const char* what;
    const char* with;
    SignatureResult result;
    const char* why;
  };
  constexpr Case kCases[] = {
      {"v=1", "v=2", SignatureResult::PermError, "another version"},
      {"v=1; ", "", SignatureResult::PermError, "another version"},
      {"a=ed25519-sha256", "a=rsa-sha1", SignatureResult::PermError, "algorithm"},
      {"a=ed25519-sha256", "a=rsa-sha256", SignatureResult::PermError, "another algorithm"},
      {"h=from", "h=to", SignatureResult::PermError, ""},
      {"i=@football", "i=@baseball", SignatureResult::PermError, "identity"},
      {"i=@football", "i=@x.football", SignatureResult::Fail, ""},
      {"c=relaxed/relaxed", "c=loose", SignatureResult::PermError, "canonicalization"},
      {"q=dns/txt", "q=http/get", SignatureResult::PermError, "not in the DNS"},
      {"t=1528637909", "x=1528637909", SignatureResult::Fail, "expired"},
      {"t=1528637909", "t=1528637909; x=1528637908", SignatureResult::PermError, "before it was made"},
      {"t=1528637909", "l=10", SignatureResult::Policy, "l="},
      {"t=1528637909", "s=other", SignatureResult::PermError, "no list of tags"},
      {"s=brisbane", "s=gone", SignatureResult::PermError, "no key is published"},
      {"s=brisbane", "s=a..b", SignatureResult::PermError, "selector"},
      {"d=football.example.com", "d=[192.0.2.1]", SignatureResult::PermError, "domain"},
      {"d=football.example.com", "d=legitimate.com'a.attack.com", SignatureResult::PermError, "domain"},
      {"bh=2jUS", "bh=2jU", SignatureResult::PermError, "body hash"},
      {"b=/gCr", "b=/gC", SignatureResult::PermError, "no value"},
  };
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.with);
    std::string message = changed(kRfc8463Sample, one.what, one.with);
    if (std::string_view(one.with) == "h=to") message = changed(message, "message-id : from", "message-id : to");
    const DkimVerdict verdict = first(message);
    EXPECT_EQ(verdict.result, one.result) << verdict.why;
    EXPECT_THAT(verdict.why, HasSubstr(one.why));
  }
}

TEST_F(MessageCheckTest, SaysWhatIsWrongWithAKey) {
  struct Case {
    std::vector<std::string> records;
    SignatureResult result;
    const char* why;
  };
  const std::string key = std::string(kBrisbane).substr(9);
  const Case cases[] = {
      {{"v=DKIM1; k=ed25519; p="}, SignatureResult::PermError, "revoked"},
      {{"v=DKIM1; " + key, "v=DKIM1; " + key}, SignatureResult::PermError, "several keys"},
      {{"v=spf1 -all", "v=DKIM1; " + key}, SignatureResult::Pass, ""},
      {{key}, SignatureResult::Pass, ""},
      {{"v=DKIM2; " + key}, SignatureResult::PermError, "another version"},
      {{key + "; v=DKIM1"}, SignatureResult::PermError, "another version"},
      {{key + "; h=sha1"}, SignatureResult::PermError, "SHA-256"},
      {{key + "; h=sha1:sha256"}, SignatureResult::Pass, ""},
      {{key + "; s=tlsrpt"}, SignatureResult::PermError, "not for mail"},
      {{key + "; s=tlsrpt:email"}, SignatureResult::Pass, ""},
      {{key + "; t=s"}, SignatureResult::Pass, ""},
      {{"v=DKIM1; k=dsa; p=AAAA"}, SignatureResult::PermError, "kind"},
      {{"v=DKIM1; k=ed25519; p=AAAA"}, SignatureResult::PermError, "cannot be read"},
      {{"v=DKIM1; k=ed25519; p=*"}, SignatureResult::PermError, "base64"},
      {{"v=DKIM1; k=ed25519"}, SignatureResult::PermError, "no key"},
      {{"v=DKIM1; k=ed25519; p=D75aGAGCt8SGbBhqt0JDcPq3l4VBEkOdZI8NuEqkTqc="}, SignatureResult::Fail, "another key"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.records.front());
    publish("brisbane", one.records);
    const DkimVerdict verdict = first(kRfc8463Sample);
    EXPECT_EQ(verdict.result, one.result) << verdict.why;
    EXPECT_THAT(verdict.why, HasSubstr(one.why));
  }
  publish("brisbane", {key + "; t=y"});
  EXPECT_TRUE(first(kRfc8463Sample).is_testing);
}

TEST_F(MessageCheckTest, ABrokenKeyProvesNothing) {
  publish("test",
          "v=DKIM1; k=rsa; "
          "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALrDiqekZWADirtzi42y8auqdtLKX6dBn4OMF6YMmnw7ouKN8kDbB8Kjk+"
          "lBWELxIcfBNqIU19z65Yes7wLfZwUCAwEAAQ==");
  const DkimVerdict verdict = check(kRfc8463Sample).dkim.at(1);
  EXPECT_EQ(verdict.result, SignatureResult::Policy);
  EXPECT_EQ(verdict.why, "its key has 512 bits");
}

TEST_F(MessageCheckTest, AnAnswerThatDoesNotComeIsATemporaryError) {
  resolver_.broken = {"brisbane._domainkey.football.example.com"};
  const MessageVerdicts verdicts = check(kRfc8463Sample);
  EXPECT_EQ(verdicts.dkim[0].result, SignatureResult::TempError);
  EXPECT_EQ(verdicts.dkim[1].result, SignatureResult::Pass);
}

TEST_F(MessageCheckTest, LooksAtTenSignaturesAndAsksForEachKeyOnce) {
  const std::string field(kRfc8463Sample.substr(0, kRfc8463Sample.find("DKIM-Signature", 1)));
  std::string message;
  for (int i = 0; i < 100; ++i) message += field;
  message += kRfc8463Sample;
  EXPECT_EQ(check(message).dkim.size(), kMaxSignatures);
  EXPECT_LE(resolver_.questions, 2U + 8U);
}

TEST_F(MessageCheckTest, PassesDmarcForTheAuthorsOwnSignature) {
  resolver_.zone[{"_dmarc.example.com", "TXT"}] = {"v=DMARC1; p=reject"};
  EXPECT_EQ(check(kRfc8463Sample).dmarc.result, DmarcResult::Pass);
  const DmarcVerdict spoofed = check(changed(kRfc8463Sample, "joe@football", "ceo@football")).dmarc;
  EXPECT_EQ(spoofed.result, DmarcResult::Fail);
  EXPECT_EQ(spoofed.disposition, DmarcPolicy::Reject);
}

TEST_F(MessageCheckTest, ReadsWhateverComesInstead) {
  for (const std::string& message : {std::string(), std::string("\r\n"), std::string("x"), std::string(300'000, 'x'),
                                     std::string("DKIM-Signature:"), std::string("ARC-Seal: i=1\r\n\r\n")}) {
    const MessageVerdicts verdicts = check(message, 1'000);
    EXPECT_EQ(verdicts.dmarc.result, DmarcResult::PermError);
    for (const DkimVerdict& one : verdicts.dkim) EXPECT_EQ(one.result, SignatureResult::PermError);
  }
}

// A header section of 250 KB that makes each name of h= look through each field would take minutes.
TEST_F(MessageCheckTest, TakesTimeInProportionToTheHeader) {
  std::string names = "from";
  for (int i = 0; i < 999; ++i) names += ":x";
  std::string message = "DKIM-Signature: v=1; a=ed25519-sha256; d=football.example.com; s=brisbane; h=" + names +
                        "; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=AAAA\r\nFrom: joe@football.example.com\r\n";
  for (int i = 0; i < 60'000; ++i) message += "X:\r\n";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(first(message + "\r\n").result, SignatureResult::Fail);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(MessageCheckTest, VerifiesWhatLibopendkimSigns) {
  test::FakeRandom random;
  store::DomainRecord domain;
  domain.account = AccountId{{1}};
  domain.name = "example.org";
  domain.state = store::DomainState::Verified;
  domain.dkim_keys = {domains::make_rsa_key(random).value(), domains::make_ed25519_key(random).value()};
  for (const store::DkimKey& key : domain.dkim_keys) {
    resolver_.zone[{key.selector + "._domainkey.example.org", "TXT"}] = {key.public_record};
  }
  const auto signer =
      domains::DkimSigner::create([&](const AccountId&, std::string_view) -> Result<std::optional<store::DomainRecord>> {
        return std::optional(domain);
      }).value();
  const std::string header = "From: Sender <sender@example.org>\r\nSubject: A folded\r\n\t subject \r\nTo: a@example.net\r\n\r\n";
  for (const std::string& body : {std::string(), std::string("\r\n\r\n"), std::string("Last  line. \r\n\r\n\r\n"),
                                  std::string("gr\xC3\xBC\xC3\x9F\x65 \xFF\r\n.\r\n"), std::string(200'000, 'x') + "\r\n"}) {
    mime::HeaderScan scan;
    scan.feed(header);
    auto signing = signer->open(domain.account, scan).value();
    signing->append(header + body);
    const MessageVerdicts verdicts = check(signing->finish().value() + header + body, 997);
    ASSERT_EQ(verdicts.dkim.size(), 2U);
    for (const DkimVerdict& one : verdicts.dkim) EXPECT_EQ(one.result, SignatureResult::Pass) << one.why;
  }
}

}  // namespace
}  // namespace postern::provenance
