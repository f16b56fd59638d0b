#include "sandbox/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::sandbox {
namespace {

TEST(Glob, StandsForAnyRunOfCharacters) {
  struct Row {
    const char* pattern;
    const char* text;
    bool fits;
  };
  constexpr Row kRows[] = {
      {"ann@example.org", "ann@example.org", true}, {"ann@example.org", "ann@example.or", false},
      {"*", "", true},                              {"", "", true},
      {"", "x", false},                             {"*@example.org", "ann@example.org", true},
      {"*@example.org", "ann@example.org.uk", false}, {"ann+*@*", "ann+1@x", true},
      {"a*b*c", "aXbYbZc", true},                   {"a*b*c", "aXcYb", false},
      {"**x", "x", true},                           {"*.org", "a.org.org", true},
      {"A", "a", false},
  };
  for (const Row& row : kRows) EXPECT_EQ(fits_glob(row.pattern, row.text), row.fits) << row.pattern << " / " << row.text;
}

TEST(Glob, TakesNoLongerThanTheProductOfTheLengths) {
  EXPECT_FALSE(fits_glob(std::string(200, '*') + "b", std::string(20'000, 'a')));
}

}  // namespace
}  // namespace postern::sandbox
