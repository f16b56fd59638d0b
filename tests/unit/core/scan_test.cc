#include "core/scan.h"

#include <gtest/gtest.h>

#include <string>

namespace postern {
namespace {

TEST(FindBelow, StopsAtTheFirstOctetBelowTheBoundWhereverItStands) {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string text(length, '\x0e');
    EXPECT_EQ(find_below(text, 0x0e, 0), length);
    EXPECT_EQ(find_below(text, 0x0e, length), length);
    for (std::size_t at = 0; at < length; ++at) {
      for (const char c : {'\0', '\n', '\r'}) {
        std::string with = text;
        with.back() = '\0';
        with[at] = c;
        for (std::size_t from = 0; from <= at; ++from) ASSERT_EQ(find_below(with, 0x0e, from), at);
      }
    }
  }
}

TEST(FindBelow, TakesOctetsAbove127ForText) {
  EXPECT_EQ(find_below("caf\xC3\xA9 \xFF\x80 and more\r\n", 0x0e, 0), 17U);
}

}  // namespace
}  // namespace postern
