// What every reader takes alike, and what two readers could take differently.
#include "mime/from_field.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

using Domains = std::vector<std::string>;

TEST(FromField, NamesTheDomainsOfWhatEverybodyReadsAlike) {
  struct Case {
    const char* value;
    Domains domains;
  };
  const Case cases[] = {
      {" ann@example.org", {"example.org"}},
      {" Ann Example <ann@EXAMPLE.org>", {"example.org"}},
      {" Ann <ann@example.org>\r\n", {"example.org"}},
      {" Ann\r\n\t<ann@example.org>", {"example.org"}},
      {" \"Ann, of Example\" <ann@example.org>", {"example.org"}},
      {" \"Ann \\\"A.\\\" Example\" <ann@example.org>", {"example.org"}},
      {" Ann Q. Example<ann@example.org>", {"example.org"}},
      {" Ann (Sales) <ann@example.org> (at work)", {"example.org"}},
      {" ann@example.org (Ann Example)", {"example.org"}},
      {" ann@one.example, Bob <bob@two.example>", {"one.example", "two.example"}},
      {" Gr\xC3\xBC\xC3\x9F" "e <ann@example.org>", {"example.org"}},
      {" =?utf-8?q?M=C3=BCller=2C_Ann_=28Sales=29?= <ann@example.org>", {"example.org"}},
      {" =?iso-8859-1?B?QW5u?= Example <ann@example.org>", {"example.org"}},
      {" ann@xn--bcher-kva.example", {"xn--bcher-kva.example"}},
      {" ann@b\xC3\xBC" "cher.Example", {"xn--bcher-kva.example"}},
      {" a..b@docomo.example", {"docomo.example"}},
      {" \"a..b\"@docomo.example", {"docomo.example"}},
      {" \"Ann @ Acme\" <ann@example.org>", {"example.org"}},
      {" \"@ann\" <ann@example.org>", {"example.org"}},
      {" MAILER-DAEMON@host1.example.org (Mail Delivery System)", {"host1.example.org"}},
  };
  for (const Case& c : cases) EXPECT_EQ(address_domains(c.value), c.domains) << c.value;
}

// Some readers show them, or believe them.
TEST(FromField, NamesTheDomainsOfAddressesInNamesAndCommentsToo) {
  const Domains both = {"example.org", "victim.example"};
  for (const char* value : {
           " ceo@victim.example <ann@example.org>",
           " \"ceo@victim.example\" <ann@example.org>",
           " \"ceo@victim.example, \" <ann@example.org>",
           " \"ceo @ victim.example\" <ann@example.org>",
           " \"ceo\\@victim.example\" <ann@example.org>",
           " \"ceo@vic\\tim.example\" <ann@example.org>",
           " \"a\\\", ceo@victim.example, \\\"b\" <ann@example.org>",
           " ann@example.org (ceo@victim.example)",
           " Ann (ceo@victim.example) <ann@example.org>",
           " \"ceo\xEF\xBC\xA0victim.example\" <ann@example.org>",
           " =?utf-8?q?ceo=40victim.example?= <ann@example.org>",
           " =?utf-8?B?Y2VvQHZpY3RpbS5leGFtcGxl?= <ann@example.org>",
           " =?utf-8?q?ceo=40vic?= =?utf-8?q?tim.example?= <ann@example.org>",
           " =?utf-8?q?ceo=40?=victim.example <ann@example.org>",
           " \"=?utf-8?q?ceo=40victim.example?=\" <ann@example.org>",
           " =?utf-7?q?ceo+AEA-victim.example?= <ann@example.org>",
           " =?utf-16be?B?AGMAZQBvAEAAdgBpAGMAdABpAG0ALgBlAHgAYQBtAHAAbABl?= <ann@example.org>",
           " (=?utf-8?q?ceo=40victim.example?=) ann@example.org",
       }) {
    EXPECT_EQ(address_domains(value), both) << value;
  }
}

