#include "sendmail/dialogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace postern::sendmail {
namespace {

using ::testing::HasSubstr;

struct Spoken {
  std::string said;
  std::vector<Letter> letters;
};

// In pieces of `piece` octets, as a pipe may give them.
Spoken speak(std::string_view input, std::size_t piece, const Status& answer) {
  Spoken spoken;
  const Line line{.read =
                      [&](std::span<char> room) {
                        const std::size_t count = std::min({piece, room.size(), input.size()});
                        std::ranges::copy(input.substr(0, count), room.begin());
                        input.remove_prefix(count);
                        return count;
                      },
                  .write =
                      [&](std::string_view text) {
                        spoken.said += text;
                        return true;
                      }};
  run_dialogue("web1.example.org", line, [&](Letter letter) {
    spoken.letters.push_back(std::move(letter));
    return answer;
  });
  return spoken;
}

constexpr std::string_view kOneLetter =
    "EHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nRCPT TO:<c@example.net>\r\nDATA\r\n"
    "Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n";

TEST(Dialogue, HandsOverWhatIsSaid) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4'096}}) {
    const Spoken spoken = speak(kOneLetter, piece, {250, EnhancedCode{2, 0, 0}, "Ok"});
    ASSERT_EQ(spoken.letters.size(), 1U) << piece;
    EXPECT_EQ(format_path(spoken.letters[0].sender), "<a@example.org>");
    EXPECT_EQ(spoken.letters[0].recipients.size(), 2U);
    EXPECT_EQ(spoken.letters[0].content, "Subject: x\r\n\r\n.dot\r\n");
    EXPECT_THAT(spoken.said, testing::StartsWith("220 web1.example.org "));
    EXPECT_THAT(spoken.said, HasSubstr("250 2.0.0 Ok\r\n221 "));
  }
}

TEST(Dialogue, SaysWhatTheRelaySaid) {
  const Spoken spoken = speak(kOneLetter, 4'096, {554, EnhancedCode{5, 0, 0}, "b@example.net: 550 5.1.1 nobody"});
  EXPECT_THAT(spoken.said, HasSubstr("554 5.0.0 b@example.net: 550 5.1.1 nobody\r\n"));
}

TEST(Dialogue, OffersNeitherTlsNorAuth) {
  const Spoken spoken = speak("EHLO me\r\nAUTH PLAIN AAA\r\nSTARTTLS\r\nQUIT\r\n", 4'096, {250, {}, "Ok"});
  EXPECT_THAT(spoken.said, testing::Not(HasSubstr("250-AUTH")));
  EXPECT_THAT(spoken.said, testing::Not(HasSubstr("STARTTLS\r\n")));
  EXPECT_THAT(spoken.said, HasSubstr("221 "));
}

TEST(Dialogue, KeepsNothingOfALetterThatIsNotFinished) {
  constexpr std::string_view kCut = "EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nSubject: x\r\n";
  const Spoken spoken = speak(kCut, 4'096, {250, {}, "Ok"});
  EXPECT_TRUE(spoken.letters.empty());
}

}  // namespace
}  // namespace postern::sendmail
