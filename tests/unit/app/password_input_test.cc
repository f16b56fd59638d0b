// What is taken as a password where no person sits at a terminal.
#include "app/password_input.h"

#include <sstream>

namespace postern::app {
namespace {

struct InputCase {
  const char* what;
  std::string input;
  std::string password;
};

TEST(PasswordInput, IsTheFirstLine) {
  const InputCase cases[] = {
      {"one line", "correct horse\n", "correct horse"},
      {"no line end", "correct horse", "correct horse"},
      {"CR LF", "correct horse\r\n", "correct horse"},
      {"blanks stay", "  correct horse \n", "  correct horse "},
      {"further lines", "correct horse\nbattery\n", "correct horse"},
      {"not ASCII", "Grüße\n", "Grüße"},
      {"an empty line", "\n", ""},
  };
  for (const InputCase& c : cases) {
    std::istringstream in(c.input);
    EXPECT_EQ(read_password(in).value().reveal(), c.password) << c.what;
  }
}

TEST(PasswordInput, MustBeThere) {
  std::istringstream in("");
  EXPECT_EQ(read_password(in).error().code(), ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace postern::app
