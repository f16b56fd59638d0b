#include "sendmail/words.h"

#include <gtest/gtest.h>

namespace postern::sendmail {
namespace {

TEST(SendmailWords, AreReadAsCronAndPhpAndGitWriteThem) {
  struct Row {
    const char* name;
    std::vector<std::string> words;
    Call wanted;
  };
  const std::vector<Row> rows = {
      {"PHP's default", {"-t", "-i"}, {.reads_header = true, .ignores_dots = true}},
      {"PHP with -f", {"-t", "-i", "-fapp@example.org"}, {.sender = "app@example.org", .reads_header = true, .ignores_dots = true}},
      {"Debian's cron",
       {"-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"},
       {.full_name = "CronDaemon", .recipients = {"root"}, .ignores_dots = true}},
      {"git send-email",
       {"-f", "dev@example.org", "-i", "list@example.net", "ann@example.net"},
       {.sender = "dev@example.org", .recipients = {"list@example.net", "ann@example.net"}, .ignores_dots = true}},
      {"flags in one word", {"-ti"}, {.reads_header = true, .ignores_dots = true}},
      {"-oi is -i", {"-oi", "a@example.org"}, {.recipients = {"a@example.org"}, .ignores_dots = true}},
      {"a list with commas", {"a@example.org, b@example.org"}, {.recipients = {"a@example.org", "b@example.org"}}},
      {"behind -- all is a recipient", {"--", "-t@example.org"}, {.recipients = {"-t@example.org"}}},
      {"the null sender", {"-f", "<>", "a@example.org"}, {.sender = "<>", .recipients = {"a@example.org"}}},
      {"DSN wishes are passed over", {"-N", "never", "-V", "x", "a@example.org"}, {.recipients = {"a@example.org"}}},
      {"-bm is a letter", {"-bm", "a@example.org"}, {.recipients = {"a@example.org"}}},
      {"a dialogue", {"-bs"}, {.mode = Mode::Dialogue}},
      {"mailq", {"-bp"}, {.mode = Mode::List}},
      {"the queue, with a time that is ours to choose", {"-q30m"}, {.mode = Mode::Flush}},
  };
  for (const Row& row : rows) {
    const auto call = read_words(row.words);
    ASSERT_TRUE(call) << row.name << ": " << call.error().message();
    EXPECT_TRUE(*call == row.wanted) << row.name;
  }
}

TEST(SendmailWords, ThatWouldChangeWhatIsSentAreNotPassedOver) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"-bd"}, {"-bt"}, {"-Z"}, {"-f"}, {"-t", "--help-me"}}) {
    const auto call = read_words(words);
    ASSERT_FALSE(call) << words.front();
    EXPECT_EQ(call.error().code(), ErrorCode::InvalidArgument);
  }
}

}  // namespace
}  // namespace postern::sendmail
