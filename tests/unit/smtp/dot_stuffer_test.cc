#include "smtp/dot_stuffer.h"

#include "support/fake_random.h"

#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

std::string stuffed(std::string_view content, std::size_t piece_size) {
  DotStuffer stuffer;
  std::string out;
  while (!content.empty()) {
    const std::string_view piece = content.substr(0, piece_size);
    if (!stuffer.append(piece, out)) return "refused";
    content.remove_prefix(piece.size());
  }
  return stuffer.finish(out) ? out : "refused";
}

struct StufferCase {
  const char* name;
  std::string_view content;
  std::string_view mail_data;
};

const StufferCase kCases[] = {
    {"nothing", "", ".\r\n"},
    {"one line", "a\r\n", "a\r\n.\r\n"},
    {"the last line end is added", "a", "a\r\n.\r\n"},
    {"a dot opens the content", ".a\r\n", "..a\r\n.\r\n"},
    {"a dot alone", "a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"},
    {"a dot alone at the end", "a\r\n.", "a\r\n..\r\n.\r\n"},
    {"two dots", "..\r\n", "...\r\n.\r\n"},
    {"a dot inside a line stays", "a.b\r\n", "a.b\r\n.\r\n"},
    {"empty lines", "\r\n\r\n.\r\n", "\r\n\r\n..\r\n.\r\n"},
    {"NUL and 8-bit octets stay", std::string_view("\0\xff.\r\n", 5), std::string_view("\0\xff.\r\n.\r\n", 8)},
    {"bare LF", "a\nb\r\n", "refused"},
    {"LF first", "\n", "refused"},
    {"LF dot LF", "a\r\n\n.\n", "refused"},
    {"LF dot CRLF", "a\n.\r\n", "refused"},
    {"CRLF dot LF", "a\r\n.\nb\r\n", "refused"},
    {"bare CR", "a\rb\r\n", "refused"},
    {"CR dot CR", "a\r.\rb\r\n", "refused"},
    {"CR CR LF", "a\r\r\n", "refused"},
    {"CR at the end", "a\r\nb\r", "refused"},
};

TEST(DotStuffer, GivesTheSameHoweverTheContentIsCut) {
  for (const StufferCase& c : kCases) {
    for (const std::size_t piece_size : {1U, 2U, 3U, 4U, 1000U}) {
      SCOPED_TRACE(c.name);
      EXPECT_EQ(stuffed(c.content, piece_size), c.mail_data);
    }
  }
}

TEST(DotStuffer, LeavesTheOutputAloneWhenItRefuses) {
  DotStuffer stuffer;
  std::string out = "kept";
  EXPECT_FALSE(stuffer.append("a\r\n.b\r\nc\nd", out));
  EXPECT_EQ(out, "kept");
}

TEST(DotStuffer, HoldsACarriageReturnBackUntilItsLineFeedCame) {
  DotStuffer stuffer;
  std::string out;
  EXPECT_TRUE(stuffer.append("a\r", out));
  EXPECT_EQ(out, "a");
  EXPECT_FALSE(stuffer.append("b", out));
  EXPECT_EQ(out, "a");
}

// Reads mail data the simple way: by whole lines.
std::string unstuffed(std::string_view mail_data) {
  std::string content;
  while (!mail_data.empty()) {
    const std::size_t end = mail_data.find("\r\n") + 2;
    std::string_view line = mail_data.substr(0, end);
    mail_data.remove_prefix(end);
    if (line == ".\r\n") return mail_data.empty() ? content : "octets behind the end";
    if (line.front() == '.') line.remove_prefix(1);
    content.append(line);
  }
  return "no end";
}

TEST(DotStuffer, IsUndoneByUnstuffing) {
  test::FakeRandom random(7);
  constexpr std::string_view kPieces[] = {".", "..", "\r\n", "a", "bc.", "\r\n.", "\r\n.\r\n", "long text, no dots at all"};
  for (int round = 0; round < 2'000; ++round) {
    std::array<std::uint8_t, 24> dice;
    random.fill(dice);
    std::string content;
    for (std::size_t i = 1; i < dice.size(); ++i) content.append(kPieces[dice[i] % std::size(kPieces)]);
    content.append("\r\n");
    EXPECT_EQ(unstuffed(stuffed(content, 1 + dice[0] % 40U)), content);
  }
}

}  // namespace
}  // namespace postern::smtp
