// Validation, over a real name server with a signed root of its own: what is secure, what is not, and
// what is forged.
#include "dns/unbound_resolver.h"

#include "tests/support/nsd.h"

#include <gtest/gtest.h>

namespace postern::dns {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Dnssec : public testing::Test {
 protected:
  std::unique_ptr<Resolver> open(const std::string& anchor_file) {
    return open_resolver({.servers = {nsd_.address()}, .timeout = std::chrono::seconds(120), .trust_anchor_file = anchor_file})
        .value();
  }

  test::Nsd nsd_{std::string(POSTERN_SOURCE_DIR) + "/tests/support/zones"};
  std::unique_ptr<Resolver> resolver_ = open(nsd_.anchor_file());
};

TEST_F(Dnssec, MarksWhatIsSignedAsSecure) {
  const auto mx = look_up_and_wait<Mx>(*resolver_, "secure");
  ASSERT_TRUE(mx.is_found()) << mx.why;
  EXPECT_TRUE(mx.is_secure);
  EXPECT_EQ(mx.records.size(), 2U);
  EXPECT_TRUE(look_up_and_wait<A>(*resolver_, "mx1.secure").is_secure);
  EXPECT_TRUE(look_up_and_wait<Aaaa>(*resolver_, "mx1.secure").is_secure);
  EXPECT_EQ(look_up_and_wait<Txt>(*resolver_, "secure").records.at(0).text, "v=spf1 mx -all");
  EXPECT_TRUE(look_up_and_wait<Mx>(*resolver_, "null-mx.secure").records.at(0).is_null());
  const auto tlsa = look_up_and_wait<Tlsa>(*resolver_, tlsa_name(25, "mx1.secure"));
  ASSERT_TRUE(tlsa.is_found()) << tlsa.why;
  EXPECT_TRUE(tlsa.is_secure);
  EXPECT_EQ(tlsa.records.at(0).usage, 3);
  EXPECT_EQ(tlsa.records.at(0).data.size(), 32U);
}

TEST_F(Dnssec, MarksAnAbsenceThatIsProvenAsSecure) {
  const auto no_name = look_up_and_wait<Tlsa>(*resolver_, "_25._tcp.nothing.secure");
  EXPECT_EQ(no_name.finding, Finding::NoName);
  EXPECT_TRUE(no_name.is_secure);
  const auto no_record = look_up_and_wait<Mx>(*resolver_, "mx1.secure");
  EXPECT_EQ(no_record.finding, Finding::NoRecord);
  EXPECT_TRUE(no_record.is_secure);
}

TEST_F(Dnssec, MarksWhatNobodySignsAsInsecure) {
  const auto a = look_up_and_wait<A>(*resolver_, "mx2.insecure");
  ASSERT_TRUE(a.is_found()) << a.why;
  EXPECT_FALSE(a.is_secure);
  const auto tlsa = look_up_and_wait<Tlsa>(*resolver_, tlsa_name(25, "mx2.insecure"));
  ASSERT_TRUE(tlsa.is_found()) << tlsa.why;
  EXPECT_FALSE(tlsa.is_secure);
  const auto no_name = look_up_and_wait<A>(*resolver_, "gone.insecure");
  EXPECT_EQ(no_name.finding, Finding::NoName);
  EXPECT_FALSE(no_name.is_secure);
}

TEST_F(Dnssec, GivesNothingOfWhatIsForged) {
  const auto altered = look_up_and_wait<A>(*resolver_, "altered.bogus");
  EXPECT_EQ(altered.finding, Finding::Bogus);
  EXPECT_TRUE(altered.records.empty());
  EXPECT_FALSE(altered.is_secure);
  EXPECT_THAT(altered.why, HasSubstr("A altered.bogus: DNSSEC validation failed"));
  EXPECT_TRUE(look_up_and_wait<A>(*resolver_, "intact.bogus").is_secure) << "the rest of the zone is right";
}

TEST_F(Dnssec, FollowsAliasesAndNamesThem) {
  const auto inside = look_up_and_wait<A>(*resolver_, "alias.secure");
  ASSERT_TRUE(inside.is_found()) << inside.why;
  EXPECT_THAT(inside.aliases, ElementsAre("second.secure", "mx1.secure"));
  EXPECT_TRUE(inside.is_secure);
  const auto outside = look_up_and_wait<A>(*resolver_, "away.secure");
  ASSERT_TRUE(outside.is_found()) << outside.why;
  EXPECT_THAT(outside.aliases, ElementsAre("mx2.insecure"));
  EXPECT_FALSE(outside.is_secure) << "a secure alias of an insecure name";
  const auto alias = look_up_and_wait<Cname>(*resolver_, "away.secure");
  ASSERT_TRUE(alias.is_found()) << alias.why;
  EXPECT_TRUE(alias.is_secure) << "the alias itself is";
  const auto nowhere = look_up_and_wait<A>(*resolver_, "nowhere.secure");
  EXPECT_EQ(nowhere.finding, Finding::NoName);
  EXPECT_THAT(nowhere.aliases, ElementsAre("gone.secure"));
  EXPECT_TRUE(look_up_and_wait<A>(*resolver_, "mx1.secure").aliases.empty());
}

TEST_F(Dnssec, FailsWhereAliasesRunInACircle) {
  const auto circle = look_up_and_wait<A>(*resolver_, "loop-a.secure");
  EXPECT_FALSE(circle.is_found());
  EXPECT_TRUE(circle.records.empty());
}

TEST_F(Dnssec, GivesTheTimeToLive) {
  const auto answer = look_up_and_wait<A>(*resolver_, "short.secure");
  EXPECT_GT(answer.ttl.count(), 0);
  EXPECT_LE(answer.ttl.count(), 120);
}

TEST_F(Dnssec, WithoutAnAnchorNothingIsSecureOrForged) {
  const auto trusting = open("");
  const auto secure = look_up_and_wait<A>(*trusting, "mx1.secure");
  ASSERT_TRUE(secure.is_found()) << secure.why;
  EXPECT_FALSE(secure.is_secure);
  EXPECT_TRUE(look_up_and_wait<A>(*trusting, "altered.bogus").is_found());
}

}  // namespace
}  // namespace postern::dns
