// Chunks → content: what BDAT's argument may say, and every place of a CR or LF on every cut into chunks.
#include "smtp/chunk_reader.h"
#include "smtp/limits.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::smtp {
namespace {

TEST(ChunkArgument, ReadsSizeAndLast) {
  struct Row {
    const char* argument;
    std::uint64_t octets;
    bool is_last;
  };
  for (const Row& row : {Row{"0", 0, false}, Row{"0 LAST", 0, true}, Row{"10", 10, false}, Row{"10 last", 10, true},
                         Row{"10   LAST", 10, true}, Row{"00000000000000000007", 7, false},
                         Row{"18446744073709551615", UINT64_MAX, false}, Row{"99999999999999999999 LAST", UINT64_MAX, true}}) {
    const auto read = parse_chunk_argument(row.argument);
    ASSERT_TRUE(read) << row.argument;
    EXPECT_EQ(read->octets, row.octets) << row.argument;
    EXPECT_EQ(read->is_last, row.is_last) << row.argument;
  }
}

TEST(ChunkArgument, RefusesWhatLeavesTheNextCommandUnknown) {
  for (const char* argument : {"", "LAST", "-1", "+1", "1.0", "0x10", "1e3", "1,000", "10LAST", "10 LASTS", "10 LAST LAST", "10 0",
                               "10\tLAST", " 10", "000000000000000000001", "\xD9\xA1"}) {
    EXPECT_FALSE(parse_chunk_argument(argument)) << argument;
  }
}

struct ChunkCase {
  const char* name;
  std::string content;
  bool is_clean;
  bool is_at_line_start;
  bool ends_in_cr;
};

class ChunkReaderTable : public testing::TestWithParam<ChunkCase> {};

TEST_P(ChunkReaderTable, SaysTheSameOnEveryCut) {
  const ChunkCase& c = GetParam();
  for (std::size_t cut = 0; cut <= c.content.size(); ++cut) {
    ChunkReader reader;
    const std::string_view content = c.content;
    const bool is_clean = reader.read(content.substr(0, cut)) && reader.read(content.substr(cut));
    ASSERT_EQ(is_clean, c.is_clean) << cut;
    if (!is_clean) continue;
    ASSERT_EQ(reader.octets(), content.size()) << cut;
    ASSERT_EQ(reader.is_at_line_start(), c.is_at_line_start) << cut;
    ASSERT_EQ(reader.ends_in_cr(), c.ends_in_cr) << cut;
  }
}

std::string name_of(const testing::TestParamInfo<ChunkCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(All, ChunkReaderTable, testing::Values(
    ChunkCase{"Nothing", "", true, true, false},
    ChunkCase{"OneLine", "a\r\n", true, true, false},
    ChunkCase{"EmptyLines", "\r\n\r\n", true, true, false},
    ChunkCase{"Dots", ".\r\n..\r\n", true, true, false},
    ChunkCase{"NoLineEnd", "a\r\nb", true, false, false},
    ChunkCase{"EndsInCr", "a\r\nb\r", true, false, true},
    ChunkCase{"OnlyCr", "\r", true, false, true},
    ChunkCase{"LfFirst", "\na", false, false, false},
    ChunkCase{"LfInside", "a\nb\r\n", false, false, false},
    ChunkCase{"LfBehindALine", "a\r\n\nb", false, false, false},
    ChunkCase{"CrInside", "a\rb\r\n", false, false, false},
    ChunkCase{"CrCrLf", "a\r\r\n", false, false, false},
    ChunkCase{"LfCr", "a\n\r", false, false, false}), name_of);

TEST(ChunkReader, SeesNulInAnyChunk) {
  ChunkReader reader;
  EXPECT_TRUE(reader.read("a"));
  EXPECT_FALSE(reader.has_nul());
  EXPECT_TRUE(reader.read(std::string_view("\0b", 2)));
  EXPECT_TRUE(reader.has_nul());
}

TEST(ChunkReader, MeasuresALineOverItsChunks) {
  const std::string most(kMaxTextLineOctets, 'x');
  ChunkReader reader;
  EXPECT_TRUE(reader.read(most + "\r"));
  EXPECT_TRUE(reader.read("\n" + most));
  EXPECT_FALSE(reader.has_long_line());
  EXPECT_TRUE(reader.read("x"));
  EXPECT_TRUE(reader.has_long_line());
}

}  // namespace
}  // namespace postern::smtp
