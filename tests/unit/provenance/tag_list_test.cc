#include "provenance/tag_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::provenance {
namespace {

TEST(TagList, ReadsTagsWithFoldsAroundThem) {
  const std::string text = " v=1;\r\n\ta = rsa-sha256 ; b=ab\r\n cd==; h=From :\tTo;";
  const auto tags = TagList::parse(text);
  ASSERT_TRUE(tags);
  EXPECT_EQ(tags->find("a"), "rsa-sha256");
  EXPECT_EQ(tags->find_compact("b"), "abcd==");
  EXPECT_FALSE(tags->find("c"));
  EXPECT_THAT(split_colons(*tags->find("h")), testing::ElementsAre("From", "To"));
}

TEST(TagList, IsNoneWhereATagIsTwiceOrHasNoName) {
  for (const char* text : {"a=1; a=2", "a=1;;b=2", "=1", "a", "a b=1", "1a=2"}) {
    EXPECT_FALSE(TagList::parse(text)) << text;
  }
  std::string many;
  for (int i = 0; i < 65; ++i) many += "t" + std::to_string(i) + "=1;";
  EXPECT_FALSE(TagList::parse(many));
}

TEST(TagList, TakesTheSignatureOutOfItsOwnField) {
  EXPECT_EQ(without_signature("v=1; b=ab\r\n cd==\r\n ; bh=xyz="), "v=1; b=; bh=xyz=");
  EXPECT_EQ(without_signature("bh=b=; b = q"), "bh=b=; b =");
}

}  // namespace
}  // namespace postern::provenance