TEST(FromField, IsUnclearWhereReadersDiffer) {
  for (const std::string_view value : {
           // Blanks and comments within an address.
           " ceo@victim.com good.example", " ceo@victim.com good.example <ann@good.example>", " <ceo@victim.com good.example>",
           " <ann@good.example >", " < ann@good.example>", " ann@good .example", " ann @good.example", " ann@ good.example",
           " ann@good(.victim).example", " <ann@good.example(c)>", " ann(c)@good.example", " ann@good.example(c)",
           " ann@good\r\n .example", " ann@good.\r\n\texample", " <ann@good.example\r\n >",
           // More than one address where one stands.
           " <ceo@victim.com> <ann@good.example>", " ann@good.example <ceo@victim.com> x", " <ann@good.example> ceo@victim.com",
           " <ceo@victim.com>ann@good.example", " ann@good.example ceo@victim.com", " <ann@good.example", " ann@good.example>",
           " <<ann@good.example>>", " <ann@good.example>>", " Ann ceo@victim.com", " ann@good.example;ceo@victim.com",
           // Groups and routes.
           " Team: ann@good.example;", " Team:ann@good.example, ceo@victim.com;", " undisclosed:;",
           " <@victim.com:ann@good.example>", " <@victim.com,@x.example:ann@good.example>", " ann@good.example:x",
           // Quotes and comments that some readers do not know.
           " \"<ceo@victim.com>\" <ann@good.example>", " ann@good.example (<ceo@victim.com>)", " (a (b)) ann@good.example",
           " (a\\) ann@good.example", " \"ceo@victim.com\" ann@good.example", " \"ceo@victim.com\"@good.example",
           " \"ceo <\"@good.example", " \"unclosed <ann@good.example>", " (unclosed ann@good.example", " ann@good.example)",
           " \"x\"ann@good.example", " Ann [ceo] <ann@good.example>", " ann\\@victim.com <ann@good.example>",
           // Encoded words where no word may stand, that hide structure, or that nobody or not everybody can decode.
           " =?utf-8?q?ceo=40victim.com?=@good.example", " =?utf-8?q?=3Cceo=40victim.com=3E?= <ann@good.example>",
           " =?utf-8?q?x=3E?= <ann@good.example>", " =?x-unknown?q?ceo=40victim.com?= <ann@good.example>",
           " <=?utf-8?q?ann?=@good.example>",
           // Octets.
           " ann@good.example\x01", " Ann \x1B$B<ann@good.example>", " Ann \xE9 <ann@good.example>",
           " Ann \xE2\x80\xAE <ann@good.example>", " ann@good.example\x7F", " ann@good.example\n ceo@victim.com",
           " ann@\xEF\xBD\x87ood.example", " ann@stra\xC3\x9F" "e.example", " ann@good\xE3\x80\x82" "example",
           " ann@B\xC3\x9C" "cher.example",
           // Empty elements and literals.
           " ,ann@good.example", " ann@good.example,", " ann@good.example,,ann@good.example", " ann@[192.0.2.1]", " @good.example",
           " ann@", " ann@good.example.", " ann@good..example", " ann@@good.example", " ann@victim.com@good.example", " <>",
       }) {
    const FromField from = read_from_field(value);
    EXPECT_EQ(from.fault, FromFault::Unclear) << value;
    EXPECT_TRUE(from.domains.empty()) << value;
  }
}

TEST(FromField, SaysWhereADomainIsMissing) {
  for (const char* value : {" root", " root (Cron Daemon)", " Ann Example", " Ann <root>", " root, ann@example.org"}) {
    EXPECT_EQ(read_from_field(value).fault, FromFault::NoDomain) << value;
  }
  for (const char* value : {"", " ", "\r\n "}) EXPECT_EQ(read_from_field(value).fault, FromFault::Empty) << value;
}

}  // namespace
}  // namespace postern::mime
