#include "http/target.h"

#include <gtest/gtest.h>

namespace postern::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Strings = std::vector<std::string>;

TEST(TargetTest, IsDecodedOnce) {
  const auto target = parse_target("/v1/emails/a%20b%2Fc%2541?to=x%40y&to=a+b&flag");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments, (Strings{"v1", "emails", "a b/c%41"}));
  EXPECT_EQ(target->path, "/v1/emails/a b/c%41");
  EXPECT_EQ(target->query, (Pairs{{"to", "x@y"}, {"to", "a b"}, {"flag", ""}}));
}

TEST(TargetTest, MayBeTheRoot) {
  EXPECT_EQ(parse_target("/")->path, "/");
  EXPECT_EQ(parse_target("/")->segments, Strings{});
  EXPECT_EQ(parse_target("/v1/")->segments, (Strings{"v1", ""}));
}

TEST(TargetTest, MayBeInAbsoluteForm) { EXPECT_EQ(parse_target("http://relay.example:8025/v1/a?b=c")->path, "/v1/a"); }

TEST(TargetTest, RefusesWhatIsMalformedOrLeadsElsewhere) {
  for (const char* text : {"", "*", "a", "relay.example:443", "/%", "/%zz", "/%2", "/a|b", "/%00", "/a%0d%0ab", "/%7f", "/%ff%fe",
                           "/%c0%80", "/../etc", "/a/../b", "/a/./b", "/%2e%2e/etc", "/a/%2E", "/a?x=%00", "/a?x=%ff", "mailto:a@b",
                           "/a#b"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
}

TEST(TargetTest, HasABoundedQuery) {
  std::string text = "/?a=1";
  for (int i = 1; i < 50; ++i) text += "&a=1";
  EXPECT_TRUE(parse_target(text));
  EXPECT_FALSE(parse_target(text + "&a=1"));
}

}  // namespace
}  // namespace postern::http
