#include "domains/unsubscribe_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace postern::domains {
namespace {

using ::testing::HasSubstr;

mime::HeaderScan head_with(std::string_view content) {
  mime::HeaderScan header;
  header.feed(content);
  return header;
}

struct UnsubscribeLinkTest : ::testing::Test {
  const UnsubscribeLinks links{{1, 2, 3}, "https://relay.example.net"};
  const Unsubscription wish{.account = {{9, 8, 7}},
                            .environment = Environment::Live,
                            .message = {{1, 2}},
                            .stream = "newsletter",
                            .address = "ann@example.net"};

  std::string token(const Unsubscription& of) const {
    const std::string fields = links.fields_of(of);
    const std::size_t begin = fields.find("/v1/unsubscribe/") + 16;
    return fields.substr(begin, fields.find('>') - begin);
  }
};

TEST_F(UnsubscribeLinkTest, AreTheTwoFieldsOfRfc8058) {
  EXPECT_EQ(links.fields_of(wish), "List-Unsubscribe: <https://relay.example.net/v1/unsubscribe/" + token(wish) +
                                       ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
}

TEST_F(UnsubscribeLinkTest, SayWhoUnsubscribesFromWhatInAnyCaseOfLetters) {
  for (const Environment environment : {Environment::Live, Environment::Test}) {
    Unsubscription one = wish;
    one.environment = environment;
    EXPECT_EQ(links.read(token(one)), one);
    std::string loud = token(one);
    for (char& c : loud) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    EXPECT_EQ(links.read(loud), one);
  }
}

TEST_F(UnsubscribeLinkTest, AreNotGoodWithAnyOctetChanged) {
  const std::string good = token(wish);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    EXPECT_EQ(links.read(changed), std::nullopt) << i;
    EXPECT_EQ(links.read(std::string_view(good).substr(0, i)), std::nullopt) << i;
  }
  EXPECT_EQ(links.read(good + "0"), std::nullopt);
  EXPECT_EQ(links.read(good + good), std::nullopt);
  EXPECT_EQ(links.read(std::string(100'000, '0')), std::nullopt);
  EXPECT_EQ(UnsubscribeLinks({3, 2, 1}, "https://relay.example.net").read(good), std::nullopt) << "another store's";
}

TEST_F(UnsubscribeLinkTest, FitALineHoweverLongTheAddressIs) {
  Unsubscription longest = wish;
  longest.stream = std::string(64, 's');
  longest.address = std::string(64, 'l') + "@" + std::string(255, 'd');
  EXPECT_EQ(links.read(token(longest)), longest);
  EXPECT_LT(links.fields_of(longest).find("\r\n"), 998u);
}

TEST(StreamToUnsubscribe, IsOneWordOrNothing) {
  EXPECT_EQ(*stream_to_unsubscribe(head_with("Subject: x\r\n\r\n")), std::nullopt);
  EXPECT_EQ(*stream_to_unsubscribe(head_with("x-postern-unsubscribe:  news_1-a \r\n\r\n")), "news_1-a");
  for (const char* wrong : {"", "two words", "a,b", "n\xC3\xA9ws", "a=b", "<https://x.example>"}) {
    const auto stream = stream_to_unsubscribe(head_with("X-Postern-Unsubscribe: " + std::string(wrong) + "\r\n\r\n"));
    ASSERT_FALSE(stream.has_value()) << wrong;
    EXPECT_THAT(stream.error().context(), HasSubstr("X-Postern-Unsubscribe")) << wrong;
  }
  EXPECT_FALSE(stream_to_unsubscribe(head_with("X-Postern-Unsubscribe: " + std::string(65, 'a') + "\r\n\r\n")).has_value());
  EXPECT_FALSE(stream_to_unsubscribe(head_with("X-Postern-Unsubscribe: a\r\nX-Postern-Unsubscribe: a\r\n\r\n")).has_value());
}

}  // namespace
}  // namespace postern::domains
