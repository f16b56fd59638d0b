// What who operates the installation sees and decides, and that nobody else does.
#include "operation/areas.h"
#include "tests/unit/api/service_fixture.h"

#include "auth/production_access.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace postern::operation {
namespace {

using namespace api;

namespace json = boost::json;

class AccountsTest : public test::ServiceTest {
 protected:
  AccountsTest() {
    static const ApiArea kAreas[] = {session_api(), account_api(), queue_api(), order_api(), audit_api(), sandbox_api()};
    serve(kAreas);
    other_ = accounts.create({.name = "other", .plan = *auth::plan_named("starter"), .from_domains = {}}).value().id;
  }

  std::string sign_in_as(auth::UserAdmin::Role role) {
    const std::string email = "user" + std::to_string(++users_made_) + "@acme.example";
    const auto user = users.create(account_, email, Secret("correct horse battery"), role).value();
    const std::string token = "a." + email.substr(0, email.find('@')) + ".b";
    tokens_.claims[token] = {
        .user = user.id, .account = account_, .expires_at = clock.now(), .password_mark = auth::password_mark(user)};
    return token;
  }
  ApiResponse ask(const std::string& line, const std::string& credential, const std::string& body = {}) {
    if (body.empty()) return request(head(line, credential) + "Content-Length: 0\r\n\r\n");
    return request(with_json(head(line, credential), body));
  }
  json::value told(const ApiResponse& response) { return json::parse(response.body); }

