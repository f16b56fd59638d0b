// What reaches a terminal or a program: aligned, escaped, valid.
#include "app/output.h"

namespace postern::app {
namespace {

TEST(Output, WritesJsonInTheGivenOrder) {
  const json::value value = json::object{{"b", true}, {"a", std::int64_t{-5}}, {"n", json::value()},
                                         {"l", json::array{"x", std::uint64_t{7}}}};
  EXPECT_EQ(to_json(value), R"({"b":true,"a":-5,"n":null,"l":["x",7]})");
  EXPECT_EQ(to_json(json::array{}), "[]");
  EXPECT_EQ(to_json(json::object{}), "{}");
}

TEST(Output, EscapesJsonTextAndReplacesBrokenUtf8) {
  EXPECT_EQ(to_json("a\"b\\c\n\x01"), R"("a\"b\\c\n\u0001")");
  EXPECT_EQ(to_json("gr\xc3\xbc\xc3\x9f"), "\"gr\xc3\xbc\xc3\x9f\"");
  EXPECT_EQ(to_json("a\xff" "b\xc3"), "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\"");
  EXPECT_EQ(to_json("\xe2\x80\xa8"), R"("\u2028")");
  EXPECT_EQ(to_json("\x7f\xc2\x9b\xe2\x80\xae"), R"("\u007f\u009b\u202e")");
  EXPECT_EQ(to_json(json::object{{"a\xff\"", true}}), "{\"a\xef\xbf\xbd\\\"\":true}");
}

struct PrintableCase {
  const char* name;
  std::string_view text;
  const char* expected;
};

TEST(Output, MakesTextFromOutsidePrintable) {
  static constexpr PrintableCase kCases[] = {
      {"plain", "hello", "hello"},
      {"UTF-8", "K\xc3\xb6ln", "K\xc3\xb6ln"},
      {"terminal escape", "\x1b[2J", "\\x1b[2J"},
      {"line break", "a\r\nb", "a\\x0d\\x0ab"},
      {"C1 control", "\xc2\x9b", "\\xc2\\x9b"},
      {"bidirectional override", "\xe2\x80\xae", "\\xe2\\x80\\xae"},
      {"broken UTF-8", "\xff", "\\xff"},
      {"cut UTF-8", "\xe2\x82", "\\xe2\\x82"},
  };
  for (const auto& test : kCases) {
    SCOPED_TRACE(test.name);
    EXPECT_EQ(printable(test.text), test.expected);
  }
}

TEST(Output, AlignsColumnsByCharactersNotOctets) {
  EXPECT_EQ(format_table({"NAME", "N"}, {{"K\xc3\xb6ln", "1"}, {"Hamburg", "2"}}),
            "NAME     N\n"
            "K\xc3\xb6ln     1\n"
            "Hamburg  2\n");
  EXPECT_EQ(format_facts({{"a", "1"}, {"long", "2"}}), "a     1\nlong  2\n");
}

TEST(Output, ShowsTimesInUtcAndNothingAsADash) {
  const Instant instant{std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + std::chrono::hours(9)};
  EXPECT_EQ(format_time(instant), "2026-11-21 09:00:00");
  EXPECT_EQ(format_time(std::nullopt), "-");
}

}  // namespace
}  // namespace postern::app
