#include "core/case_fold.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

struct FoldCase {
  const char* text;
  const char* folded;
};

constexpr FoldCase kFolds[] = {
    {"", ""},
    {"User.Name+Tag@Example.COM", "user.name+tag@example.com"},
    {"already low @ 1", "already low @ 1"},
    {"ÄÖÜ ÀÞ × ÿŸ", "äöü àþ × ÿÿ"},
    {"ŁÓDŹ Žižka ŽIŽKA Ĺ ŸŶ", "łódź žižka žižka ĺ ÿŷ"},
    {"ΑΩ ΆΏΌ Ϊ", "αω άώό ϊ"},
    {"ИВАН Ёж ЯҐ", "иван ёж яґ"},
    {"ԱՖ", "աֆ"},
    {"漢字 ẞ 😀", "漢字 ẞ 😀"},
    {"A\xC3", "a\xC3"},
    {"\xC3(\xE4Z", "\xC3(\xE4z"},
};

TEST(CaseFold, LowersLettersAndKeepsEveryOtherOctet) {
  for (const FoldCase& c : kFolds) EXPECT_EQ(fold_case(c.text), c.folded) << c.text;
}

TEST(CaseFold, ChangesNothingASecondTime) {
  for (const FoldCase& c : kFolds) EXPECT_EQ(fold_case(c.folded), c.folded) << c.text;
}

}  // namespace
}  // namespace postern