  AccountId other_;
  int users_made_ = 0;
};

TEST_F(AccountsTest, AreForOperatorsOnly) {
  const std::string id = format_id(other_);
  const std::string message = format_message_id(make_message_id(clock.now(), random));
  struct Line {
    std::string line;
    std::string body;
  };
  const Line lines[] = {{"GET /v1/accounts", {}},
                        {"GET /v1/accounts/requests", {}},
                        {"GET /v1/accounts/" + id, {}},
                        {"PATCH /v1/accounts/" + id, R"({"state": "suspended"})"},
                        {"POST /v1/accounts/" + id + "/production-access", R"({"approve": true})"},
                        {"GET /v1/queue", {}},
                        {"GET /v1/queue/emails?destination=example.net", {}},
                        {"POST /v1/queue/emails/" + message + "/retry", {}},
                        {"POST /v1/queue/emails/" + message + "/cancel", {}},
                        {"GET /v1/queue/orders", {}},
                        {"POST /v1/queue/orders", R"({"action": "hold", "domain": "*"})"},
                        {"DELETE /v1/queue/orders/ord_0000000000000000", {}},
                        {"POST /v1/queue/retry", R"({"domain": "*"})"},
                        {"GET /v1/destinations", {}},
                        {"POST /v1/destinations/retry", {}}};
  const std::string member = sign_in_as(auth::UserAdmin::Role::Member);
  const std::string key = make_key(store::Permission::FullAccess);
  const std::string operating = sign_in_as(auth::UserAdmin::Role::Operator);
  for (const Line& line : lines) {
    EXPECT_EQ(ask(line.line, member, line.body).status, 403) << line.line;
    EXPECT_EQ(ask(line.line, key, line.body).status, 403) << line.line;
    EXPECT_EQ(ask(line.line, {}, line.body).status, 401) << line.line;
    EXPECT_NE(ask(line.line, operating, line.body).status, 403) << line.line;
  }
  EXPECT_EQ(ask("GET /v1/audit?account=" + id, member).status, 404);
  EXPECT_EQ(ask("GET /v1/audit?account=all", member).status, 404);
  EXPECT_EQ(ask("GET /v1/audit?account=" + format_id(account_), member).status, 200) << "the own one";
  EXPECT_EQ(ask("GET /v1/audit?account=all", operating).status, 200);
}

TEST_F(AccountsTest, EndWithTheRole) {
  const std::string operating = sign_in_as(auth::UserAdmin::Role::Operator);
  EXPECT_EQ(told(ask("GET /v1/auth/me", operating)).at("user").at("isAdmin"), true);
  users.set_role(tokens_.claims[operating].user, auth::UserAdmin::Role::Member).value();
  EXPECT_EQ(ask("GET /v1/accounts", operating).status, 403);
}

TEST_F(AccountsTest, ArePagedInTheOrderOfTheirIds) {
  const std::string operating = sign_in_as(auth::UserAdmin::Role::Operator);
  accounts.create({.name = "third", .plan = {}, .from_domains = {}}).value();
  std::set<std::string> names;
  std::string after;
  for (int pages = 0; pages < 3; ++pages) {
    const json::value page = told(ask("GET /v1/accounts?limit=1" + after, operating));
    ASSERT_EQ(page.at("data").as_array().size(), 1U);
    names.emplace(page.at("data").at(0).at("name").as_string());
    EXPECT_EQ(page.at("has_more"), pages < 2);
    if (pages < 2) after = "&after=" + std::string(page.at("next").as_string());
  }
  EXPECT_EQ(names, (std::set<std::string>{"acme", "other", "third"}));
}

TEST_F(AccountsTest, ShowPeopleAndQuotas) {
  users.create(other_, "eve@other.example", Secret("correct horse battery")).value();
  const json::value shown = told(ask("GET /v1/accounts/" + format_id(other_), sign_in_as(auth::UserAdmin::Role::Operator)));
  EXPECT_EQ(shown.at("members").at(0).at("email"), "eve@other.example");
  EXPECT_TRUE(shown.at("quotas").at("day").at("limit").is_null());
  EXPECT_EQ(json::serialize(shown).find("password"), std::string::npos);
}

TEST_F(AccountsTest, GetAnotherPlanModeOrStateAndAnEntryThatSaysWhose) {
  const std::string operating = sign_in_as(auth::UserAdmin::Role::Operator);
  const std::string path = "PATCH /v1/accounts/" + format_id(other_);
  EXPECT_EQ(told(ask(path, operating, R"({"plan": "growth"})")).at("plan").at("per_second"), 100);
  const json::value limited = told(ask(path, operating, R"({"plan": {"per_day": 5, "per_second": "unlimited"}})"));
  EXPECT_EQ(limited.at("plan").at("name"), "custom");
  EXPECT_EQ(limited.at("plan").at("per_day"), 5);
  EXPECT_EQ(limited.at("plan").at("per_second"), "unlimited");
  EXPECT_EQ(told(ask(path, operating, R"({"state": "suspended"})")).at("state"), "suspended");
  EXPECT_EQ(told(ask(path, operating, R"({"state": "active", "mode": "production"})")).at("mode"), "production");
  for (const char* body : {R"({"plan": "huge"})", R"({"plan": 5})", R"({"plan": {"per_day": -1}})", R"({"plan": {"per_day": "x"}})",
                           R"({"state": "gone"})", R"({"mode": "live"})", R"({"nonsense": 1})"}) {
    EXPECT_EQ(ask(path, operating, body).status, 422) << body;
  }
  EXPECT_EQ(ask("PATCH /v1/accounts/" + format_id(account_), operating, R"({"state": "suspended"})").status, 409) << "the own one";
  EXPECT_EQ(ask("PATCH /v1/accounts/acc_0000000000000000", operating, R"({"mode": "sandbox"})").status, 404);
  std::vector<std::string> decided;
  for (const store::PlacedAudit& placed : store.directory().list_audit(other_, {}, 100).value()) {
    if (placed.entry.actor_name == "user1@acme.example") decided.push_back(placed.entry.action);
  }
  EXPECT_EQ(decided, (std::vector<std::string>{"account.resumed", "account.mode_changed", "account.suspended",
                                               "account.plan_changed", "account.plan_changed"}));
}

TEST_F(AccountsTest, AreGrantedOrRefusedWhatTheyAskFor) {
  const std::string operating = sign_in_as(auth::UserAdmin::Role::Operator);
  const std::string path = "POST /v1/accounts/" + format_id(other_) + "/production-access";
  EXPECT_EQ(ask(path, operating, R"({"approve": true})").status, 409) << "nobody asked";
  auth::ProductionAccess access(*store, clock);
  access.request(other_, "receipts").value();
  const json::value asking = told(ask("GET /v1/accounts/requests", operating));
  ASSERT_EQ(asking.at("data").as_array().size(), 1U);
  EXPECT_EQ(asking.at("data").at(0).at("production_request").at("use_case"), "receipts");
  EXPECT_EQ(told(ask(path, operating, R"({"approve": false})")).at("mode"), "sandbox");
  access.request(other_, "receipts, again").value();
  EXPECT_EQ(ask(path, operating, R"({})").status, 422);
  EXPECT_EQ(told(ask(path, operating, R"({"approve": true})")).at("mode"), "production");
  EXPECT_TRUE(told(ask("GET /v1/accounts/requests", operating)).at("data").as_array().empty());
}

}  // namespace
}  // namespace postern::operation
