// The reader of .dialog files: a test that misreads its script proves nothing.
#include "tests/support/dialog.h"
#include "tests/support/dialog_player.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::test {
namespace {

using Kind = DialogLine::Kind;

Dialog parsed(const std::string& text) {
  const auto result = parse_dialog("test", text);
  EXPECT_TRUE(std::holds_alternative<Dialog>(result)) << (result.index() == 1 ? std::get<std::string>(result) : "");
  return result.index() == 0 ? std::get<Dialog>(result) : Dialog{};
}

Transcript played(const std::string& text) {
  return play_dialog(parsed(text), [](std::size_t left) { return left; });
}

TEST(Dialog, ReadsLinesEscapesAndSettings) {
  const Dialog dialog = parsed(
      "# comment\n% tls none\n% max_errors 3\n\nS: 220 *\nC: A\\x42\\t\nC> raw\\r\\0\nC*2: N\nC: \\{3:ab}\n! closed\n");
  EXPECT_EQ(dialog.config.tls, smtp::TlsMode::None);
  EXPECT_EQ(dialog.config.max_errors, 3U);
  ASSERT_EQ(dialog.lines.size(), 7U);
  EXPECT_EQ(dialog.lines[0].text, "220 *");
  EXPECT_EQ(dialog.lines[1].text, "AB\t\r\n");
  EXPECT_EQ(dialog.lines[2].text, std::string("raw\r\0", 5));
  EXPECT_EQ(dialog.lines[3].text, "N\r\n");
  EXPECT_EQ(dialog.lines[4].text, "N\r\n");
  EXPECT_EQ(dialog.lines[5].text, "ababab\r\n");
  EXPECT_EQ(dialog.lines[6].kind, Kind::Closed);
  EXPECT_EQ(dialog.lines[6].number, 10);
}

TEST(Dialog, SaysWhatItCannotRead) {
  for (const char* text : {"S: a\nX: b\n", "S: a\n% nonsense 1\n", "S: a\nC: \\q\n", "S: a\n! explode\n", "S: a\nS> b\n",
                           "S: a\nC*x: b\n", "C: only\n"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(parse_dialog("test", text))) << text;
  }
}

TEST(Dialog, TheStarStandsForAnyRest) {
  EXPECT_TRUE(matches_reply("250 2.0.0*", "250 2.0.0 OK"));
  EXPECT_TRUE(matches_reply("250", "250"));
  EXPECT_FALSE(matches_reply("250", "250 OK"));
  EXPECT_FALSE(matches_reply("251*", "250 OK"));
}

TEST(Dialog, FindsEachKindOfDisagreement) {
  EXPECT_TRUE(played("S: 220 *\nC: NOOP\nS: 250 2.0.0 *\n").problems.empty());
  for (const char* text : {
           "S: 220 *\nC: NOOP\nS: 251*\n",                           // another reply
           "S: 220 *\nC: NOOP\n",                                    // a reply nobody expects
           "S: 220 *\nC: NOOP\nS: 250*\nS: 250*\n",                  // a reply that does not come
           "S: 220 *\nC: QUIT\nS: 221*\n",                           // closed, unexpectedly
           "S: 220 *\nC: NOOP\nS: 250*\n! closed\n",                 // not closed
           "S: 220 *\nC: NOOP\nS: 250*\nQ: commit\n",                // a question that is not asked
       }) {
    EXPECT_EQ(played(text).problems.size(), 1U) << text;
  }
}

}  // namespace
}  // namespace postern::test
