// What needs no server: parameters as text, and a connection that cannot be had. The rest is tests/e2e/t70_cluster, with real
// servers.
#include "cluster/postgres.h"

#include <gtest/gtest.h>

namespace postern::cluster {
namespace {

TEST(Postgres, WritesOctetsAsDigits) {
  EXPECT_EQ(hex_parameter(""), "\\x");
  EXPECT_EQ(hex_parameter(std::string_view("\0\x1f\xff", 3)), "\\x001fff");
}

TEST(Postgres, QuotesWhatAnArrayHolds) {
  EXPECT_EQ(array_parameter({}), "{}");
  EXPECT_EQ(array_parameter({"keys", std::nullopt, R"(\x0a)", R"(a"b)"}), R"({"keys",NULL,"\\x0a","a\"b"})");
}

TEST(Postgres, TellsAConnectionStringThatCannotBeRead) {
  PostgresConnection connection(Secret("host=localhost password='geheim"));
  const Result<void> opened = connection.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(opened.error().context().find("geheim"), std::string::npos);
}

TEST(Postgres, SaysWhyNobodyAnswers) {
  PostgresConnection connection(Secret("host=127.0.0.1 port=1 dbname=none password=geheim"));
  const Result<void> opened = connection.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::ConnectFailed);
  EXPECT_EQ(opened.error().context().find("geheim"), std::string::npos);
  EXPECT_FALSE(connection.is_open());
  EXPECT_EQ(connection.ask("SELECT 1").error().code(), ErrorCode::ConnectionReset);
}

}  // namespace
}  // namespace postern::cluster
