#include "provenance/dmarc_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::provenance {
namespace {

using testing::ElementsAre;

TEST(DmarcRecord, BeginsWithItsVersionInThisCase) {
  for (const char* text : {"", "p=reject", "v=dmarc1; p=reject", "v=DMARC1x; p=reject", "p=reject; v=DMARC1", "V=DMARC1; p=none"}) {
    EXPECT_FALSE(parse_dmarc_record(text)) << text;
  }
  EXPECT_EQ(parse_dmarc_record("v = DMARC1 ;p=reject")->policy, DmarcPolicy::Reject);
}

TEST(DmarcRecord, ReadsTagsInAnyCaseAndPassesOverWhatIsWrong) {
  const auto record = parse_dmarc_record(
      "v=DMARC1; P=Reject; sp=quarantine; np = NONE; adkim=S; aspf=x; psd=Y; t=y; pct=0; ;x=1; rua="
      "mailto:DMARC@Example.org!10m, nothing,https://r.example/x");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->policy, DmarcPolicy::Reject);
  EXPECT_EQ(record->policy_below(true), DmarcPolicy::Quarantine);
  EXPECT_EQ(record->policy_below(false), DmarcPolicy::None);
  EXPECT_TRUE(record->is_dkim_strict);
  EXPECT_FALSE(record->is_spf_strict);
  EXPECT_TRUE(record->is_testing);
  EXPECT_EQ(record->public_suffix, PublicSuffix::Yes);
  EXPECT_THAT(record->report_uris, ElementsAre("mailto:DMARC@Example.org", "https://r.example/x"));
}

TEST(DmarcRecord, WithoutAValidPolicyAsksForNothingOrForReportsOnly) {
  EXPECT_FALSE(parse_dmarc_record("v=DMARC1; adkim=s")->policy);
  EXPECT_FALSE(parse_dmarc_record("v=DMARC1; p=reject; sp=sometimes")->policy);
  EXPECT_EQ(parse_dmarc_record("v=DMARC1; rua=mailto:a@example.org")->policy, DmarcPolicy::None);
  EXPECT_EQ(parse_dmarc_record("v=DMARC1; p=reject; np=maybe; rua=mailto:a@example.org")->policy_below(false), DmarcPolicy::None);
}

// RFC 9989 §4.10.
TEST(DmarcRecord, IsLookedForInEightPlacesAtMost) {
  EXPECT_THAT(walked_domains("a.b.c.d.e.f.g.h.i.j.k.example.com"),
              ElementsAre("a.b.c.d.e.f.g.h.i.j.k.example.com", "g.h.i.j.k.example.com", "h.i.j.k.example.com", "i.j.k.example.com",
                          "j.k.example.com", "k.example.com", "example.com", "com"));
  EXPECT_THAT(walked_domains("a.b.example.com"), ElementsAre("a.b.example.com", "b.example.com", "example.com", "com"));
  EXPECT_EQ(walked_domains("a.b.c.d.e.f.example.com").size(), 8U);
}

// RFC 9989 §4.10.2.
TEST(DmarcRecord, TellsWhichDomainIsTheOrganizations) {
  const DmarcRecord plain = *parse_dmarc_record("v=DMARC1; p=none");
  const DmarcRecord suffix = *parse_dmarc_record("v=DMARC1; p=none; psd=y");
  const DmarcRecord own = *parse_dmarc_record("v=DMARC1; p=none; psd=n");
  EXPECT_EQ(organizational_domain("a.mail.example.com", {}), "a.mail.example.com");
  EXPECT_EQ(organizational_domain("a.mail.example.com", {{"mail.example.com", plain}, {"example.com", plain}}), "example.com");
  EXPECT_EQ(organizational_domain("a.mail.example.com", {{"com", suffix}}), "example.com");
  EXPECT_EQ(organizational_domain("giant.bank.example", {{"giant.bank.example", plain}, {"bank.example", suffix}}),
            "giant.bank.example");
  EXPECT_EQ(organizational_domain("a.b.example.com", {{"b.example.com", own}}), "b.example.com");
  EXPECT_EQ(organizational_domain("bank.example", {{"bank.example", suffix}}), "bank.example");
}

}  // namespace
}  // namespace postern::provenance
