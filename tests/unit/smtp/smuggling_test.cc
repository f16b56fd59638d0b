// Every short string of the characters that false ends of mail data are made of, through the reader and through the stuffer, held
// against a model of a few lines: CR LF . CR LF ends, any other CR or LF on its own is refused, and none ever comes out again.
#include "smtp/content_reader.h"
#include "smtp/dot_stuffer.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace postern::smtp {
namespace {

constexpr char kCharacters[] = {'\r', '\n', '.', '\0', 'x'};
constexpr std::size_t kLongest = 6;  // 19,530 strings; the longest known form, CR LF . CR CR LF, has six octets

// Calls `test` with every string of 1 to kLongest of the characters.
template <class Test>
void for_every_string(Test test) {
  for (std::size_t length = 1; length <= kLongest; ++length) {
    std::size_t count = 1;
    for (std::size_t i = 0; i < length; ++i) count *= std::size(kCharacters);
    for (std::size_t number = 0; number < count; ++number) {
      std::string text;
      for (std::size_t rest = number, i = 0; i < length; ++i, rest /= std::size(kCharacters)) {
        text.push_back(kCharacters[rest % std::size(kCharacters)]);
      }
      test(text);
    }
  }
}

bool has_bare_newline(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return true;
    if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) return true;
  }
  return false;
}

std::string escaped(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    shown += c == '\r' ? "<CR>" : c == '\n' ? "<LF>" : c == '\0' ? "<NUL>" : std::string(1, c);
  }
  return shown;
}

struct Read {
  std::string content;
  std::size_t consumed = 0;
  ContentReader::Progress progress = ContentReader::Progress::NeedMore;
};

Read read(std::string_view input, std::size_t piece_size) {
  ContentReader reader;
  Read result;
  while (result.progress == ContentReader::Progress::NeedMore && result.consumed < input.size()) {
    const ContentReader::Piece piece = reader.read(input.substr(result.consumed, piece_size));
    result.content.append(piece.content);
    result.consumed += piece.consumed;
    result.progress = piece.progress;
  }
  return result;
}

// Where the data of the input ends by the one true sign; its length where there is none.
std::size_t true_end(std::string_view input) {
  if (input.starts_with(".\r\n")) return 3;
  const std::size_t at = input.find("\r\n.\r\n");
  return at == std::string_view::npos ? input.size() : at + 5;
}

TEST(Smuggling, NothingButTheTrueEndEndsTheDataOnTheWayIn) {
  for_every_string([](const std::string& text) {
    const std::string input = "a" + text + "MAIL FROM:<evil@example.org>\r\n.\r\n";
    const std::size_t end = true_end(input);
    const bool is_bad = has_bare_newline(std::string_view(input).substr(0, end));
    for (const std::size_t piece_size : {1U, 1'000U}) {
      const Read got = read(input, piece_size);
      if (is_bad) {
        ASSERT_EQ(got.progress, ContentReader::Progress::BareNewline) << escaped(text);
        ASSERT_EQ(got.content.find("MAIL"), std::string::npos) << escaped(text);
      } else {
        ASSERT_EQ(got.progress, ContentReader::Progress::EndOfData) << escaped(text);
        ASSERT_EQ(got.consumed, end) << escaped(text);
      }
    }
  });
}

// The mail data for this content; nullopt: refused.
std::optional<std::string> stuffed_whole(std::string_view content, std::size_t piece_size) {
  DotStuffer stuffer;
  std::string out;
  for (std::size_t at = 0; at < content.size(); at += piece_size) {
    if (!stuffer.append(content.substr(at, piece_size), out)) return std::nullopt;
  }
  if (!stuffer.finish(out)) return std::nullopt;
  return out;
}

TEST(Smuggling, NothingButTheTrueEndLeavesOnTheWayOut) {
  for_every_string([](const std::string& text) {
    const std::string content = "a" + text + "MAIL FROM:<evil@example.org>";
    for (const std::size_t piece_size : {1U, 1'000U}) {
      const std::optional<std::string> out = stuffed_whole(content, piece_size);
      ASSERT_EQ(out.has_value(), !has_bare_newline(content)) << escaped(text);
      if (!out) continue;
      ASSERT_FALSE(has_bare_newline(*out)) << escaped(text);
      ASSERT_EQ(true_end(*out), out->size()) << escaped(text);
      ASSERT_EQ(read(*out, piece_size).content, content + "\r\n") << escaped(text);
    }
  });
}

}  // namespace
}  // namespace postern::smtp
