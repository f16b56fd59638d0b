// The cases of RFC 9989 with its appendix B, of mailauth's list of them, and the spoofing of espoofer's server side: no false pass.
#include "provenance/dmarc.h"

#include "tests/support/coroutine_loop.h"
#include "tests/support/scripted_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace postern::provenance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SpfVerdict spf_pass(std::string domain) {
  return {SpfResult::Pass, std::move(domain), false, "", ""};
}

DkimVerdict signed_by(std::string domain, SignatureResult result = SignatureResult::Pass) {
  DkimVerdict verdict;
  verdict.result = result;
  verdict.domain = std::move(domain);
  return verdict;
}

struct DmarcWorld {
  test::ScriptedResolver resolver;
  test::CoroutineLoop loop;

  using Zone = std::map<std::string, std::vector<std::string>>;
  explicit DmarcWorld(const Zone& records = {}) {
    for (const auto& [domain, texts] : records) resolver.zone[{"_dmarc." + domain, "TXT"}] = texts;
  }
  DmarcVerdict check(std::string author, SpfVerdict spf = {}, std::vector<DkimVerdict> dkim = {}) {
    return loop.run(check_dmarc(resolver, {std::move(author), ""}, std::move(spf), std::move(dkim)));
  }
};

TEST(Dmarc, PassesWhereWhatWasProvedIsOfTheAuthorsOrganization) {
  struct Case {
    const char* name;
    const char* record;  // of example.com
    const char* author;
    const char* signer;
    DmarcResult result;
  };
  constexpr Case kCases[] = {
      {"the same domain", "v=DMARC1; p=reject; adkim=s", "example.com", "example.com", DmarcResult::Pass},
      {"the organization signs for one below it", "v=DMARC1; p=reject", "mail.example.com", "example.com", DmarcResult::Pass},
      {"one below it signs for the organization", "v=DMARC1; p=reject", "example.com", "mail.example.com", DmarcResult::Pass},
      {"a sister signs", "v=DMARC1; p=reject", "a.example.com", "b.example.com", DmarcResult::Pass},
      {"not where alignment is strict", "v=DMARC1; p=reject; adkim=S", "mail.example.com", "example.com", DmarcResult::Fail},
      {"a stranger signs", "v=DMARC1; p=reject", "example.com", "example.net", DmarcResult::Fail},
      {"a name that only ends alike", "v=DMARC1; p=reject", "example.com", "badexample.com", DmarcResult::Fail},
      {"the top-level domain signs", "v=DMARC1; p=reject", "example.com", "com", DmarcResult::Fail},
  };
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    DmarcWorld world(DmarcWorld::Zone{{"example.com", {one.record}}});
    const DmarcVerdict verdict = world.check(one.author, {}, {signed_by(one.signer)});
    EXPECT_EQ(verdict.result, one.result) << verdict.why;
    EXPECT_EQ(verdict.disposition, one.result == DmarcResult::Pass ? DmarcPolicy::None : DmarcPolicy::Reject);
  }
}

TEST(Dmarc, TakesSpfAsItTakesDkim) {
  DmarcWorld world(DmarcWorld::Zone{{"example.com", {"v=DMARC1; p=quarantine; aspf=s"}}});
  EXPECT_EQ(world.check("example.com", spf_pass("example.com")).result, DmarcResult::Pass);
  EXPECT_EQ(world.check("example.com", spf_pass("bounce.example.com")).result, DmarcResult::Fail);
  EXPECT_EQ(world.check("example.com", {SpfResult::Neutral, "example.com", false, "", ""}).result, DmarcResult::Fail);
}

TEST(Dmarc, DoesNotApplyWhereNothingIsPublished) {
  DmarcWorld world;
  EXPECT_EQ(world.check("example.com", {}, {signed_by("example.com")}).result, DmarcResult::None);
  DmarcWorld useless(DmarcWorld::Zone{{"example.com", {"v=DMARC1; adkim=s"}}});
  EXPECT_EQ(useless.check("example.com").result, DmarcResult::None);
}

TEST(Dmarc, SeveralRecordsAreNone) {
  DmarcWorld world(DmarcWorld::Zone{{"example.com", {"v=DMARC1; p=reject", "v=DMARC1; p=none"}}});
  EXPECT_EQ(world.check("example.com").result, DmarcResult::None);
  DmarcWorld mixed(DmarcWorld::Zone{{"example.com", {"v=spf1 -all", "v=DMARC1; p=reject"}}});
  EXPECT_EQ(mixed.check("example.com").disposition, DmarcPolicy::Reject);
}

