#include "provenance/spf_record.h"

#include <gtest/gtest.h>

namespace postern::provenance {
namespace {

SpfMacroFacts rfc_facts() {
  return {.sender = "strong-bad@email.example.com",
          .domain = "email.example.com",
          .helo = "mail.example.com",
          .receiver = "mx.example.org",
          .client = *parse_ip_address("192.0.2.3"),
          .now = Instant(std::chrono::seconds(1'000'000))};
}

TEST(SpfMacro, ExpandsTheExamplesOfRfc7208) {
  struct Case {
    const char* macro;
    const char* expected;
  };
  // §7.4.
  constexpr Case kCases[] = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
      {"%{d999999999999999999999}.x.example", "email.example.com.x.example"},
  };
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.macro);
    const auto macro = parse_macro_string(one.macro, MacroUse::Domain);
    ASSERT_TRUE(macro);
    EXPECT_EQ(expand_domain(*macro, rfc_facts()), one.expected);
  }
}

TEST(SpfMacro, CutsLabelsFromTheLeftUntilANameFits) {
  SpfMacroFacts facts = rfc_facts();
  facts.sender = std::string(60, 'a') + "." + std::string(60, 'b') + "@email.example.com";
  const auto macro = parse_macro_string("%{l}.%{l}.%{l}.%{d}", MacroUse::Domain);
  const auto name = expand_domain(*macro, facts);
  ASSERT_TRUE(name);
  EXPECT_EQ(name->size(), 200U);
  EXPECT_TRUE(name->starts_with("bbb"));
}

TEST(SpfMacro, DoesNotGrowWithoutBound) {
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += "%{s}";
  EXPECT_FALSE(expand(*parse_macro_string(text, MacroUse::Domain), rfc_facts()));
}

TEST(SpfMacro, StandsForNothingThatIsNotAscii) {
  SpfMacroFacts facts = rfc_facts();
  facts.sender = "j\xC3\xB6rg@xn--bcher-kva.example";
  EXPECT_FALSE(expand_domain(*parse_macro_string("%{l}.example.org", MacroUse::Domain), facts));
  EXPECT_TRUE(expand_domain(*parse_macro_string("%{o}", MacroUse::Domain), facts));
}

TEST(SpfRecord, NamesTheTermThatIsWrong) {
  struct Case {
    const char* record;
    const char* term;
  };
  constexpr Case kCases[] = {
      {"v=spf1 a -all moo", "moo"},
      {"v=spf1 ip4:192.0.2.0/33 -all", "ip4:192.0.2.0/33"},
      {"v=spf1 ip4:192.0.2.0/024", "ip4:192.0.2.0/024"},
      {"v=spf1 ip6:192.0.2.1", "ip6:192.0.2.1"},
      {"v=spf1 a/24/64", "a/24/64"},
      {"v=spf1 all:example.org", "all:example.org"},
      {"v=spf1 include", "include"},
      {"v=spf1 include:example.123", "include:example.123"},
      {"v=spf1 exists:%{t}.example.org", "exists:%{t}.example.org"},
      {"v=spf1 exists:%{d0}.example.org", "exists:%{d0}.example.org"},
      {"v=spf1 redirect=a.example redirect=b.example", "redirect=b.example"},
  };
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.record);
    const auto record = parse_spf_record(one.record);
    ASSERT_FALSE(record);
    EXPECT_EQ(record.error().context(), one.term);
  }
}

TEST(SpfRecord, ReadsQualifiersPrefixesAndModifiers) {
  const auto record = parse_spf_record("v=spf1  ~MX:%{d}/24//64 ?ip6:2001:db8::/32 exp=why.example.org moo=%{t} -all");
  ASSERT_TRUE(record);
  ASSERT_EQ(record->terms.size(), 3U);
  EXPECT_EQ(record->terms[0].mechanism, SpfMechanism::Mx);
  EXPECT_EQ(record->terms[0].result, SpfResult::SoftFail);
  EXPECT_EQ(record->terms[0].prefix_v4, 24);
  EXPECT_EQ(record->terms[0].prefix_v6, 64);
  EXPECT_EQ(record->terms[1].network, *parse_ip_network("2001:db8::/32"));
  EXPECT_EQ(record->terms[2].result, SpfResult::Fail);
  EXPECT_TRUE(record->explanation);
  EXPECT_FALSE(record->redirect);
}

}  // namespace
}  // namespace postern::provenance
