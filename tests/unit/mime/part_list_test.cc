#include "mime/part_list.h"

#include <gmock/gmock.h>

#include <string>

namespace postern::mime {
namespace {

std::vector<std::string> types_of(std::string_view message) {
  std::vector<std::string> types;
  for (const ListedPart& part : list_parts(message)) types.push_back(part.type);
  return types;
}

using ::testing::ElementsAre;

TEST(PartList, HoldsTheLeavesInTheirOrder) {
  EXPECT_THAT(types_of("Content-Type: multipart/mixed; boundary=\"a b\"\n\npreamble\n--a b\nContent-Type: multipart/alternative;\n"
                       " boundary=c\n\n--c\n\none\n--c\nContent-Type: TEXT/Html\n\ntwo\n--c--\n--a b  \n"
                       "Content-Type: message/rfc822\n\nSubject: x\n\ny\n--a b--\nepilogue\n"),
              ElementsAre("text/plain", "text/html", "message/rfc822"));
}

TEST(PartList, GuessesADelimiterThatIsNotTheOneAnnounced) {
  EXPECT_THAT(types_of("Content-Type: multipart/report; boundary=wrong\n\n--right\nContent-Type: text/plain\n\none\n--right\n"
                       "Content-Type: message/delivery-status\n\ntwo\n--right--\n"),
              ElementsAre("text/plain", "message/delivery-status"));
}

TEST(PartList, IsOneTextWhereNothingCanBeCut) {
  EXPECT_THAT(types_of("Content-Type: multipart/mixed\n\nwords\n"), ElementsAre("text/plain"));
  EXPECT_THAT(types_of("no header at all"), ElementsAre("text/plain"));
  EXPECT_THAT(types_of(""), ElementsAre("text/plain"));
}

TEST(PartList, StopsAtItsBounds) {
  std::string wide = "Content-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 1'000; ++i) wide.append("--b\n\nx\n");
  EXPECT_EQ(list_parts(wide).size(), kMaxListedParts);
  std::string deep;
  for (int i = 0; i < 1'000; ++i)
    deep.append("Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "\n\n--b" + std::to_string(i) + "\n");
  EXPECT_EQ(types_of(deep), std::vector<std::string>{"multipart/mixed"});
}

TEST(ListedText, IsDecodedAsFarAsItCanBe) {
  const auto text = [](std::string_view message) { return listed_text(list_parts(message).at(0), 1'000); };
  EXPECT_EQ(text("Content-Transfer-Encoding: quoted-printable\n\na=3Db=\nc=zz"), "a=bc=zz");
  EXPECT_EQ(text("Content-Transfer-Encoding: base64\n\naGVsbG8N\nCndvcmxk"), "hello\nworld");
  EXPECT_EQ(text("Content-Type: text/plain; charset=\"iso-8859-1\"\n\ncaf\xe9"), "caf\xc3\xa9");
  EXPECT_EQ(text("Content-Type: text/plain; charset=none-such\n\n\xff"), "\xef\xbf\xbd");
  EXPECT_EQ(text("Content-Type: text/html\n\n<p>a</p>b"), "\na\nb");
}

TEST(FieldParameter, KeepsToItsQuotes) {
  EXPECT_EQ(field_parameter("multipart/x; a=\"b;boundary=no\\\"\"; boundary=yes ; c", "Boundary"), "yes");
  EXPECT_EQ(field_parameter("multipart/x; a=\"b;c\\\"d\"", "a"), "b;c\"d");
  EXPECT_EQ(field_parameter("text/plain", "boundary"), std::nullopt);
}

TEST(ListedField, IsUnfolded) {
  EXPECT_EQ(listed_field("From x\nSubject : a\n b\n\tc\nTo: d\n", "subject"), "a b c");
  EXPECT_EQ(listed_field("Subject: a\n", "To"), std::nullopt);
}

TEST(LineEnds, BecomeLf) {
  EXPECT_EQ(with_lf_line_ends("a\r\nb\rc\nd\r"), "a\nb\nc\nd\n");
}

}  // namespace
}  // namespace postern::mime
