#include "tests/support/api_fixture.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace postern::api {
namespace {

class ApiAuditTest : public ::testing::Test {
 protected:
  std::vector<std::string> actions(const test::ApiAnswer& page) {
    std::vector<std::string> found;
    for (const auto& one : page.body.at("data").as_array()) found.emplace_back(one.at("action").as_string());
    return found;
  }

  test::ApiFixture api{audit_api()};
};

using Texts = std::vector<std::string>;

TEST_F(ApiAuditTest, SaysWhoDidWhatToWhatAndFromWhere) {
  {
    const store::ActorScope acting({.kind = store::ActorKind::User,
                                    .id = "usr_1",
                                    .name = "ann@acme.example",
                                    .address = parse_ip_address("192.0.2.9").value()});
    api.make_key();
  }
  const auto page = api.ask("GET /v1/audit?limit=1");
  ASSERT_EQ(page.status, 200);
  const auto& entry = page.body.at("data").at(0);
  EXPECT_EQ(entry.at("action"), "key.created");
  EXPECT_EQ(entry.at("actor").at("kind"), "user");
  EXPECT_EQ(entry.at("actor").at("name"), "ann@acme.example");
  EXPECT_EQ(entry.at("target").at("kind"), "key");
  EXPECT_EQ(entry.at("peer"), "192.0.2.9");
  EXPECT_EQ(std::string(entry.at("account_id").as_string()), format_id(api.account));
}

TEST_F(ApiAuditTest, GoesOnWithNext) {
  for (int i = 0; i < 3; ++i) api.make_key();
  const auto all = api.ask("GET /v1/audit");
  const auto first = api.ask("GET /v1/audit?limit=2");
  ASSERT_EQ(first.body.at("has_more"), true);
  auto pages = actions(first);
  const auto second = api.ask("GET /v1/audit?after=" + first.text("next"));
  for (const std::string& action : actions(second)) pages.push_back(action);
  EXPECT_EQ(pages, actions(all));
  EXPECT_EQ(second.body.at("has_more"), false);
  EXPECT_EQ(api.ask("GET /v1/audit?after=nonsense!").status, 422);
  EXPECT_EQ(api.ask("GET /v1/audit?limit=0").status, 422);
}

TEST_F(ApiAuditTest, IsNotForATestKeyNorOfAnotherAccount) {
  EXPECT_EQ(api.ask("GET /v1/audit", api.caller_of(api.make_key(Environment::Test).record.id)).status, 403);
  const AccountId other = api.make_account("other");
  EXPECT_EQ(api.ask("GET /v1/audit?account=" + format_id(other)).status, 404);
  for (const std::string& action : actions(api.ask("GET /v1/audit"))) EXPECT_NE(action, "account.created other");
}

}  // namespace
}  // namespace postern::api
