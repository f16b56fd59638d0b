// What is encoded keeps the bounds of RFC 2047 and reads back as it was.
#include "mime/encoded_words.h"

#include "core/base64.h"
#include "core/bytes.h"

#include <algorithm>

namespace postern::mime {
namespace {

std::string decode_q(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '=') {
      out.push_back(static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16)));
      i += 2;
    } else {
      out.push_back(text[i] == '_' ? ' ' : text[i]);
    }
  }
  return out;
}

// Words joined as readers do it (RFC 2047 §6.2); expects their bounds.
std::string decoded(std::string_view lines, std::size_t column) {
  std::string text;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(std::min(line.size() + 2, lines.size()));
    EXPECT_LE(column + line.size(), kMaxEncodedLineOctets) << line;
    column = 0;
    if (line.empty()) continue;
    const std::string_view word = line.substr(line.front() == ' ' ? 1 : 0);
    EXPECT_LE(word.size(), 75U) << word;
    EXPECT_TRUE(word.starts_with("=?utf-8?") && word.ends_with("?=")) << word;
    const std::string_view inside = word.substr(10, word.size() - 12);
    const std::string part = word[8] == 'b' ? decode_base64(inside).value() : decode_q(inside);
    EXPECT_TRUE(is_valid_utf8(part)) << "a character is cut in two: " << word;
    text += part;
  }
  return text;
}

TEST(EncodedWords, TakeTheShorterEncoding) {
  EXPECT_EQ(encode_words("Your order is on its way, J\xC3\xBCrgen", 9), "=?utf-8?q?Your_order_is_on_its_way=2C_J=C3=BCrgen?=");
  EXPECT_EQ(encode_words("\xE5\xB1\xB1\xE7\x94\xB0", 9), "=?utf-8?b?5bGx55Sw?=");
  EXPECT_EQ(encode_words("", 9), "");
}

TEST(EncodedWords, KeepTheirBoundsAndReadBack) {
  const std::string_view characters[] = {"a", " ", "?", "=", "\xC3\xA9", "\xE5\xB1\xB1", "\xF0\x9F\x92\x8C"};
  for (const std::string_view character : characters) {
    for (const std::size_t count : {1U, 2U, 7U, 20U, 21U, 22U, 64U, 300U}) {
      std::string text = "\xC3\xBC";
      for (std::size_t i = 0; i < count; ++i) text += character;
      for (const std::size_t column : {0U, 1U, 9U, 40U, 51U, 52U, 53U, 78U, 200U}) {
        EXPECT_EQ(decoded(encode_words(text, column), column > kMaxEncodedLineOctets ? 0 : column), text)
            << character << ' ' << count << ' ' << column;
      }
    }
  }
}

}  // namespace
}  // namespace postern::mime