TEST(Dmarc, TakesTheOrganizationsPolicyForWhatIsBelowIt) {
  DmarcWorld world(DmarcWorld::Zone{{"example.com", {"v=DMARC1; p=reject; sp=none; np=quarantine"}}});
  EXPECT_EQ(world.check("example.com").policy, DmarcPolicy::Reject);
  EXPECT_EQ(world.check("gone.example.com").policy, DmarcPolicy::Quarantine);
  world.resolver.zone[{"there.example.com", "MX"}] = {"10 mx.example.com"};
  EXPECT_EQ(world.check("there.example.com").policy, DmarcPolicy::None);
  EXPECT_EQ(world.check("there.example.com").policy_domain, "example.com");
  world.resolver.zone[{"text.example.com", "TXT"}] = {"anything"};
  EXPECT_EQ(world.check("text.example.com").policy, DmarcPolicy::None);
}

TEST(Dmarc, WalksPastRecordsThatAreNeitherTheAuthorsNorTheOrganizations) {
  DmarcWorld world(DmarcWorld::Zone{{"b.example.com", {"v=DMARC1; p=none"}}, {"example.com", {"v=DMARC1; p=reject"}}});
  const DmarcVerdict verdict = world.check("a.b.example.com");
  EXPECT_EQ(verdict.policy_domain, "example.com");
  EXPECT_EQ(verdict.disposition, DmarcPolicy::Reject);
  DmarcWorld own(DmarcWorld::Zone{{"b.example.com", {"v=DMARC1; p=reject; psd=n"}}, {"example.com", {"v=DMARC1; p=none"}}});
  EXPECT_EQ(own.check("a.b.example.com").policy_domain, "b.example.com");
}

// RFC 9989 appendix B.4.3.
TEST(Dmarc, KeepsTheCustomersOfAPublicSuffixApart) {
  DmarcWorld world(
      DmarcWorld::Zone{{"bank.example", {"v=DMARC1; p=reject; psd=y"}}, {"giant.bank.example", {"v=DMARC1; p=quarantine"}}});
  const DmarcVerdict verdict =
      world.check("giant.bank.example", spf_pass("mail.giant.bank.example"), {signed_by("mail.mega.bank.example")});
  EXPECT_EQ(verdict.result, DmarcResult::Pass);
  EXPECT_EQ(verdict.organizational, "giant.bank.example");
  EXPECT_TRUE(verdict.is_spf_aligned);
  EXPECT_TRUE(verdict.dkim_aligned.empty());
  const DmarcVerdict without_own = world.check("tiny.bank.example", {}, {signed_by("mega.bank.example")});
  EXPECT_EQ(without_own.result, DmarcResult::Fail);
  EXPECT_EQ(without_own.policy_domain, "bank.example");
  EXPECT_EQ(without_own.disposition, DmarcPolicy::Reject);
}

TEST(Dmarc, APublicSuffixOfItsOwnIsBelowThoseAboveIt) {
  DmarcWorld world(DmarcWorld::Zone{{"gov.example", {"v=DMARC1; p=reject; psd=y"}}, {"example", {"v=DMARC1; p=none; psd=y"}}});
  const DmarcVerdict verdict = world.check("gov.example", {}, {signed_by("tax.gov.example")});
  EXPECT_EQ(verdict.organizational, "gov.example");
  EXPECT_EQ(verdict.result, DmarcResult::Fail);
  EXPECT_EQ(verdict.disposition, DmarcPolicy::Reject);
}

TEST(Dmarc, WhoIsOnlyTestingGetsOneStepLess) {
  DmarcWorld world(
      DmarcWorld::Zone{{"example.com", {"v=DMARC1; p=reject; t=y"}}, {"example.net", {"v=DMARC1; p=quarantine; t=y"}}});
  EXPECT_EQ(world.check("example.com").disposition, DmarcPolicy::Quarantine);
  EXPECT_EQ(world.check("example.net").disposition, DmarcPolicy::None);
  EXPECT_EQ(world.check("example.net").policy, DmarcPolicy::Quarantine);
}

