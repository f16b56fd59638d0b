// Mail data → content: every sequence that has been used to smuggle a message, on every split.
#include "smtp/content_reader.h"
#include "smtp/limits.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace postern::smtp {
namespace {

using Progress = ContentReader::Progress;

struct Reading {
  Progress progress = Progress::NeedMore;
  std::string content;
  std::string rest;  // not consumed
  bool has_nul = false;
  bool has_long_line = false;
};

// Gives `input` in two parts, cut at `cut`.
Reading read_cut(const std::string& input, std::size_t cut) {
  ContentReader reader;
  Reading result;
  for (std::string_view part : {std::string_view(input).substr(0, cut), std::string_view(input).substr(cut)}) {
    while (!part.empty() && result.progress == Progress::NeedMore) {
      const auto piece = reader.read(part);
      result.progress = piece.progress;
      result.content += piece.content;
      part.remove_prefix(piece.consumed);
    }
    result.rest += part;
  }
  result.has_nul = reader.has_nul();
  result.has_long_line = reader.has_long_line();
  return result;
}

struct ContentCase {
  const char* name;
  std::string input;
  Progress progress;
  std::string content;
  std::string rest = "";
};

class ContentReaderTable : public testing::TestWithParam<ContentCase> {};

TEST_P(ContentReaderTable, ReadsTheSameOnEverySplit) {
  const ContentCase& c = GetParam();
  for (std::size_t cut = 0; cut <= c.input.size(); ++cut) {
    const Reading reading = read_cut(c.input, cut);
    ASSERT_EQ(reading.progress, c.progress) << cut;
    if (c.progress == Progress::BareNewline) continue;  // what came before it is thrown away
    ASSERT_EQ(reading.content, c.content) << cut;
    ASSERT_EQ(reading.rest, c.rest) << cut;
  }
}

std::string content_name(const testing::TestParamInfo<ContentCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Ends, ContentReaderTable, testing::Values(
    ContentCase{"Empty", ".\r\n", Progress::EndOfData, ""},
    ContentCase{"OneLine", "a\r\n.\r\n", Progress::EndOfData, "a\r\n"},
    ContentCase{"EmptyLines", "\r\n\r\n.\r\n", Progress::EndOfData, "\r\n\r\n"},
    ContentCase{"StopsBehindTheEnd", "a\r\n.\r\nQUIT\r\n", Progress::EndOfData, "a\r\n", "QUIT\r\n"},
    ContentCase{"StuffedDot", "..\r\n.\r\n", Progress::EndOfData, ".\r\n"},
    ContentCase{"StuffedLine", "..a.\r\n...\r\n.\r\n", Progress::EndOfData, ".a.\r\n..\r\n"},
    ContentCase{"DotThatWasNotStuffed", ".a\r\n.\r\n", Progress::EndOfData, "a\r\n"},
    ContentCase{"DotInsideALine", "a.\r\nb.c\r\n.\r\n", Progress::EndOfData, "a.\r\nb.c\r\n"},
    ContentCase{"DotAndBlankIsNoEnd", ". \r\n.\r\n", Progress::EndOfData, " \r\n"},
    ContentCase{"BlankAndDotIsNoEnd", " .\r\n.\r\n", Progress::EndOfData, " .\r\n"},
    ContentCase{"NoEnd", "a\r\n..", Progress::NeedMore, "a\r\n."},
    ContentCase{"UnicodeSeparatorsEndNothing", "a\xE2\x80\xA8.\xE2\x80\xA8\xC2\x85.\xC2\x85\r\n.\r\n", Progress::EndOfData,
         "a\xE2\x80\xA8.\xE2\x80\xA8\xC2\x85.\xC2\x85\r\n"},
    ContentCase{"VerticalTabAndFormFeedEndNothing", "a\v.\v\f.\f\r\n.\r\n", Progress::EndOfData, "a\v.\v\f.\f\r\n"}), content_name);

// CVE-2023-51764, -51765, -51766, -52354, CVE-2024-27305 and their kin.
INSTANTIATE_TEST_SUITE_P(Smuggling, ContentReaderTable, testing::Values(
    ContentCase{"LfDotLf", "a\n.\n", Progress::BareNewline, ""},
    ContentCase{"LfDotCrlf", "a\n.\r\n", Progress::BareNewline, ""},
    ContentCase{"CrlfDotLf", "a\r\n.\n", Progress::BareNewline, ""},
    ContentCase{"CrDotCr", "a\r.\r", Progress::BareNewline, ""},
    ContentCase{"CrDotCrlf", "a\r.\r\n", Progress::BareNewline, ""},
    ContentCase{"CrlfDotCrX", "a\r\n.\rx", Progress::BareNewline, ""},
    ContentCase{"CrlfDotCrCrlf", "a\r\n.\r\r\n", Progress::BareNewline, ""},
    ContentCase{"CrCrlfDotCrlf", "a\r\r\n.\r\n", Progress::BareNewline, ""},
    ContentCase{"CrlfNulDot", std::string("a\r\n\0.\r\n.\r\n", 10), Progress::EndOfData, std::string("a\r\n\0.\r\n", 7)},
    ContentCase{"LfAlone", "\n", Progress::BareNewline, ""},
    ContentCase{"LfCr", "a\n\r.\r\n", Progress::BareNewline, ""},
    ContentCase{"CrlfLf", "a\r\n\n.\r\n", Progress::BareNewline, ""}), content_name);

TEST(ContentReader, TellsOfNulAndOfLongLines) {
  EXPECT_TRUE(read_cut(std::string("a\0b\r\n", 5), 2).has_nul);
  EXPECT_TRUE(read_cut(std::string("a\r\n\0b\r\n", 7), 7).has_nul);
  EXPECT_TRUE(read_cut(std::string("..a\0", 4), 4).has_nul);
  EXPECT_FALSE(read_cut("a\tb\x01\r\n", 6).has_nul);
  const std::string bound(kMaxTextLineOctets, 'x');
  EXPECT_FALSE(read_cut(bound + "\r\n", 100).has_long_line);
  EXPECT_TRUE(read_cut(bound + "x\r\n", 100).has_long_line);
  EXPECT_FALSE(read_cut(bound + "\r\n" + bound + "\r\n", 70'000).has_long_line);
  EXPECT_TRUE(read_cut("a\r\n" + std::string(kMaxTextLineOctets + 1, '\t') + "\r\n", 60'000).has_long_line);
}

TEST(ContentReader, HandsOutPlainTextInOnePiece) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "a line of text that needs no unstuffing\r\n";
  ContentReader reader;
  const auto piece = reader.read(text);
  EXPECT_EQ(piece.content.data(), text.data());
  EXPECT_EQ(piece.content.size(), text.size());
  EXPECT_EQ(reader.octets(), text.size());
}

// Written without the reader's tricks, so that the two can disagree.
std::string stuff(const std::string& content) {
  std::string stuffed;
  bool at_line_start = true;
  for (const char c : content) {
    if (at_line_start && c == '.') stuffed += '.';
    stuffed += c;
    at_line_start = c == '\n';
  }
  return stuffed + ".\r\n";
}

TEST(ContentReader, UndoesStuffing) {
  std::mt19937 random(7);
  const std::vector<std::string> parts = {".", "..", "a", "\r\n", "\r\n.", "\r\n\r\n", " ", "\xC3\xA9", "long text"};
  for (int round = 0; round < 2'000; ++round) {
    std::string content;
    for (std::size_t i = random() % 12; i > 0; --i) content += parts[random() % parts.size()];
    content += "\r\n";
    const std::string stuffed = stuff(content);
    const Reading reading = read_cut(stuffed, random() % stuffed.size());
    ASSERT_EQ(reading.progress, Progress::EndOfData);
    ASSERT_EQ(reading.content, content);
    ASSERT_EQ(reading.rest, "");
  }
}

}  // namespace
}  // namespace postern::smtp
