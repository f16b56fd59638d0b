// Framing of command lines.
#include "smtp/line_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::smtp {
namespace {

struct LineCase {
  const char* name;
  std::string input;
  LineStatus status;
  std::string line = "";
};

TEST(LineReader, FramesByCrlfOnly) {
  const LineCase kCases[] = {
      {"a line", "NOOP\r\n", LineStatus::Line, "NOOP"},
      {"only the first line", "NOOP\r\nQUIT\r\n", LineStatus::Line, "NOOP"},
      {"empty line", "\r\n", LineStatus::Line, ""},
      {"no end", "NOOP", LineStatus::NeedMore},
      {"half an end", "NOOP\r", LineStatus::NeedMore},
      {"nothing", "", LineStatus::NeedMore},
      {"bare LF", "NOOP\n", LineStatus::BadOctet},
      {"LF alone", "\n", LineStatus::BadOctet},
      {"bare CR", "NO\rOP\r\n", LineStatus::BadOctet},
      {"two CR", "NOOP\r\r\n", LineStatus::BadOctet},
      {"NUL", std::string("NO\0OP\r\n", 7), LineStatus::BadOctet},
      {"as long as allowed", std::string(18, 'x') + "\r\n", LineStatus::Line, std::string(18, 'x')},
      {"one octet too long", std::string(19, 'x') + "\r\n", LineStatus::TooLong},
      {"full without an end", std::string(20, 'x'), LineStatus::TooLong},
  };
  for (const LineCase& c : kCases) {
    const LineResult result = read_line(c.input, 20, 0);
    EXPECT_EQ(result.status, c.status) << c.name;
    EXPECT_EQ(result.line, c.line) << c.name;
    const std::size_t consumed = c.status == LineStatus::Line ? c.line.size() + 2 : 0;
    EXPECT_EQ(result.consumed, consumed) << c.name;
  }
}

TEST(LineReader, SearchesOnlyWhatIsNew) {
  // Were the first octets looked at again, the bare LF among them would be found.
  const LineResult result = read_line("a\nb\r\n", 20, 2);
  EXPECT_EQ(result.status, LineStatus::Line);
  EXPECT_EQ(result.consumed, 5U);
}

}  // namespace
}  // namespace postern::smtp
