#include "mx/sts_policy.h"

#include <gtest/gtest.h>

namespace postern::mx {
namespace {

using std::chrono::seconds;

TEST(StsPolicy, FindsTheIdInWhatIsPublished) {
  const struct {
    std::vector<std::string> texts;
    std::optional<std::string> id;
  } rows[] = {
      {{"v=STSv1; id=20260101T000000;"}, "20260101T000000"},
      {{"v=STSv1;id=a"}, "a"},
      {{"v=STSv1; other=x; id=a; id=b"}, "a"},
      {{"v=spf1 -all", "v=STSv1; id=a;"}, "a"},
      {{}, std::nullopt},
      {{"v=STSv1;"}, std::nullopt},
      {{"v=STSv1; id="}, std::nullopt},
      {{"v=STSv1; id=a-b"}, std::nullopt},
      {{"v=STSv1; id=" + std::string(33, 'a')}, std::nullopt},
      {{"v=STSv2; id=a"}, std::nullopt},
      {{"id=a; v=STSv1"}, std::nullopt},
      {{" v=STSv1; id=a"}, std::nullopt},
      {{"v=STSv1; id=a", "v=STSv1; id=b"}, std::nullopt},
  };
  for (const auto& row : rows) EXPECT_EQ(find_sts_id(row.texts), row.id) << (row.texts.empty() ? "none" : row.texts[0]);
}

const std::string kGood = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmx: *.example.net\r\nmax_age: 604800\r\n";

TEST(StsPolicy, ReadsWhatTheRfcShows) {
  const auto policy = parse_sts_policy(kGood);
  ASSERT_TRUE(policy);
  EXPECT_EQ(*policy, (StsPolicy{StsMode::Enforce, {"mx.example.org", "*.example.net"}, seconds(604'800)}));
}

TEST(StsPolicy, TakesWhatIsMeantAndNothingElse) {
  const struct {
    const char* name;
    std::string text;
    bool is_policy;
  } rows[] = {
      {"LF", "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1\n", true},
      {"no last line end", "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1", true},
      {"no blanks", "version:STSv1\nmode:testing\nmx:a.example\nmax_age:1", true},
      {"unknown fields", "version: STSv1\nnew: x\nmode: none\nmax_age: 1\nextra", true},
      {"none without hosts", "version: STSv1\nmode: none\nmax_age: 1", true},
      {"enforce without hosts", "version: STSv1\nmode: enforce\nmax_age: 1", false},
      {"no mode", "version: STSv1\nmx: a.example\nmax_age: 1", false},
      {"no age", "version: STSv1\nmode: testing\nmx: a.example", false},
      {"another version", "version: STSv2\nmode: testing\nmx: a.example\nmax_age: 1", false},
      {"the version is not first", "mode: testing\nversion: STSv1\nmx: a.example\nmax_age: 1", false},
      {"another mode", "version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 1", false},
      {"an age that is none", "version: STSv1\nmode: testing\nmx: a.example\nmax_age: -1", false},
      {"an age that is too long to be one", "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 99999999999", false},
      {"a host that is none", "version: STSv1\nmode: testing\nmx: a b\nmax_age: 1", false},
      {"a wildcard inside", "version: STSv1\nmode: testing\nmx: a.*.example\nmax_age: 1", false},
      {"a page", "<html></html>", false},
      {"nothing", "", false},
      {"too much", kGood + std::string(kMaxStsPolicyOctets, '\n'), false},
  };
  for (const auto& row : rows) EXPECT_EQ(parse_sts_policy(row.text).has_value(), row.is_policy) << row.name;
  EXPECT_EQ(parse_sts_policy("version: STSv1\nmode: none\nmax_age: 9999999999")->max_age, kMaxStsAge);
}

// One product never matched a policy that was written in letters (trap 4 of its changelog).
TEST(StsPolicy, ReadsAHostInLettersAsItsALabels) {
  const auto policy = parse_sts_policy("version: STSv1\nmode: enforce\nmx: *.M\xc3\xbcller.example\nmx: MX.example\nmax_age: 1");
  ASSERT_TRUE(policy);
  EXPECT_TRUE(names_host(*policy, "a.xn--mller-kva.example"));
  EXPECT_TRUE(names_host(*policy, "mx.example"));
}

TEST(StsPolicy, NamesAHostByWholeLabels) {
  const StsPolicy policy{StsMode::Enforce, {"mx.example.org", "*.example.net"}, seconds(1)};
  for (const char* host : {"mx.example.org", "a.example.net", "mx1.example.net"}) EXPECT_TRUE(names_host(policy, host)) << host;
  for (const char* host :
       {"example.org", "a.mx.example.org", "example.net", "a.b.example.net", ".example.net", "mxexample.org", ""}) {
    EXPECT_FALSE(names_host(policy, host)) << host;
  }
}

TEST(StsPolicy, IsKeptAsItWas) {
  const Instant fetched(seconds(1'700'000'000));
  const KeptStsPolicy kept{.id = "a1", .policy = *parse_sts_policy(kGood), .text = kGood, .fetched = fetched};
  const std::string octets = encode_sts_policy(kept);
  const auto read = decode_sts_policy(octets);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, kept.id);
  EXPECT_EQ(read->policy, kept.policy);
  EXPECT_EQ(read->text, kept.text);
  EXPECT_EQ(read->fetched, kept.fetched);
  for (std::size_t size = 0; size < octets.size(); ++size) EXPECT_FALSE(decode_sts_policy(octets.substr(0, size))) << size;
  EXPECT_FALSE(decode_sts_policy(octets + "x"));
  EXPECT_FALSE(kept.is_over(kept.fetched + seconds(604'799)));
  EXPECT_TRUE(kept.is_over(kept.fetched + seconds(604'800)));
}

}  // namespace
}  // namespace postern::mx
