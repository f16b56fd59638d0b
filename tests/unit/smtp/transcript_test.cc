#include "smtp/transcript.h"

#include <gmock/gmock.h>

namespace postern::smtp {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Transcript, HasWhatWasSaidLineByLine) {
  Transcript transcript;
  transcript.server_said("220 relay.example ESMTP\r\n");
  transcript.client_said("EHLO", "EHLO client");
  transcript.server_said("250-relay.example\r\n250 PIPELINING\r\n");
  transcript.client_said("MAIL", "MAIL FROM:<a@b>");
  EXPECT_EQ(transcript.text_with("250 2.1.0 OK\r\n"),
            "S: 220 relay.example ESMTP\nC: EHLO client\nS: 250-relay.example\nS: 250 PIPELINING\nC: MAIL FROM:<a@b>\n"
            "S: 250 2.1.0 OK\n");
  EXPECT_THAT(transcript.text_with({}), Not(HasSubstr("2.1.0"))) << "what is not sent yet is not kept";
}

TEST(Transcript, KeepsNoCredential) {
  struct {
    const char* line;
    const char* shown;
  } const rows[] = {
      {"AUTH PLAIN AHVzZXIAc2VjcmV0", "C: AUTH PLAIN\n"},
      {"AUTH LOGIN c2VjcmV0 more", "C: AUTH LOGIN\n"},
      {"auth plain c2VjcmV0", "C: auth plain\n"},
      {"AUTH", "C: AUTH\n"},
      {"AUTH  c2VjcmV0", "C: AUTH \n"},
  };
  for (const auto& row : rows) {
    Transcript transcript;
    transcript.client_said("AUTH", row.line);
    EXPECT_EQ(transcript.text_with({}), row.shown) << row.line;
  }
}

TEST(Transcript, EscapesWhatCouldPassForALine) {
  Transcript transcript;
  transcript.client_said("MAIL", "MAIL FROM:<a>\nS: 250 forged\x1b");
  EXPECT_THAT(transcript.text_with({}), Not(HasSubstr("\nS: 250")));
}

TEST(Transcript, IsBoundedAndKeepsBothEnds) {
  Transcript transcript;
  transcript.server_said("220 relay.example ESMTP\r\n");
  for (int i = 0; i < 5'000; ++i) transcript.client_said("RCPT", "RCPT TO:<user" + std::to_string(i) + "@example.org>");
  const std::string text = transcript.text_with({});
  EXPECT_LE(text.size(), kMaxSaidOctets + kMaxSaidLine);
  EXPECT_THAT(text, StartsWith("S: 220 relay.example ESMTP\nC: RCPT TO:<user0@"));
  EXPECT_THAT(text, HasSubstr("\n...\n"));
  EXPECT_THAT(text, HasSubstr("<user4999@"));
}

TEST(Transcript, IsNothingOnceItIsStopped) {
  Transcript transcript;
  transcript.client_said("EHLO", "EHLO client");
  transcript.stop();
  transcript.server_said("250 OK\r\n");
  transcript.client_did("(content)");
  EXPECT_EQ(transcript.text_with("250 OK\r\n"), "");
}

}  // namespace
}  // namespace postern::smtp
