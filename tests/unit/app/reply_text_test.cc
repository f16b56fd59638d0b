#include "app/reply_text.h"

#include "api/api.h"
#include "core/refusals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace postern::app {
namespace {

using ::testing::HasSubstr;

TEST(ReplyText, ShippedRepliesAreMadeFromTheTables) {
  std::ifstream file(POSTERN_SOURCE_DIR "/docs/smtp-replies.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(page == make_reply_reference()) << "postern docs replies >docs/smtp-replies.md";
}

TEST(ReplyText, NamesEveryRefusalAndEveryProblem) {
  const std::string page = make_reply_reference();
  for (const RefusalRow& row : refusal_table()) EXPECT_THAT(page, HasSubstr("\n## `" + std::string(row.token) + "`\n"));
  for (const api::ApiProblemRow& row : api::api_problem_table()) {
    EXPECT_THAT(page, HasSubstr("\n| `" + std::string(row.name) + "` | "));
  }
}

}  // namespace
}  // namespace postern::app
