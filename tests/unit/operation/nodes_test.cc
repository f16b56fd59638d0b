// The nodes of a cluster over HTTP; tests/e2e/t70_cluster has real ones.
#include "operation/areas.h"
#include "tests/support/api_fixture.h"

#include <gtest/gtest.h>

namespace postern::operation {
namespace {

using api::ClusterNodes;
using std::chrono::milliseconds;

class NodesTest : public ::testing::Test {
 protected:
  test::ApiFixture api_{node_api()};
};

TEST_F(NodesTest, AreNoneWhereThereIsOneMachine) {
  const auto answer = api_.ask("GET /v1/nodes");
  EXPECT_TRUE(answer.body.at("latest").is_null());
  EXPECT_TRUE(answer.body.at("data").as_array().empty());
}

TEST_F(NodesTest, SayHowFarEachIs) {
  api_.context.nodes = [] {
    const ClusterNodes all{7, {{"mx1", true, 7, milliseconds(20), false}, {"mx2", false, 4, milliseconds(90'000), true}}};
    return Result<ClusterNodes>(all);
  };
  const auto answer = api_.ask("GET /v1/nodes");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.at("latest"), 7);
  EXPECT_EQ(answer.body.at("data").at(0).at("behind"), 0);
  EXPECT_EQ(answer.body.at("data").at(1).at("behind"), 3);
  EXPECT_EQ(answer.body.at("data").at(1).at("is_silent"), true);
}

TEST_F(NodesTest, AreUnavailableWhereTheDatabaseIs) {
  api_.context.nodes = [] { return Result<ClusterNodes>(Error(ErrorCode::ConnectFailed, "no database")); };
  EXPECT_EQ(api_.ask("GET /v1/nodes").status, 503);
}

}  // namespace
}  // namespace postern::operation
