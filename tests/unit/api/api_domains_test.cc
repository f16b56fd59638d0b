// Sending domains over HTTP: the shapes, verification, and what a key may not do.
#include "tests/support/api_fixture.h"

#include <boost/json/serialize.hpp>

namespace postern::api {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class ApiDomainsTest : public ::testing::Test {
 protected:
  test::ApiAnswer add(std::string_view name = "example.org") { return add_as(api.caller, name); }
  test::ApiAnswer add_as(const Caller& caller, std::string_view name) {
    return api.ask("POST /v1/domains", caller, R"({"name": ")" + std::string(name) + R"("})");
  }
  void publish(const test::ApiAnswer& domain) {
    for (const auto& row : domain.body.at("records").as_array()) {
      const auto text = [&](std::string_view name) { return std::string(row.at({name.data(), name.size()}).as_string()); };
      api.dns.zone[{text("name"), text("type")}] = {text("value")};
    }
  }
  static std::string on(std::string_view method, const test::ApiAnswer& domain, std::string_view rest = "") {
    return std::string(method) + " /v1/domains/" + domain.text("id") + std::string(rest);
  }
  Caller key_of(Environment environment, std::vector<std::string> from_domains) {
    const auto key = api.make_key({.name = "narrow", .environment = environment, .permission = store::Permission::FullAccess,
                                   .from_domains = std::move(from_domains), .networks = {}, .expires_at = {}, .per_second = {}});
    return api.caller_of(key.record.id);
  }

  test::ApiFixture api{domain_api()};
};

TEST_F(ApiDomainsTest, AddsADomainWithTheRecordsToPublish) {
  const auto added = add("B\xC3\xBC\x63her.example");
  ASSERT_EQ(added.status, 201) << added.text("message");
  EXPECT_EQ(added.text("object"), "domain");
  EXPECT_THAT(added.text("id"), MatchesRegex("dom_[0-9a-v]+"));
  EXPECT_EQ(added.text("name"), "xn--bcher-kva.example");
  EXPECT_EQ(added.text("status"), "not_started");
  EXPECT_EQ(added.text("created_at"), "2026-01-05T10:00:00Z");
  EXPECT_FALSE(added.text("region").empty());
  std::map<std::string, int> kinds;
  for (const auto& row : added.body.at("records").as_array()) {
    ++kinds[std::string(row.at("record").as_string())];
    EXPECT_EQ(row.at("status").as_string(), "not_started");
    EXPECT_EQ(row.at("ttl").as_string(), "Auto");
    EXPECT_TRUE(row.at("name").as_string().ends_with("xn--bcher-kva.example"));
  }
  EXPECT_EQ(kinds, (std::map<std::string, int>{{"Ownership", 1}, {"DKIM", 2}, {"SPF", 1}, {"DMARC", 1}}));
}

TEST_F(ApiDomainsTest, ShowsNoPrivateKey) {
  const auto added = add();
  for (const std::string& target : {on("GET", added), on("POST", added, "/verify"), std::string("GET /v1/domains")}) {
    EXPECT_THAT(boost::json::serialize(api.ask(target).body), Not(HasSubstr("PRIVATE"))) << target;
  }
}

TEST_F(ApiDomainsTest, RefusesWhatIsNoDomain) {
  for (const std::string_view body : {R"({})", R"([])", R"({"name": 1})", R"({"name": "localhost"})", R"({"name": "a b.example"})",
                                      R"({"name": ""})", R"({"name": "[192.0.2.1]"})"}) {
    const auto answer = api.ask("POST /v1/domains", body);
    EXPECT_EQ(answer.status, 422) << body;
    EXPECT_EQ(answer.name(), "validation_error") << body;
  }
  ASSERT_EQ(add().status, 201);
  EXPECT_EQ(add("EXAMPLE.org").status, 409);
}

TEST_F(ApiDomainsTest, VerifiesWhatWasPublished) {
  const auto added = add();
  const auto missing = api.ask(on("POST", added, "/verify"));
  EXPECT_EQ(missing.status, 200);
  EXPECT_EQ(missing.text("status"), "pending");
  EXPECT_EQ(missing.body.at("records").at(0).at("finding").as_string(), "there is no such record");
  publish(added);
  const auto verified = api.ask(on("POST", added, "/verify"));
  EXPECT_EQ(verified.text("status"), "verified");
  for (const auto& row : verified.body.at("records").as_array()) EXPECT_EQ(row.at("status").as_string(), "verified");
  EXPECT_EQ(api.ask(on("GET", added)).body, verified.body);
}

TEST_F(ApiDomainsTest, ListsAndDeletes) {
  const auto added = add();
  const auto listed = api.ask("GET /v1/domains");
  EXPECT_EQ(listed.text("object"), "list");
  EXPECT_EQ(listed.body.at("has_more"), false);
  ASSERT_EQ(listed.body.at("data").as_array().size(), 1U);
  EXPECT_EQ(listed.body.at("data").at(0).at("id").as_string(), added.text("id"));
  const auto deleted = api.ask(on("DELETE", added));
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(deleted.text("id"), added.text("id"));
  EXPECT_EQ(deleted.body.at("deleted"), true);
  EXPECT_EQ(api.ask(on("DELETE", added)).status, 404);
  EXPECT_TRUE(api.ask("GET /v1/domains").body.at("data").as_array().empty());
}

TEST_F(ApiDomainsTest, FindsNoDomainOfAnotherAccount) {
  const auto added = add();
  publish(added);
  Caller stranger;
  stranger.account = api.make_account("other");
  stranger.user = make_user_id(api.random);
  for (const std::string& target : {on("GET", added), on("DELETE", added), on("POST", added, "/verify")}) {
    EXPECT_EQ(api.ask(target, stranger).status, 404) << target;
  }
  EXPECT_EQ(api.ask(on("GET", added)).text("status"), "not_started");
  for (const char* unknown : {"dom_0000000000000000", "nonsense", "key_0000000000000000"}) {
    EXPECT_EQ(api.ask("GET /v1/domains/" + std::string(unknown)).status, 404) << unknown;
  }
  ASSERT_EQ(api.ask(on("POST", added, "/verify")).text("status"), "verified");
  EXPECT_EQ(add_as(stranger, "example.org").status, 409) << "one account holds a verified name";
}

TEST_F(ApiDomainsTest, LetsAKeyChangeItsOwnDomainsOnly) {
  const auto added = add("b.example");
  const Caller narrow = key_of(Environment::Live, {"a.example"});
  EXPECT_EQ(add_as(narrow, "a.example").status, 201);
  const Caller tester = key_of(Environment::Test, {});
  for (const Caller& caller : {narrow, tester}) {
    EXPECT_EQ(add_as(caller, "c.example").name(), "permission_denied");
    EXPECT_EQ(api.ask(on("DELETE", added), caller).name(), "permission_denied");
    EXPECT_EQ(api.ask(on("POST", added, "/verify"), caller).name(), "permission_denied");
    EXPECT_EQ(api.ask(on("GET", added), caller).status, 200) << "what is published is no secret";
  }
}

TEST_F(ApiDomainsTest, AnswersThatItIsBusyWhereTheWorkersAre) {
  api.domain_workers.stop();
  EXPECT_EQ(add().status, 503);
  EXPECT_EQ(api.ask("GET /v1/domains").status, 200) << "only what takes long";
}

}  // namespace
}  // namespace postern::api
