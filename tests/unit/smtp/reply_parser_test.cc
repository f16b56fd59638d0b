#include "smtp/reply_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

// All of `octets` in pieces of `piece_size`; the parser's last word.
ReplyParser::Progress feed(ReplyParser& parser, std::string_view octets, std::size_t piece_size) {
  ReplyParser::Progress progress = ReplyParser::Progress::NeedMore;
  while (!octets.empty() && progress == ReplyParser::Progress::NeedMore) {
    std::string_view piece = octets.substr(0, piece_size);
    octets.remove_prefix(piece.size());
    progress = parser.consume(piece);
  }
  return progress;
}

struct GoodCase {
  const char* name;
  std::string_view octets;
  std::string_view status;  // formatted
  std::string_view lines;
};

const GoodCase kGoodCases[] = {
    {"one line", "250 ok\r\n", "250 ok", "ok\n"},
    {"code alone", "250\r\n", "250", "\n"},
    {"code and space", "250 \r\n", "250", "\n"},
    {"enhanced code", "550 5.1.1 no such user\r\n", "550 5.1.1 no such user", "5.1.1 no such user\n"},
    {"enhanced code alone", "250 2.0.0\r\n", "250 2.0.0", "2.0.0\n"},
    {"enhanced code of another class stays text", "550 4.1.1 odd\r\n", "550 4.1.1 odd", "4.1.1 odd\n"},
    {"a word like an enhanced code stays text", "550 5.1.1.2 odd\r\n", "550 5.1.1.2 odd", "5.1.1.2 odd\n"},
    {"lines are joined", "550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three\r\n", "550 5.7.1 one two three",
     "5.7.1 one\n5.7.1 two\n5.7.1 three\n"},
    {"empty continuation", "250-\r\n250-a\r\n250 \r\n", "250 a", "\na\n\n"},
    {"controls and what is no UTF-8 are replaced", "450 a\tb\x1b[0m\xc3\xe2\x80\xae\r\n", "450 a b?[0m??", "a b?[0m??\n"},
    {"UTF-8 is kept", "550 5.1.1 \xe7\x94\xa8\xe6\x88\xb7 \xf0\x9f\x93\xad\r\n",
     "550 5.1.1 \xe7\x94\xa8\xe6\x88\xb7 \xf0\x9f\x93\xad", "5.1.1 \xe7\x94\xa8\xe6\x88\xb7 \xf0\x9f\x93\xad\n"},
    {"bare LF", "250 ok\n", "250 ok", "ok\n"},
    {"bare LF in some lines", "250-a\n250-b\r\n250 c\n", "250 a b c", "a\nb\nc\n"},
    {"double CR", "250-a\r\r\n250 ok\r\r\n", "250 a ok", "a\nok\n"},
    {"a second digit above 5", "571 5.7.1 no\r\n", "571 5.7.1 no", "5.7.1 no\n"},
};

TEST(ReplyParser, ReadsRepliesHoweverTheyAreCut) {
  for (const GoodCase& c : kGoodCases) {
    for (const std::size_t piece_size : {1U, 2U, 3U, 5U, 1000U}) {
      SCOPED_TRACE(c.name);
      ReplyParser parser;
      ASSERT_EQ(feed(parser, c.octets, piece_size), ReplyParser::Progress::Done);
      const Reply reply = parser.take();
      EXPECT_EQ(format_status(reply.status), c.status);
      EXPECT_EQ(reply.lines, c.lines);
      EXPECT_EQ(feed(parser, c.octets, piece_size), ReplyParser::Progress::Done) << "it starts afresh";
    }
  }
}

TEST(ReplyParser, KeepsTheClassOfAnEnhancedCodeApartFromTheText) {
  ReplyParser parser;
  ASSERT_EQ(feed(parser, "550 4.1.1 odd\r\n", 100), ReplyParser::Progress::Done);
  EXPECT_FALSE(parser.take().status.enhanced.has_value());
}

TEST(ReplyParser, LeavesTheNextReplyInTheInput) {
  ReplyParser parser;
  std::string_view input = "250 a\r\n354 b\r\n";
  ASSERT_EQ(parser.consume(input), ReplyParser::Progress::Done);
  EXPECT_EQ(input, "354 b\r\n");
  EXPECT_EQ(parser.take().code(), 250);
  ASSERT_EQ(parser.consume(input), ReplyParser::Progress::Done);
  EXPECT_EQ(parser.take().code(), 354);
}

