#include "app/metrics_file.h"

#include "tests/support/temp_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace postern::app {
namespace {

TEST(MetricsFile, HasThemAllAndIsReadableByOthers) {
  const test::TempFolder folder;
  const std::string path = folder.path() / "postern.prom";
  for (int round = 0; round < 2; ++round) {
    const auto written = write_metrics_file(path);
    ASSERT_TRUE(written) << written.error().message();
  }
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_THAT(text.str(), testing::HasSubstr("# TYPE postern_commit_duration_seconds histogram\n"));
  using std::filesystem::perms;
  EXPECT_NE(std::filesystem::status(path).permissions() & perms::others_read, perms::none);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST(MetricsFile, SaysWhyItCannotBeWritten) {
  const auto written = write_metrics_file("/nowhere/postern.prom");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::IoError);
}

}  // namespace
}  // namespace postern::app
