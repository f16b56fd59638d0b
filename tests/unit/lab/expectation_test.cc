#include "lab/expectation.h"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

namespace postern::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kMail =
    "From: Shop <shop@example.com>\r\nSubject: Your code\r\nList-Unsubscribe: <mailto:u@example.com>, <https://example.com/u/1>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n"
    "--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nYour code is 481516.\r\n"
    "--a\r\nContent-Type: text/html\r\n\r\n<p>Your code is <b>481516</b>. <a href=\"https://example.com/go?t=1\">Go</a></p>\r\n"
    "--a--\r\n--m\r\nContent-Type: application/pdf; name=terms.pdf\r\nContent-Disposition: attachment; filename=terms.pdf\r\n\r\n"
    "x\r\n--m--\r\n";

CapturedMail mail(std::string_view raw = kMail) { return open_mail({}, std::string(raw)); }

std::vector<std::string> problems_of(std::string_view expectation, const CapturedMail& captured) {
  const auto read = read_expectations(json::parse("{\"expect\":[" + std::string(expectation) + "]}"));
  EXPECT_TRUE(read) << expectation << (read ? "" : read.error().context());
  return read ? judge_mail(read->front(), captured) : std::vector<std::string>{"unread"};
}

TEST(Expectation, HoldsOfAMailThatHasWhatIsExpected) {
  for (const char* text : {R"({"text":"code is 481516"})", R"({"no_text":["password"]})", R"({"html":"<b>481516</b>"})",
                           R"({"header":{"subject":"code","X-None":false,"From":true}})", R"({"attachments":["*.pdf"]})",
                           R"({"link":"https://example.com/go*"})", R"({"max_octets":5000})", R"({"code":true})",
                           R"({"both_parts":true,"one_click":true,"sound_lines":true})"}) {
    EXPECT_THAT(problems_of(text, mail()), IsEmpty()) << text;
  }
}

TEST(Expectation, SaysWhatIsThereInstead) {
  struct Row {
    const char* text;
    const char* problem;
  };
  constexpr Row kRows[] = {
      {R"({"text":"goodbye"})", "text: expected to hold \"goodbye\"; it says \"Your code is 481516.\""},
      {R"({"no_text":"code"})", "no_text: expected not to hold \"code\", and it does"},
      {R"({"html":"<i>"})", "html: expected to hold \"<i>\"; it is \"<p>Your code"},
      {R"({"header":{"Subject":"Hello"}})", "header Subject: expected to hold \"Hello\"; it is \"Your code\""},
      {R"({"header":{"X-None":"a"}})", "header X-None: expected to be there, and is not"},
      {R"({"header":{"From":false}})", "header From: expected not to be there; it is \"Shop"},
      {R"({"attachments":"a.txt"})", "attachments: expected \"a.txt\"; there are \"terms.pdf\""},
      {R"({"link":"https://other/*"})", "link: expected \"https://other/*\"; there is \"https://example.com/go?t=1\""},
      {R"({"max_octets":10})", "max_octets: expected at most 10; it has "},
  };
  for (const Row& row : kRows) EXPECT_THAT(problems_of(row.text, mail()), ElementsAre(HasSubstr(row.problem))) << row.text;
}

TEST(Expectation, FindsWhatReceiversHoldAgainstAMail) {
  const CapturedMail plain =
      mail("Subject: x\r\nList-Unsubscribe: <http://example.com>\r\n\r\n" + std::string(1'200, 'a') + "\r\nb\nc\r\n");
  EXPECT_THAT(problems_of(R"({"both_parts":true})", plain), ElementsAre("both_parts: expected text and HTML; there is no HTML"));
  EXPECT_THAT(problems_of(R"({"one_click":true})", plain), ElementsAre(HasSubstr("RFC 8058")));
  EXPECT_THAT(problems_of(R"({"sound_lines":true})", plain),
              ElementsAre("sound_lines: a line has 1200 octets, more than 998", "sound_lines: a CR or an LF stands alone"));
  EXPECT_THAT(problems_of(R"({"code":true})", plain), ElementsAre(HasSubstr("no one-time code")));
}

TEST(Expectation, TellsAllThatIsWrongOfAListAtOnce) {
  const auto read = read_expectations(json::parse(R"({"expect":[{"count":-1},{"texte":"a"},{"count":1,"at_most":2},7]})"));
  ASSERT_FALSE(read);
  for (const char* part : {"expect[0].count: has to be a number", "expect[1].texte: there is no such name here",
                           "expect[2].count: excludes at_least", "expect[3]: has to be an object"}) {
    EXPECT_THAT(read.error().context(), HasSubstr(part));
  }
  EXPECT_FALSE(read_expectations(json::parse(R"({"expect":[]})")));
  EXPECT_FALSE(read_expectations(json::parse("[]")));
}

TEST(Expectation, PrintsTapThatProgramsRead) {
  const std::vector<Verdict> verdicts = {{"welcome #1", {}, {}}, {"reset", {}, {"count: expected 1; \"none\""}}};
  EXPECT_EQ(format_tap(verdicts),
            "TAP version 14\n1..2\nok 1 - welcome  1\nnot ok 2 - reset\n  ---\n  problems:\n"
            "    - \"count: expected 1; \\\"none\\\"\"\n  ...\n");
  EXPECT_FALSE(have_passed(verdicts));
}

}  // namespace
}  // namespace postern::lab
