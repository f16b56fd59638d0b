#include "core/quoted_printable.h"

#include <string>

namespace postern {
namespace {

TEST(QuotedPrintable, LeavesPrintableTextAsItIs) {
  EXPECT_EQ(encode_quoted_printable(""), "");
  EXPECT_EQ(encode_quoted_printable("Subject: hello, world\r\n\tfolded\r\n\r\n.\r\n"),
            "Subject: hello, world\r\n\tfolded\r\n\r\n.\r\n");
}

TEST(QuotedPrintable, EscapesWhatIsNoPrintableAscii) {
  EXPECT_EQ(encode_quoted_printable("gr\xC3\xBC\xC3\x9F = 1"), "gr=C3=BC=C3=9F =3D 1");
  EXPECT_EQ(encode_quoted_printable(std::string("\0\x7F\x1B", 3)), "=00=7F=1B");
  EXPECT_EQ(encode_quoted_printable("a\rb\nc"), "a=0Db=0Ac");
}

TEST(QuotedPrintable, EscapesABlankAtTheEndOfALine) {
  EXPECT_EQ(encode_quoted_printable("a \r\nb\t\r\nc "), "a=20\r\nb=09\r\nc=20");
}

TEST(QuotedPrintable, BreaksLinesSoftlyAt76Octets) {
  EXPECT_EQ(encode_quoted_printable(std::string(76, 'x')), std::string(76, 'x'));
  EXPECT_EQ(encode_quoted_printable(std::string(77, 'x')), std::string(75, 'x') + "=\r\nxx");
  // No escape is cut in two.
  EXPECT_EQ(encode_quoted_printable(std::string(73, 'x') + "\xFF"), std::string(73, 'x') + "=FF");
  EXPECT_EQ(encode_quoted_printable(std::string(74, 'x') + "\xFF"), std::string(74, 'x') + "=\r\n=FF");
  EXPECT_EQ(encode_quoted_printable(std::string(73, 'x') + "\xFF" "y"), std::string(73, 'x') + "=\r\n=FFy");
}

}  // namespace
}  // namespace postern
