#include "core/nearest_word.h"

namespace postern {
namespace {

TEST(NearestWord, FindsAMistypedWordAndLeavesStrangersAlone) {
  static constexpr std::string_view kWords[] = {"hostname", "max_recipients", "max_connections"};
  EXPECT_EQ(nearest_word("hostnam", kWords), "hostname");
  EXPECT_EQ(nearest_word("maxrecipients", kWords), "max_recipients");
  EXPECT_EQ(nearest_word("max_conections", kWords), "max_connections");
  EXPECT_EQ(nearest_word("database_url", kWords), "");
  EXPECT_EQ(nearest_word("", kWords), "");
  EXPECT_EQ(nearest_word(std::string(5000, 'x'), kWords), "");
}

}  // namespace
}  // namespace postern
