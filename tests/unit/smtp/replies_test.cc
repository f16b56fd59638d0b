// The catalogue of replies and their form on the wire.
#include "smtp/replies.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::smtp {
namespace {

std::string wire(const Status& status) {
  std::string output;
  append_reply(output, status);
  return output;
}

TEST(SmtpReplies, CarryEnhancedCodesAsRfc2034Says) {
  for (const FixedReply* reply : reply_catalogue()) {
    const bool is_exempt = reply->code >= 300 && reply->code < 400;
    const bool is_hello = reply->source == replies::k501_bad_helo.source;
    if (is_exempt || is_hello) {
      EXPECT_EQ(reply->enhanced, "") << reply->text;
      continue;
    }
    const auto code = parse_enhanced_code(reply->enhanced);
    ASSERT_TRUE(code.has_value()) << reply->text;
    EXPECT_EQ(code->klass, reply->code / 100) << reply->text;
  }
}

TEST(SmtpReplies, OfRefusalsBeginWithAToken) {
  for (const FixedReply* reply : reply_catalogue()) {
    if (reply->code < 400) continue;
    const std::string_view token = token_of(*reply);
    EXPECT_EQ(token.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos) << reply->text;
    EXPECT_TRUE(reply->text.substr(token.size()).starts_with(": ")) << reply->text;
  }
}

TEST(SmtpReplies, AreOneLineOfPrintableText) {
  for (const FixedReply* reply : reply_catalogue()) {
    std::string output;
    append_reply(output, *reply);
    EXPECT_LE(output.size(), 512U);
    EXPECT_EQ(output.find_first_of("\r\n"), output.size() - 2) << reply->text;
    EXPECT_FALSE(reply->source.empty()) << reply->text;
  }
}

TEST(SmtpReplies, WriteAStatusAsItIs) {
  EXPECT_EQ(wire({550, EnhancedCode{5, 7, 1}, "no"}), "550 5.7.1 no\r\n");
  EXPECT_EQ(wire({550, std::nullopt, "no"}), "550 no\r\n");
  EXPECT_EQ(wire({550, EnhancedCode{5, 7, 1}, ""}), "550 5.7.1 \r\n");
}

TEST(SmtpReplies, ReplaceWhatIsNotPrintable) {
  EXPECT_EQ(wire({550, EnhancedCode{5, 7, 1}, "a\r\n250 b\x1B\xC3\xA9"}), "550 5.7.1 a??250 b???\r\n");
}

TEST(SmtpReplies, FoldALongTextAtBlanks) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "word ";
  const std::string output = wire({550, EnhancedCode{5, 7, 1}, text});
  std::size_t at = 0;
  std::string unfolded;
  while (at < output.size()) {
    const std::size_t end = output.find("\r\n", at);
    const std::string line = output.substr(at, end - at);
    at = end + 2;
    EXPECT_LE(line.size() + 2, 512U);
    EXPECT_EQ(line.substr(0, 10), at == output.size() ? "550 5.7.1 " : "550-5.7.1 ");
    unfolded += line.substr(10);
  }
  EXPECT_EQ(unfolded, text);
}

TEST(SmtpReplies, FoldATextWithoutBlanksToo) {
  const std::string output = wire({550, EnhancedCode{5, 7, 1}, std::string(1'000, 'x')});
  EXPECT_LE(output.find("\r\n") + 2, 512U);
  EXPECT_TRUE(output.ends_with("x\r\n"));
}

TEST(SmtpReplies, WriteManyLines) {
  std::string output;
  append_multiline_reply(output, 250, {"a", "b", "c"});
  EXPECT_EQ(output, "250-a\r\n250-b\r\n250 c\r\n");
}

}  // namespace
}  // namespace postern::smtp
