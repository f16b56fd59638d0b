#include "core/recent_map.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(RecentMap, ForgetsWhatWasLongestUntouched) {
  RecentMap<int, int> map;
  for (int key = 1; key <= 4; ++key) map.touch(key).first = key * 10;
  EXPECT_FALSE(map.touch(1).second);
  map.shrink_to(2);
  EXPECT_EQ(map.size(), 2U);
  EXPECT_EQ(map.find(2), nullptr);
  EXPECT_EQ(map.find(3), nullptr);
  EXPECT_EQ(*map.find(1), 10);
  EXPECT_EQ(*map.find(4), 40);
}

TEST(RecentMap, FindingIsNotTouching) {
  RecentMap<int, int> map;
  map.touch(1);
  map.touch(2);
  EXPECT_NE(map.find(1), nullptr);
  map.shrink_to(1);
  EXPECT_EQ(map.find(1), nullptr);
}

TEST(RecentMap, NeverForgetsTheMostRecentOne) {
  RecentMap<int, int> map;
  map.shrink_to(0);
  map.touch(1);
  map.touch(2);
  map.shrink_to(0);
  EXPECT_EQ(map.size(), 1U);
  EXPECT_NE(map.find(2), nullptr);
}

TEST(RecentMap, LooksAtFewHoweverManyMustStay) {
  RecentMap<int, bool> map;  // whether it must stay
  for (int key = 0; key < 1'000; ++key) map.touch(key).first = key != 500;
  std::size_t looked_at = 0;
  const auto may_go = [&](bool must_stay) {
    ++looked_at;
    return !must_stay;
  };
  map.shrink_to(999, may_go);
  EXPECT_LE(looked_at, 8U);
  EXPECT_EQ(map.size(), 1'000U) << "those it looked at must stay";
  for (int i = 0; i < 100 && map.size() > 999; ++i) map.shrink_to(999, may_go);
  EXPECT_EQ(map.find(500), nullptr) << "it comes to the one that may go";
}

}  // namespace
}  // namespace postern