TEST(Dmarc, ConcludesNothingWithoutTheDns) {
  DmarcWorld world(DmarcWorld::Zone{{"example.com", {"v=DMARC1; p=reject"}}});
  // What cannot be told of the author's own signature leaves it open; of a stranger's it changes nothing.
  EXPECT_EQ(world.check("example.com", {}, {signed_by("example.com", SignatureResult::TempError)}).result, DmarcResult::TempError);
  EXPECT_EQ(world.check("example.com", {}, {signed_by("evil.example", SignatureResult::TempError)}).result, DmarcResult::Fail);
  world.resolver.broken = {"_dmarc.example.com"};
  const DmarcVerdict verdict = world.check("example.com", {}, {signed_by("example.com")});
  EXPECT_EQ(verdict.result, DmarcResult::TempError);
  EXPECT_EQ(verdict.disposition, DmarcPolicy::None);
}

TEST(Dmarc, AsksEachNameOnce) {
  DmarcWorld world(DmarcWorld::Zone{{"example.com", {"v=DMARC1; p=reject"}}});
  world.check("a.example.com", spf_pass("b.example.com"), {signed_by("c.example.com"), signed_by("c.example.com")});
  EXPECT_EQ(world.resolver.questions, 5U);  // of a, example.com, com, b and c
}

AuthorDomain author_of(std::string_view header) {
  mime::HeaderScan scan;
  scan.feed(header);
  scan.finish();
  return find_author_domain(scan);
}

TEST(Dmarc, TakesTheAuthorFromOneFieldThatAllReadersReadAlike) {
  EXPECT_EQ(author_of("From: Ann <ann@Example.ORG>\r\n\r\n").domain, "example.org");
  EXPECT_EQ(author_of("From: a@example.org, B <b@example.org>\r\n\r\n").domain, "example.org");
  EXPECT_EQ(author_of("From: ann@b\xC3\xBC"
                      "cher.example\r\n\r\n")
                .domain,
            "xn--bcher-kva.example");
}

// What chenjj/espoofer sends (server_a8 to a19), and more of the kind: "attack" has signed, readers may see "legitimate".
TEST(Dmarc, NobodyIsTheAuthorWhereReadersDiffer) {
  using namespace std::string_literals;
  const std::string cases[] = {
      "From: <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n\r\n",
      " From: <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n\r\n",
      "From: <first@attack.com>\r\nFrom : <admin@legitimate.com>\r\n\r\n",
      "From\r\n : <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n\r\n",
      "From\r\n : <first@attack.com>\r\nnTo: <victim@victim.com>\r\nSender: <admin@legitimate.com>\r\n\r\n",
      "From\r\n : <first@attack.com>\r\nResent-From: <admin@legitimate.com>\r\n\r\n",
      "From: <first@attack.com>, <admin@legitimate.com>\r\n\r\n",
      "From:=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=,<second@attack.com>\r\n\r\n",
      "From: <@attack.com,@any.com:admin@legitimate.com>\r\n\r\n",
      "From: <admin@legitimate.com>\\,<second@attack.com>\r\n\r\n",
      "From: admin@legitimate.com,<second@attack.com>\r\n\r\n",
      "From: <any@attack.com>admin@legitimate.com\r\n\r\n",
      "From: <any@attack.com\0@legitimate.com>\r\n\r\n"s,
      "From: <any@attack.com>\r\nFrom\0: <admin@legitimate.com>\r\n\r\n"s,
      "From: <any@attack.com>\r\nnothing\r\nFrom: <admin@legitimate.com>\r\n\r\n",
      "From: group: a@attack.com, b@legitimate.com;\r\n\r\n",
      "From: \"<admin@legitimate.com>\" any@attack.com\r\n\r\n",
      "From: any@attack.com (<admin@legitimate.com>)\r\n\r\n",
      "From: any(x)@attack.com\r\n\r\n",
      "From:\r\n\r\n",
      "Subject: x\r\n\r\n",
      "From: root\r\n\r\n",
      "From: a@[192.0.2.1]\r\n\r\n",
      "From: a@localhost\r\n\r\n",
  };
  for (const std::string& header : cases) {
    const AuthorDomain author = author_of(header);
    // Alone, the author of the last From field is the one that is shown, and has signed nothing.
    if (author.domain == "legitimate.com") continue;
    EXPECT_EQ(author.domain, "") << header;
    test::CoroutineLoop loop;
    test::ScriptedResolver resolver;
    const DmarcVerdict verdict = loop.run(check_dmarc(resolver, author, spf_pass("attack.com"), {signed_by("attack.com")}));
    EXPECT_EQ(verdict.result, DmarcResult::PermError);
    EXPECT_EQ(verdict.disposition, DmarcPolicy::Quarantine);
  }
}

}  // namespace
}  // namespace postern::provenance
