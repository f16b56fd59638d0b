// The log's ends: files that cannot be opened anew, readers that stall, and who may read it.
#include "core/log.h"

#include "tests/support/temp_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace postern::log {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat facts {};
  EXPECT_EQ(::stat(path.c_str(), &facts), 0);
  return facts.st_mode & 07777;
}

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { stop(); }
  Result<void> start_log() { return start({.path = path_.string(), .with_time = false}); }
  void rotate(const std::string& name) { std::filesystem::rename(path_, folder_.path() / name); }
  // More than a pipe holds and the log's queue keeps.
  static void write_a_flood() {
    const std::string text(200, 'x');
    for (int i = 0; i < 20'000; ++i) write(Level::Info, "flood", {{"text", text}});
  }

  test::TempFolder folder_;
  std::filesystem::path path_ = folder_.path() / "log";
};

TEST_F(LogTest, WritesToTheNewFileAfterARotation) {
  start_log().value();
  rotate("log.1");
  reopen().value();
  write(Level::Info, "after", {});
  stop();
  EXPECT_EQ(content_of(path_), "info after\n");
}

TEST_F(LogTest, GoesOnWhereItWasIfTheFileCannotBeOpenedAnew) {
  start_log().value();
  rotate("log.1");
  std::filesystem::create_directory(path_);
  EXPECT_EQ(reopen().error().code(), ErrorCode::IoError);
  write(Level::Error, "reload_failed", {});
  stop();
  EXPECT_EQ(content_of(folder_.path() / "log.1"), "error reload_failed\n");
}

TEST_F(LogTest, DoesNotStartWithoutItsFile) {
  std::filesystem::create_directory(path_);
  EXPECT_EQ(start_log().error().code(), ErrorCode::IoError);
}

TEST_F(LogTest, AFifoThatNobodyReadsIsNoLog) {
  start_log().value();
  rotate("log.1");
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(reopen().error().code(), ErrorCode::IoError);
}

TEST_F(LogTest, AReaderThatStallsKeepsNeitherItsWritersNorItsEnd) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  start_log().value();
  write_a_flood();
  stop();
  ::close(reader);
}

TEST_F(LogTest, AReaderThatStalledIsToldHowManyLinesItMissed) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  start_log().value();
  write_a_flood();
  ASSERT_EQ(::fcntl(reader, F_SETFL, 0), 0);
  std::string text;
  for (char space[4096]; text.find("warning log_lines_lost count=") == std::string::npos;) {
    const ssize_t count = ::read(reader, space, sizeof space);
    ASSERT_GT(count, 0);
    text.append(space, static_cast<std::size_t>(count));
  }
  stop();
  ::close(reader);
}

TEST_F(LogTest, AStalledReaderIsLeftForTheNextFile) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  start_log().value();
  write_a_flood();
  rotate("fifo");
  reopen().value();
  write(Level::Info, "after", {});
  stop();
  EXPECT_THAT(content_of(path_), testing::HasSubstr("info after\n"));
  ::close(reader);
}

TEST_F(LogTest, OthersCannotReadIt) {
  const mode_t before = ::umask(0);
  start_log().value();
  ::umask(before);
  EXPECT_EQ(mode_of(path_), 0640u);
  // As an earlier version left it.
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  reopen().value();
  EXPECT_EQ(mode_of(path_), 0640u);
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  reopen().value();
  EXPECT_EQ(mode_of(path_), 0600u);
}

TEST_F(LogTest, KeepsReadableTextAndEscapesWhatDeceivesOrIsNone) {
  start_log().value();
  const struct {
    std::string_view value;
    std::string_view written;
  } kRows[] = {
      {"gr\xC3\xBC\xC3\x9F\x65@b\xC3\xBC\x63her.example", "gr\xC3\xBC\xC3\x9F\x65@b\xC3\xBC\x63her.example"},
      {"\xE7\x94\xA8\xE6\x88\xB7 \xF0\x9F\x93\xA7", "\xE7\x94\xA8\xE6\x88\xB7 \xF0\x9F\x93\xA7"},
      {"a\r\nb\x1B[31m\x7F", R"(a\u000d\u000ab\u001b[31m\u007f)"},
      {"say \"\\\"", R"(say \"\\\")"},
      {"\xFF\xC3(\xC3", R"(\u00ff\u00c3(\u00c3)"},
      {"\xC0\xAF \xED\xA0\x80", R"(\u00c0\u00af \u00ed\u00a0\u0080)"},
      {"x\xE2\x80\xAEgpj.exe", R"(x\u00e2\u0080\u00aegpj.exe)"},
      {"\xC2\x85", R"(\u00c2\u0085)"},
  };
  std::string expected;
  for (const auto& row : kRows) {
    write(Level::Info, "said", {{"text", row.value}});
    expected += "info said text=\"" + std::string(row.written) + "\"\n";
  }
  stop();
  EXPECT_EQ(content_of(path_), expected);
}

}  // namespace
}  // namespace postern::log
