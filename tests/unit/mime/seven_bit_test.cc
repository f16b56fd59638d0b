// What becomes of 8-bit content for a next hop without 8BITMIME, by the shape of its MIME, in any pieces.
#include "core/bytes.h"
#include "mime/long_lines.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

struct Converted {
  std::string content;
  std::string obstacle;
};

Converted convert(const std::string& content, std::size_t piece) {
  LineMender mender(Mending::HighOctets);
  std::string out;
  const auto feed_all = [&] {
    for (std::size_t at = 0; at < content.size(); at += piece) mender.feed(std::string_view(content).substr(at, piece), out);
    mender.finish(out);
  };
  feed_all();
  EXPECT_EQ(out, "") << "the first pass writes nothing";
  if (!mender.obstacle().empty()) return {{}, std::string(mender.obstacle())};
  if (!mender.is_needed()) return {content, {}};
  mender.begin_writing();
  feed_all();
  return {out, {}};
}

struct ShapeCase {
  const char* name;
  std::string from;
  std::string to;
};

void expect_converted(const std::vector<ShapeCase>& cases) {
  for (const ShapeCase& c : cases) {
    for (const std::size_t piece : {1UL, 7UL, 100'000UL}) {
      const Converted converted = convert(c.from, piece);
      EXPECT_EQ(converted.obstacle, "") << c.name;
      EXPECT_EQ(converted.content, c.to) << c.name << " in pieces of " << piece;
      EXPECT_FALSE(has_high_octet(converted.content)) << c.name;
    }
  }
}

const std::string kCafe = "caf\xC3\xA9\r\n";
const std::string kCafeEncoded = "caf=C3=A9\r\n";
const std::string kEncoding = "Content-Transfer-Encoding: quoted-printable\r\n";

TEST(SevenBit, IsWhatASinglePartBecomes) {
  const std::string utf8 = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
  expect_converted({
      {"said to be 8bit", utf8 + "Content-Transfer-Encoding: 8bit\r\nX-Last: 1\r\n\r\n" + kCafe + "a = b\t\r\n.\r\nFrom x\r\n",
       utf8 + "X-Last: 1\r\n" + kEncoding + "\r\n" + kCafeEncoded + "a =3D b=09\r\n.\r\nFrom x\r\n"},
      {"said to be binary, folded", utf8 + "content-transfer-encoding:\r\n binary\r\n\r\n\xFF\xFE\r\n",
       utf8 + kEncoding + "\r\n=FF=FE\r\n"},
      {"said to be 8bit, with a comment", utf8 + "Content-Transfer-Encoding: 8BIT (as it is)\r\n\r\n" + kCafe,
       utf8 + kEncoding + "\r\n" + kCafeEncoded},
      {"nothing said, and no MIME", "Subject: x\r\n\r\n" + kCafe,
       "Subject: x\r\nMIME-Version: 1.0\r\n" + kEncoding + "\r\n" + kCafeEncoded},
      {"no line end at the end", utf8 + "\r\ncaf\xC3\xA9", utf8 + kEncoding + "\r\ncaf=C3=A9"},
      {"a long field stays", "X: a" + std::string(1'200, ' ') + "b\r\n\r\n" + kCafe,
       "X: a" + std::string(1'200, ' ') + "b\r\nMIME-Version: 1.0\r\n" + kEncoding + "\r\n" + kCafeEncoded},
      {"quoted-printable with octets that do not belong there", kEncoding + "\r\na=20b=\r\n" + kCafe,
       kEncoding + "\r\na=20b=\r\n" + kCafeEncoded},
      {"base64 with octets that do not count", "Content-Transfer-Encoding: base64\r\n\r\nYWJj\xA0ZGVm\r\n",
       "Content-Transfer-Encoding: base64\r\n\r\nYWJjZGVm\r\n"},
      {"nothing 8-bit", utf8 + "Content-Transfer-Encoding: 8bit\r\n\r\nx\r\n",
       utf8 + "Content-Transfer-Encoding: 8bit\r\n\r\nx\r\n"},
  });
}

TEST(SevenBit, IsMadePartByPart) {
  const std::string mixed = "Content-Type: multipart/mixed; boundary=\"b\"\r\n";
  const std::string plain = "--b\r\nContent-Type: text/plain\r\n\r\nplain = \r\n";
  const std::string image = "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n";
  const std::string inner = "--b\r\nContent-Type: multipart/alternative; boundary=i\r\n";
  expect_converted({
      {"only the part that has them; no encoding on what has parts",
       mixed + "Content-Transfer-Encoding: 8bit\r\n\r\n" + plain + "--b\r\n\r\n" + kCafe + image + "--b--\r\n",
       mixed + "\r\n" + plain + "--b\r\n" + kEncoding + "\r\n" + kCafeEncoded + image + "--b--\r\n"},
      {"multiparts within multiparts, each with a label",
       mixed + "\r\n" + inner + "Content-Transfer-Encoding: 8bit\r\n\r\n--i\r\n\r\n" + kCafe + "--i--\r\n" + plain + "--b--\r\n",
       mixed + "\r\n" + inner + "\r\n--i\r\n" + kEncoding + "\r\n" + kCafeEncoded + "--i--\r\n" + plain + "--b--\r\n"},
      {"a part that looks like a delimiter once it is encoded", mixed + "\r\n--b\r\n\r\n--c" + kCafe + "--b--\r\n",
       mixed + "\r\n--b\r\n" + kEncoding + "\r\n=2D-ccaf=C3=A9\r\n--b--\r\n"},
      {"what nobody reads before and behind the parts", mixed + "\r\nf\xFCr\r\n" + plain + "--b--\r\nn\xE4h\r\n",
       mixed + "\r\nf?r\r\n" + plain + "--b--\r\nn?h\r\n"},
      {"no end", mixed + "\r\n--b\r\n\r\n" + kCafe, mixed + "\r\n--b\r\n" + kEncoding + "\r\n" + kCafeEncoded},
  });
}

TEST(SevenBit, IsMadeWithinMessagesWithinMessages) {
  const std::string forwarded = "Content-Type: message/rfc822\r\n";
  const std::string digest = "Content-Type: multipart/digest; boundary=d\r\n\r\n";
  expect_converted({
      {"the encoding goes on the inner header, and none on the message",
       forwarded + "Content-Transfer-Encoding: 8bit\r\n\r\nSubject: inner\r\n\r\n" + kCafe,
       forwarded + "\r\nSubject: inner\r\nMIME-Version: 1.0\r\n" + kEncoding + "\r\n" + kCafeEncoded},
      {"two deep", forwarded + "\r\n" + forwarded + "\r\nSubject: inner\r\n\r\n" + kCafe,
       forwarded + "\r\n" + forwarded + "\r\nSubject: inner\r\nMIME-Version: 1.0\r\n" + kEncoding + "\r\n" + kCafeEncoded},
      {"parts of a digest are messages", digest + "--d\r\n\r\nSubject: inner\r\n\r\n" + kCafe + "--d--\r\n",
       digest + "--d\r\n\r\nSubject: inner\r\nMIME-Version: 1.0\r\n" + kEncoding + "\r\n" + kCafeEncoded + "--d--\r\n"},
      {"an internationalised message may itself be encoded (RFC 6532)",
       "Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: gr\xC3\xBC\xC3\x9F\r\n\r\nx\r\n",
       "Content-Type: message/global\r\nMIME-Version: 1.0\r\n" + kEncoding + "\r\nSubject: gr=C3=BC=C3=9F\r\n\r\nx\r\n"},
  });
}

TEST(SevenBit, IsNotMadeOfWhatMayNotBeEncoded) {
  const std::string signed_whole = "Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\n";
  struct Case {
    const char* name;
    std::string content;
    std::string obstacle;
  };
  for (const Case& c : {
           Case{"a signed text", signed_whole + kCafe + "--s--\r\n", "it is signed or encrypted as a whole"},
           Case{"a signed text within others",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + signed_whole + kCafe + "--s--\r\n--b--\r\n",
                "it is signed or encrypted as a whole"},
           Case{"a field", "Subject: " + kCafe + "\r\nx\r\n", "a header section of it is 8-bit"},
           Case{"a part's field", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: " + kCafe + "\r\nx\r\n--b--\r\n",
                "a header section of it is 8-bit"},
           Case{"a part without an empty line", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + kCafe + "--b--\r\n",
                "a header section of it is 8-bit"},
           Case{"a forwarded message's field", "Content-Type: message/rfc822\r\n\r\nSubject: " + kCafe + "\r\nx\r\n",
                "a header section of it is 8-bit"},
           Case{"a report's status", "Content-Type: message/delivery-status\r\n\r\nX: " + kCafe,
                "an 8-bit part of it may not be encoded"},
           Case{"an encoding of one's own", "Content-Transfer-Encoding: x-uuencode\r\n\r\n" + kCafe,
                "an 8-bit part of it may not be encoded"},
           Case{"no boundary", "Content-Type: multipart/mixed\r\n\r\n" + kCafe, "its parts cannot be told apart"},
           Case{"a boundary that never comes", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + kCafe,
                "its parts cannot be told apart"},
           Case{"one that never comes within another",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" +
                    kCafe + "--b--\r\n",
                "its parts cannot be told apart"},
       }) {
    for (const std::size_t piece : {1UL, 100'000UL}) EXPECT_EQ(convert(c.content, piece).obstacle, c.obstacle) << c.name;
  }
  const std::string whole = signed_whole + "7-bit\r\n--s--\r\n";
  EXPECT_EQ(convert(whole, 100).content, whole) << "signed, and 7-bit as it should be";
}

}  // namespace
}  // namespace postern::mime
