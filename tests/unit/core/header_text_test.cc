// Header fields as people read them. Expectations are written out, some from RFC 2047 §8 and from what clients send.
#include "core/header_text.h"

#include "core/bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace postern {
namespace {

TEST(HeaderText, DecodesEachWordAndJoinsThem) {
  struct Case {
    const char* name;
    std::string value;
    const char* text;
  };
  const Case cases[] = {
      {"plain", "Hello, world", "Hello, world"},
      {"padded base64, then another word", "=?UTF-8?B?R3LDvMOfZSBhdXM=?=\r\n =?UTF-8?B?IEvDtmxu?=",
       "Gr\xC3\xBC\xC3\x9F"
       "e aus K\xC3\xB6ln"},
      {"twice padded", "=?utf-8?b?w7w=?= =?utf-8?b?YQ==?= =?utf-8?b?w7w=?=",
       "\xC3\xBC"
       "a\xC3\xBC"},
      {"a character split over base64 words", "=?utf-8?b?w58=?= =?utf-8?b?5Q==?= =?utf-8?b?sbE=?=", "\xC3\x9F\xE5\xB1\xB1"},
      {"a character split over words of both encodings", "=?utf-8?q?=E5=B1?= =?utf-8?b?sQ==?=", "\xE5\xB1\xB1"},
      {"a character split over a fold", "=?utf-8?Q?=E5?=\r\n\t=?utf-8?Q?=B1=B1?=", "\xE5\xB1\xB1"},
      {"RFC 2047: words apart", "=?ISO-8859-1?Q?a?= b", "a b"},
      {"RFC 2047: blanks between words", "=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"},
      {"RFC 2047: a blank that is meant", "=?ISO-8859-1?Q?a_b?=", "a b"},
      {"RFC 2047: a blank within the second", "=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"},
      {"latin 1", "=?iso-8859-1?q?Patrik_F=E4ltstr=F6m?= <p@example.org>", "Patrik F\xC3\xA4ltstr\xC3\xB6m <p@example.org>"},
      {"two charsets", "=?iso-8859-1?q?=FC?= =?utf-8?q?=C3=BC?=", "\xC3\xBC\xC3\xBC"},
      {"shift state in each word", "=?ISO-2022-JP?B?GyRCOzMbKEI=?= =?ISO-2022-JP?B?GyRCRUQbKEI=?=", "\xE5\xB1\xB1\xE7\x94\xB0"},
      {"a language (RFC 2231)", "=?utf-8*de?q?=C3=BC?=", "\xC3\xBC"},
      {"no padding", "=?utf-8?b?w7w?=", "\xC3\xBC"},
      {"within other text", "Re: =?utf-8?q?=C3=BC?= (=?utf-8?q?x?=)", "Re: \xC3\xBC (x)"},
      {"a line end within a word", "=?utf-8?q?a=0D=0ABcc:_x?=", "a  Bcc: x"},
      {"NUL", "=?utf-8?q?a=00b?=", "a b"},
      {"an unknown charset", "=?x-none?q?a?= =?x-none?q?b?=", "=?x-none?q?a?= =?x-none?q?b?="},
      {"an unknown encoding", "=?utf-8?x?a?=", "=?utf-8?x?a?="},
      {"no base64", "=?utf-8?b?!?=", "=?utf-8?b?!?="},
      {"no end", "=?utf-8?q?abc", "=?utf-8?q?abc"},
      {"a start only", "=?", "=?"},
      {"two starts", "=?=?utf-8?q?a?=", "=?a"},
      {"cut within a character", "=?utf-8?q?a=C3?=", "a\xEF\xBF\xBD"},
      {"a fold in plain text", "Very\r\n long\r\n\tname", "Very long name"},
      {"raw UTF-8",
       "Gr\xC3\xBC\xC3\x9F"
       "e",
       "Gr\xC3\xBC\xC3\x9F"
       "e"},
      {"raw octets", "a\xFF", "a\xEF\xBF\xBD"},
  };
  for (const Case& c : cases) EXPECT_EQ(header_text(c.value, 998), c.text) << c.name;
}

TEST(HeaderText, IsCutWhereACharacterEnds) {
  EXPECT_EQ(header_text("=?utf-8?q?=C3=BC=C3=BC?=", 3), "\xC3\xBC");
  EXPECT_EQ(header_text(std::string(5'000, 'x'), 998).size(), 998U);
}

TEST(HeaderText, IsValidForAnyOctetsAndReadInGoodTime) {
  for (const char* piece : {"=?", "=?a?q?", "=?a?b?=?=", "=?utf-8?q?=C3?= ", "=?cp037?q?a?= ", "?=", "\xC3"}) {
    std::string value;
    while (value.size() < 100'000) value += piece;
    EXPECT_TRUE(is_valid_utf8(header_text(value, 998))) << piece;
    EXPECT_LE(header_text(value, 998).size(), 998U) << piece;
  }
}

}  // namespace
}  // namespace postern
