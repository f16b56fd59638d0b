#include "lab/mail_words.h"

#include <gmock/gmock.h>

namespace postern::lab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> codes_in(std::string_view text) {
  std::vector<std::string> codes;
  for (const OneTimeCode& code : find_codes(text)) codes.push_back(code.code);
  return codes;
}

TEST(MailWords, FindsTheCodesThatProductsMail) {
  struct Row {
    const char* text;
    const char* code;
  };
  constexpr Row kRows[] = {
      {"Your verification code is 481516.", "481516"},
      {"Enter this code:\n\n  4815\n", "4815"},
      {"Your code: 123 456\nIt ends in 10 minutes.", "123456"},
      {"G-927341 is your code", "927341"},
      {"Use A1B2C3D4 to sign in", "A1B2C3D4"},
      {"PIN 2024", "2024"},
      {"code 123-456", "123456"},
      {"(48151623)", "48151623"},
  };
  for (const Row& row : kRows) EXPECT_THAT(codes_in(row.text), ElementsAre(row.code)) << row.text;
}

TEST(MailWords, TakesNoCodeOfWhatIsSomethingElse) {
  for (const char* text : {"Copyright 2026 Example", "Total: $1234", "Call 555-0100-2233", "See https://example.org/4815162",
                           "On 2026-11-30 at 12:30", "Order total 1234.56", "mail 481516@example.org", "Colour #481516",
                           "123456789012", "WELCOME", "version 1.2.3456"}) {
    EXPECT_THAT(codes_in(text), IsEmpty()) << text;
  }
}

TEST(MailWords, PutsWhatTheTextAnnouncesFirst) {
  EXPECT_THAT(codes_in("Invoice 778899\n\nYour code is 481516"), ElementsAre("481516", "778899"));
}

TEST(MailWords, KeepsACodeListShort) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "code 481516\n";
  EXPECT_EQ(find_codes(text).size(), kMaxCodes);
}

TEST(MailWords, ReadsHtmlAsPeopleDo) {
  EXPECT_EQ(html_words("<html><head><title>No 111111</title><style>.a{color:#222222}</style></head><body>Your<br>code&nbsp;is "
                       "<b>4&#56;1&#x35;16</b><!-- 333333 --><script>444444</script> &lt;ok&gt;</body></html>"),
            "Your\ncode is 481516 <ok>");
  EXPECT_EQ(html_words("<style>never ended"), "");
  EXPECT_EQ(html_words("a < b & c <"), "a < b & c <");
  EXPECT_EQ(html_words("&#233;&#x110000;"), "\xc3\xa9&#x110000;");
}

}  // namespace
}  // namespace postern::lab
