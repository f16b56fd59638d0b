// Cursors of lists: given back as they came, and what was one before there were cursors.
#include "api/cursor.h"

#include <gtest/gtest.h>

namespace postern::api {
namespace {

TEST(ListCursor, SaysNothingOfWhatItHolds) {
  const std::string cursor = format_cursor("friend@example.net");
  EXPECT_TRUE(cursor.starts_with("cur_"));
  EXPECT_EQ(cursor.find("friend"), std::string::npos);
  EXPECT_EQ(parse_cursor(cursor), "friend@example.net");
}

TEST(ListCursor, TakesWhatWasACursorBefore) {
  for (const char* text : {"friend@example.net", "key_0000000000000000", "00361ilabbg3l7nljvc686907c", "evt_4711"}) {
    EXPECT_EQ(parse_cursor(text), text);
  }
}

TEST(ListCursor, IsRefusedWhereItIsCutOrOfAnotherForm) {
  const std::string cursor = format_cursor("friend@example.net");
  for (const std::string& text : {std::string("cur_"), cursor.substr(0, 6), cursor + "!", std::string("cur_00g0")}) {
    EXPECT_FALSE(parse_cursor(text)) << text;
  }
}

}  // namespace
}  // namespace postern::api
