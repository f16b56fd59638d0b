// Long lines: found in any split, mended so that what is decoded stays equal.
#include "mime/long_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::mime {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kLong(1'200, 'x');

std::string mended(const std::string& content, std::size_t piece = 1'000'000) {
  LineMender mender;
  std::string out;
  for (std::size_t at = 0; at < content.size(); at += piece) mender.feed(content.substr(at, piece), out);
  mender.finish(out);
  EXPECT_EQ(out, "") << "the first pass writes nothing";
  if (!mender.is_needed()) return content;
  mender.begin_writing();
  for (std::size_t at = 0; at < content.size(); at += piece) mender.feed(content.substr(at, piece), out);
  mender.finish(out);
  return out;
}

std::string decoded(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      octets.push_back(text[i]);
    } else if (text.substr(i, 3) == "=\r\n") {
      i += 2;
    } else {
      octets.push_back(static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16)));
      i += 2;
    }
  }
  return octets;
}

std::string body_of(const std::string& message) { return message.substr(message.find("\r\n\r\n") + 4); }

TEST(LongLines, AreFoundInAnySplit) {
  struct Case {
    std::size_t octets;
    bool is_long;
  };
  for (const Case& c : {Case{997, false}, Case{998, false}, Case{999, true}, Case{1'000, true}, Case{5'000, true}}) {
    for (const std::string& before : {std::string(), std::string("short\r\n"), std::string(998, 'y') + "\r\n"}) {
      const std::string text = before + std::string(c.octets, 'x') + "\r\nshort\r\n";
      EXPECT_EQ(has_long_line(text), c.is_long) << c.octets;
      for (const std::size_t piece : {1UL, 7UL, 999UL, 1'000UL, 1'001UL, 100'000UL}) {
        LongLineWatch watch;
        for (std::size_t at = 0; at < text.size(); at += piece) watch.feed(std::string_view(text).substr(at, piece));
        EXPECT_EQ(watch.is_found(), c.is_long) << c.octets << " in pieces of " << piece;
      }
    }
  }
}

TEST(LongLines, OfATextBecomeQuotedPrintableAndDecodeToTheSame) {
  const std::string body = "caf\xC3\xA9 = \t \r\n" + kLong + "--b\r\n.\r\n--b" + kLong + "\r\n\r\nFrom x\r\n";
  for (const std::size_t piece : {1UL, 100UL, 100'000UL}) {
    const std::string out = mended("Subject: x\r\n\r\n" + body, piece);
    EXPECT_FALSE(has_long_line(out));
    EXPECT_EQ(out.substr(0, out.find("\r\n\r\n") + 4),
              "Subject: x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    EXPECT_EQ(decoded(body_of(out)), body);
    EXPECT_THAT(out, Not(HasSubstr("\r\n--")));
  }
}

TEST(LongLines, ChangeOnlyThePartThatHasThem) {
  const std::string plain = "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\ncaf\xC3\xA9\r\n";
  const std::string html_head = "--b\r\nContent-Type: text/html; charset=utf-8\r\n";
  const std::string rest = "--b\r\nContent-Type: text/plain\r\n\r\nthird =20\r\n--b--\r\nepilogue\r\n";
  const std::string top = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"b\"\r\n\r\npreamble\r\n";
  const std::string out =
      mended(top + plain + html_head + "Content-Transfer-Encoding: 8bit\r\n\r\n<p>\xC3\xA9</p>" + kLong + "\r\n" + rest);
  const std::string changed = html_head + "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
  ASSERT_TRUE(out.starts_with(top + plain + changed)) << out;
  ASSERT_TRUE(out.ends_with("\r\n" + rest)) << out;
  const std::size_t begin = (top + plain + changed).size();
  EXPECT_EQ(decoded(out.substr(begin, out.size() - rest.size() - begin)), "<p>\xC3\xA9</p>" + kLong + "\r\n");
}

TEST(LongLines, OfEncodedPartsAreCut) {
  const std::string quoted = "a=20" + kLong + "=\r\nb=C3=A9" + kLong + "=3D" + kLong + "\r\n";
  const std::string quoted_out = mended("Content-Transfer-Encoding: Quoted-Printable\r\n\r\n" + quoted);
  EXPECT_FALSE(has_long_line(quoted_out));
  EXPECT_EQ(decoded(body_of(quoted_out)), decoded(quoted));
  std::string base64 = mended("Content-Transfer-Encoding: base64\r\n\r\n" + kLong + "==\r\n");
  EXPECT_FALSE(has_long_line(base64));
  base64 = body_of(base64);
  std::erase_if(base64, [](char c) { return c == '\r' || c == '\n'; });
  EXPECT_EQ(base64, kLong + "==");
}

TEST(LongLines, OfMessagesWithinMessagesAreMendedThere) {
  const std::string inner = "Subject: inner\r\nX-Long: " + std::string(800, 'a') + ' ' + std::string(800, 'b') + "\r\n\r\n";
  const std::string out = mended("Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n" + inner + kLong +
                                 "\r\n--d\r\nContent-Type: message/rfc822\r\n\r\nSubject: second\r\n\r\n" + kLong +
                                 "\r\n--d--\r\n");
  EXPECT_FALSE(has_long_line(out)) << out;
  EXPECT_THAT(out, HasSubstr("X-Long: " + std::string(800, 'a') + "\r\n " + std::string(800, 'b') +
                             "\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"));
  EXPECT_THAT(out, HasSubstr("Content-Type: message/rfc822\r\n\r\nSubject: second\r\nMIME-Version: 1.0\r\n"));
}

TEST(LongLines, StayWhereMendingWouldBreakMore) {
  for (const std::string& content : {
           "Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\n" + kLong + "\r\n--s--\r\n",
           "Content-Type: multipart/encrypted; boundary=s\r\n\r\n--s\r\n\r\n" + kLong + "\r\n--s--\r\n",
           "Content-Type: multipart/mixed\r\n\r\n" + kLong + "\r\n",
           "Content-Type: message/delivery-status\r\n\r\nX: " + kLong + "\r\n",
           "Content-Transfer-Encoding: x-uuencode\r\n\r\n" + kLong + "\r\n",
           "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + kLong + "\r\n--b\r\n\r\nx\r\n--b--\r\n" + kLong +
               "\r\n",
           "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nno field\r\n\r\n" + kLong + "\r\n--b--\r\n",
       }) {
    EXPECT_EQ(mended(content), content);
  }
  const std::string word = "X-Word: " + kLong + "\r\n\r\nx\r\n";
  EXPECT_EQ(mended(word), "X-Word:\r\n " + kLong + "\r\n\r\nx\r\n") << "only its white space can be folded";
}

TEST(LongLines, OfFieldsAreNeverFoldedToLinesOfNothingButBlanks) {
  std::string out;
  append_folded(out, "X: a" + std::string(2'000, ' ') + "\r\n");
  EXPECT_EQ(out, "X:\r\n a" + std::string(2'000, ' ') + "\r\n");
  out.clear();
  append_folded(out, "X: a" + std::string(1'500, ' ') + "b\r\n");
  EXPECT_THAT(out, Not(HasSubstr(" \r\n ")));
}

}  // namespace
}  // namespace postern::mime