std::string repeated(std::string_view line, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text.append(line);
  return text;
}

struct BadCase {
  const char* name;
  std::string octets;
  ReplyProblem problem;
};

TEST(ReplyParser, GivesUpOnWhatIsNotAReply) {
  using namespace std::string_literals;
  const BadCase cases[] = {
      {"empty line", "\r\n", ReplyProblem::BadCode},
      {"text", "SSH-2.0-OpenSSH\r\n", ReplyProblem::BadCode},
      {"two digits", "25\r\n", ReplyProblem::BadCode},
      {"four digits", "2500 ok\r\n", ReplyProblem::BadCode},
      {"first digit 1", "150 ok\r\n", ReplyProblem::BadCode},
      {"first digit 6", "650 ok\r\n", ReplyProblem::BadCode},
      {"signed", "+25 ok\r\n", ReplyProblem::BadCode},
      {"leading space", " 250 ok\r\n", ReplyProblem::BadCode},
      {"no separator", "250ok\r\n", ReplyProblem::BadCode},
      {"tab as separator", "250\tok\r\n", ReplyProblem::BadCode},
      {"LF alone", "\n", ReplyProblem::BadCode},
      {"bare CR", "250 o\rk\r\n", ReplyProblem::BareCr},
      {"NUL", "250 o\0k\r\n"s, ReplyProblem::Nul},
      {"code changes", "250-a\r\n550 b\r\n", ReplyProblem::CodeChanged},
      {"junk in a continuation", "250-a\r\nb\r\n", ReplyProblem::BadCode},
      {"endless line", std::string(100'000, '2'), ReplyProblem::LineTooLong},
      {"line one octet too long", "250 " + std::string(kMaxReplyLineOctets - 5, 'x') + "\r\n", ReplyProblem::LineTooLong},
      {"10,000 continuation lines", repeated("250-x\r\n", 10'000), ReplyProblem::ReplyTooLong},
      {"long continuation lines", repeated("250-" + std::string(1'000, 'x') + "\r\n", 50), ReplyProblem::ReplyTooLong},
  };
  for (const BadCase& c : cases) {
    for (const std::size_t piece_size : {1U, 7U, 200'000U}) {
      SCOPED_TRACE(c.name);
      ReplyParser parser;
      ASSERT_EQ(feed(parser, c.octets, piece_size), ReplyParser::Progress::Failed);
      EXPECT_EQ(parser.problem(), c.problem) << reply_problem_text(parser.problem());
      std::string_view more = "250 ok\r\n";
      EXPECT_EQ(parser.consume(more), ReplyParser::Progress::Failed);
    }
  }
}

TEST(ReplyParser, TakesALineAndALineCountAtTheirLimits) {
  ReplyParser parser;
  const std::string longest = "250 " + std::string(kMaxReplyLineOctets - 6, 'x') + "\r\n";
  EXPECT_EQ(feed(parser, longest, 100), ReplyParser::Progress::Done);
  EXPECT_EQ(parser.take().status.text.size(), kMaxReplyTextOctets);
  EXPECT_EQ(feed(parser, repeated("250-x\r\n", kMaxReplyLines - 1) + "250 x\r\n", 100), ReplyParser::Progress::Done);
}

TEST(ReplyParser, CutsTheTextBetweenCharacters) {
  ReplyParser parser;
  std::string text = "550 ";
  for (std::size_t i = 0; i < kMaxReplyTextOctets; ++i) text += "\xe7\x94\xa8";
  text.resize(4 + 3 * 600);
  ASSERT_EQ(feed(parser, text + "\r\n", 4'096), ReplyParser::Progress::Done);
  EXPECT_EQ(parser.take().status.text.size(), kMaxReplyTextOctets / 3 * 3);
}

TEST(ReplyParser, BoundsTheTextItKeeps) {
  ReplyParser parser;
  ASSERT_EQ(feed(parser, repeated("550-" + std::string(299, 'x') + "\r\n", 9) + "550 end\r\n", 4'096),
            ReplyParser::Progress::Done);
  EXPECT_EQ(parser.take().status.text.size(), kMaxReplyTextOctets);
}

}  // namespace
}  // namespace postern::smtp
