// The life of keys over HTTP: the shapes, both paths, what is shown once, and what a key may not do.
#include "tests/support/api_fixture.h"

#include <boost/json/serialize.hpp>

namespace postern::api {
namespace {

using std::chrono::days;
using std::chrono::hours;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class ApiKeysTest : public ::testing::Test {
 protected:
  explicit ApiKeysTest(auth::KeyScheme scheme = {}) : api(key_api(), std::move(scheme)) {}

  test::ApiAnswer create(std::string_view body = "{}") { return api.ask("POST /v1/api-keys", body); }
  test::ApiAnswer create_as(const Caller& caller, std::string_view body) { return api.ask("POST /v1/api-keys", caller, body); }
  std::vector<std::string> listed_names(const test::ApiAnswer& answer) {
    std::vector<std::string> names;
    for (const auto& row : answer.body.at("data").as_array()) names.emplace_back(row.at("name").as_string());
    return names;
  }
  std::string_view authenticate(const std::string& token) {
    const auto result = api.authenticator.authenticate(token, *parse_ip_address("192.0.2.1"), api.clock.now());
    const auto* refusal = std::get_if<auth::AuthFailure>(&result);
    return refusal == nullptr ? "ok" : refusal_row(refusal->refusal).token;
  }
  store::KeyRecord stored(const std::string& id) { return api.directory().find_key(*parse_key_id(id)).value()->key; }
  static std::string on(std::string_view method, const std::string& id, std::string_view rest = "") {
    return std::string(method) + " /v1/api-keys/" + id + std::string(rest);
  }

  // A full_access key with every bound that there is.
  auth::CreatedKey narrow_key(Environment environment = Environment::Live) {
    return api.make_key({.name = "narrow", .environment = environment, .permission = store::Permission::FullAccess,
                         .from_domains = {"a.example"}, .networks = {"192.0.2.0/24"}, .expires_at = api.clock.now() + days(10),
                         .per_second = 5});
  }

  test::ApiFixture api;
};

class SingleKeyTest : public ApiKeysTest {
 protected:
  SingleKeyTest() : ApiKeysTest({.brand = "mk", .max_active_keys = 1}) {}
};
class PlainSchemeTest : public ApiKeysTest {
 protected:
  PlainSchemeTest() : ApiKeysTest({.brand = "sk", .has_environment = false}) {}
};

TEST_F(ApiKeysTest, MakesAKeyAndShowsItOnce) {
  const auto made = create(R"({"name": "Production API"})");
  ASSERT_EQ(made.status, 201);
  EXPECT_THAT(made.text("token"), MatchesRegex("pk_live_[0-9A-Za-z]+"));
  EXPECT_EQ(made.text("object"), "api_key");
  EXPECT_EQ(made.text("key_prefix"), made.text("token").substr(0, 16));
  EXPECT_EQ(made.text("permission"), "full_access");
  EXPECT_EQ(made.text("state"), "active");
  EXPECT_EQ(made.text("created_at"), "2026-01-05T10:00:00Z");
  EXPECT_EQ(authenticate(made.text("token")), "ok");
  for (const std::string& target : {std::string("GET /v1/api-keys"), on("GET", made.text("id"))}) {
    EXPECT_THAT(boost::json::serialize(api.ask(target).body), Not(HasSubstr(made.text("token")))) << target;
  }
}

TEST_F(ApiKeysTest, NamesAKeyThatHasNoName) { EXPECT_EQ(create().text("name"), "default"); }

TEST_F(ApiKeysTest, AnswersUnderBothPaths) {
  const auto made = api.ask("POST /v1/auth/api-keys", R"({"name": "one", "expiresInDays": 365})");
  ASSERT_EQ(made.status, 201);
  EXPECT_EQ(made.text("expires_at"), "2027-01-05T10:00:00Z");
  EXPECT_EQ(api.ask("GET /v1/auth/api-keys").body, api.ask("GET /v1/api-keys").body);
  const std::string item = "/v1/auth/api-keys/" + made.text("id");
  EXPECT_EQ(api.ask("GET " + item).text("name"), "one");
  EXPECT_EQ(api.ask("PATCH " + item, R"({"name": "two"})").text("name"), "two");
  EXPECT_EQ(api.ask("POST " + item + "/rotate").status, 201);
  EXPECT_EQ(api.ask("DELETE " + item).status, 200);
}

TEST_F(ApiKeysTest, TakesTheWholePolicy) {
  const auto made = create(R"({"name": "ci", "environment": "test", "permission": "sending_access", "from_domains": ["Example.ORG"],
                               "networks": ["192.0.2.0/24"], "per_second": 3, "expires_at": "2026-02-01T00:00:00.000Z"})");
  ASSERT_EQ(made.status, 201) << made.text("message");
  const store::KeyRecord key = stored(made.text("id"));
  EXPECT_EQ(key.account, api.account);
  EXPECT_EQ(key.environment, Environment::Test);
  EXPECT_EQ(key.permission, store::Permission::SendingAccess);
  EXPECT_EQ(key.from_domains, std::vector<std::string>{"example.org"});
  EXPECT_EQ(key.networks, std::vector<IpNetwork>{*parse_ip_network("192.0.2.0/24")});
  EXPECT_EQ(key.per_second, 3U);
  EXPECT_EQ(made.text("expires_at"), "2026-02-01T00:00:00Z");
}

TEST_F(ApiKeysTest, NarrowsAKeyToADomainByItsId) {
  store::DomainRecord domain;
  domain.id = make_domain_id(api.random);
  domain.account = api.account;
  domain.name = "example.org";
  store::DomainRecord foreign = domain;
  foreign.id = make_domain_id(api.random);
  foreign.account = api.make_account("other");
  const auto written = api.directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
    if (const auto put = writer.put_domain(domain); !put) return put.error();
    return writer.put_domain(foreign);
  });
  ASSERT_TRUE(written.has_value());
  const auto body_for = [](const std::string& id) { return R"({"permission": "sending_access", "domain_id": ")" + id + R"("})"; };
  const auto made = create(body_for(format_id(domain.id)));
  ASSERT_EQ(made.status, 201);
  EXPECT_EQ(stored(made.text("id")).from_domains, std::vector<std::string>{"example.org"});
  EXPECT_EQ(create(body_for(format_id(foreign.id))).status, 422);
  EXPECT_EQ(create(body_for("nonsense")).status, 422);
}

TEST_F(ApiKeysTest, RefusesWhatItDoesNotUnderstand) {
  for (const std::string_view body :
       {R"([])", R"({"name": ""})", R"({"name": "a\nb"})", R"({"name": 1})", R"({"permission": "admin"})",
        R"({"environment": "both"})", R"({"network": "192.0.2.0/24"})", R"({"networks": ["x"]})", R"({"from_domains": ["-"]})",
        R"({"per_second": -1})", R"({"expiresInDays": 0})", R"({"expiresInDays": 1e9})", R"({"expires_at": "soon"})",
        R"({"expires_at": 1})"}) {
    const auto answer = create(body);
    EXPECT_EQ(answer.status, 422) << body;
    EXPECT_EQ(answer.name(), "validation_error") << body;
  }
  EXPECT_TRUE(api.directory().list_keys(api.account).value().empty());
}

TEST_F(ApiKeysTest, ListsWholePagesNewestFirst) {
  for (const char* name : {"one", "two", "three"}) {
    api.clock.advance(hours(1));
    ASSERT_EQ(create(R"({"name": ")" + std::string(name) + R"("})").status, 201);
  }
  const auto all = api.ask("GET /v1/api-keys");
  EXPECT_EQ(all.text("object"), "list");
  EXPECT_EQ(all.body.at("has_more"), false);
  EXPECT_EQ(listed_names(all), (std::vector<std::string>{"three", "two", "one"}));
  const auto page = api.ask("GET /v1/api-keys?limit=2");
  EXPECT_EQ(page.body.at("has_more"), true);
  EXPECT_EQ(listed_names(page), (std::vector<std::string>{"three", "two"}));
  EXPECT_EQ(listed_names(api.ask("GET /v1/api-keys?after=" + page.text("next"))), std::vector<std::string>{"one"});
  EXPECT_EQ(api.ask("GET /v1/api-keys?after=cur_04").status, 422);
  const std::string last(page.body.at("data").at(1).at("id").as_string());
  EXPECT_EQ(listed_names(api.ask("GET /v1/api-keys?limit=2&after=" + last)), std::vector<std::string>{"one"});
  EXPECT_EQ(api.ask("GET /v1/api-keys?limit=0").status, 422);
  EXPECT_EQ(api.ask("GET /v1/api-keys?after=key_0000000000000000").status, 422);
}

TEST_F(ApiKeysTest, ShowsTheLastUse) {
  const auto made = create();
  const auto id = *parse_key_id(made.text("id"));
  EXPECT_TRUE(api.ask(on("GET", made.text("id"))).body.at("last_used_at").is_null());
  const store::KeyUsage use{api.clock.now(), *parse_ip_address("198.51.100.7"), "client.example"};
  ASSERT_TRUE(api.directory().write([&](store::DirectoryWriter& writer) { return writer.put_key_usage(id, use); }).has_value());
  const auto shown = api.ask(on("GET", made.text("id")));
  EXPECT_EQ(shown.text("last_used_at"), "2026-01-05T10:00:00Z");
  EXPECT_EQ(shown.text("last_used_from"), "198.51.100.7");
}

TEST_F(ApiKeysTest, ShowsTheLastRefusedUse) {
  const auto made = create();
  const auto id = *parse_key_id(made.text("id"));
  EXPECT_TRUE(api.ask(on("GET", made.text("id"))).body.at("last_refused").is_null());
  const store::KeyRefusal refusal{{api.clock.now(), *parse_ip_address("198.51.100.7"), "old.example"}, "revoked_key"};
  ASSERT_TRUE(api.directory().write([&](store::DirectoryWriter& writer) { return writer.put_key_refusal(id, refusal); }));
  const auto shown = api.ask(on("GET", made.text("id")));
  EXPECT_EQ(shown.text("last_refused.at"), "2026-01-05T10:00:00Z");
  EXPECT_EQ(shown.text("last_refused.from"), "198.51.100.7");
  EXPECT_EQ(shown.text("last_refused.client"), "old.example");
  EXPECT_EQ(shown.text("last_refused.reason"), "revoked_key");
}

TEST_F(ApiKeysTest, FindsNoKeyOfAnotherAccount) {
  const auto made = create();
  Caller stranger;
  stranger.account = api.make_account("other");
  stranger.user = make_user_id(api.random);
  const std::string id = made.text("id");
  for (const std::string& target :
       {on("GET", id), on("PATCH", id), on("DELETE", id), on("DELETE", id, "?purge=true"), on("POST", id, "/rotate")}) {
    const auto answer = api.ask(target, stranger, target.starts_with("PATCH") ? R"({"name": "x"})" : "");
    EXPECT_EQ(answer.status, 404) << target;
    EXPECT_EQ(answer.name(), "not_found") << target;
  }
  EXPECT_TRUE(listed_names(api.ask("GET /v1/api-keys", stranger)).empty());
  EXPECT_EQ(authenticate(made.text("token")), "ok");
  for (const char* unknown : {"key_0000000000000000", "nonsense", "acc_0000000000000000"}) {
    EXPECT_EQ(api.ask(on("GET", unknown)).status, 404) << unknown;
  }
}

TEST_F(ApiKeysTest, ChangesNameAndDate) {
  const std::string id = create().text("id");
  const auto changed = api.ask(on("PATCH", id), R"({"name": "new", "expires_at": "2026-03-01"})");
  ASSERT_EQ(changed.status, 200);
  EXPECT_EQ(changed.text("name"), "new");
  EXPECT_EQ(changed.text("expires_at"), "2026-03-01T00:00:00Z");
  EXPECT_EQ(api.ask(on("PATCH", id), R"({"name": "newer"})").text("expires_at"), "2026-03-01T00:00:00Z");
  EXPECT_TRUE(api.ask(on("PATCH", id), R"({"expires_at": null})").body.at("expires_at").is_null());
}

TEST_F(ApiKeysTest, ChangesThePolicyOnlyWhereItIsNamed) {
  const std::string id = create(R"({"from_domains": ["a.example"], "networks": ["192.0.2.0/24"], "per_second": 5})").text("id");
  ASSERT_EQ(api.ask(on("PATCH", id), R"({"permission": "sending_access"})").status, 200);
  store::KeyRecord key = stored(id);
  EXPECT_EQ(key.permission, store::Permission::SendingAccess);
  EXPECT_EQ(key.from_domains, std::vector<std::string>{"a.example"});
  EXPECT_EQ(key.networks, std::vector<IpNetwork>{*parse_ip_network("192.0.2.0/24")});
  EXPECT_EQ(key.per_second, 5U);
  ASSERT_EQ(api.ask(on("PATCH", id), R"({"from_domains": [".B.example"], "networks": [], "per_second": null})").status, 200);
  key = stored(id);
  EXPECT_EQ(key.from_domains, std::vector<std::string>{".b.example"});
  EXPECT_TRUE(key.networks.empty());
  EXPECT_EQ(key.per_second, std::nullopt);
  for (const char* wrong : {R"({"permission": "admin"})", R"({"from_domains": ["-"]})", R"({"networks": ["x"]})",
                            R"({"per_second": -1})", R"({"environment": "live"})"}) {
    EXPECT_EQ(api.ask(on("PATCH", id), wrong).status, 422) << wrong;
  }
}

TEST_F(ApiKeysTest, RevivesAnExpiredKeyWithALaterDate) {
  const auto made = create(R"({"expires_in_days": 1})");
  api.clock.advance(days(1));
  EXPECT_EQ(authenticate(made.text("token")), "expired_key");
  EXPECT_EQ(api.ask(on("GET", made.text("id"))).text("state"), "expired");
  EXPECT_EQ(api.ask(on("PATCH", made.text("id")), R"({"expires_in_days": 1})").text("state"), "active");
  EXPECT_EQ(authenticate(made.text("token")), "ok");
}

TEST_F(ApiKeysTest, RevokesOnDeleteAndKeepsTheKeyListed) {
  const auto made = create();
  const std::string id = made.text("id");
  for (int i = 0; i < 2; ++i) {
    const auto removed = api.ask(on("DELETE", id));
    EXPECT_EQ(removed.status, 200) << "also when it is repeated";
    EXPECT_EQ(removed.body.at("deleted"), true);
    EXPECT_EQ(removed.text("state"), "revoked");
  }
  EXPECT_EQ(authenticate(made.text("token")), "revoked_key");
  EXPECT_EQ(api.ask(on("GET", id)).text("state"), "revoked");
  EXPECT_EQ(api.ask(on("PATCH", id), R"({"expires_at": null})").status, 409) << "for good";
  EXPECT_EQ(api.ask(on("POST", id, "/rotate")).status, 409);
}

TEST_F(ApiKeysTest, ForgetsAKeyOnPurge) {
  const auto made = create();
  EXPECT_EQ(api.ask(on("DELETE", made.text("id"), "?purge=yes")).status, 422);
  EXPECT_EQ(authenticate(made.text("token")), "ok");
  EXPECT_EQ(api.ask(on("DELETE", made.text("id"), "?purge=true")).text("state"), "deleted");
  EXPECT_EQ(authenticate(made.text("token")), "invalid_key");
  EXPECT_EQ(api.ask(on("GET", made.text("id"))).status, 404);
}

TEST_F(ApiKeysTest, RotatesAtOnceOrWithAnOverlap) {
  const auto first = create(R"({"name": "app", "from_domains": ["a.example"]})");
  const auto second = api.ask(on("POST", first.text("id"), "/rotate"));
  ASSERT_EQ(second.status, 201);
  EXPECT_EQ(second.text("name"), "app");
  EXPECT_EQ(authenticate(first.text("token")), "revoked_key");
  EXPECT_EQ(authenticate(second.text("token")), "ok");
  EXPECT_EQ(stored(second.text("id")).from_domains, std::vector<std::string>{"a.example"});
  EXPECT_EQ(api.ask(on("GET", first.text("id"))).text("successor"), second.text("id"));
  const auto third = api.ask(on("POST", second.text("id"), "/rotate"), R"({"overlap": "24h"})");
  ASSERT_EQ(third.status, 201);
  EXPECT_EQ(authenticate(second.text("token")), "ok");
  api.clock.advance(hours(24));
  EXPECT_EQ(authenticate(second.text("token")), "revoked_key");
  EXPECT_EQ(authenticate(third.text("token")), "ok");
  for (const char* overlap : {R"({"overlap": "91d"})", R"({"overlap": "1"})", R"({"overlap": 1})"}) {
    EXPECT_EQ(api.ask(on("POST", third.text("id"), "/rotate"), overlap).status, 422) << overlap;
  }
}

TEST_F(SingleKeyTest, StopsAtTheLimitButRotates) {
  const auto only = create();
  ASSERT_EQ(only.status, 201);
  const auto second = create();
  EXPECT_EQ(second.status, 422);
  EXPECT_EQ(second.name(), "limit_exceeded");
  EXPECT_EQ(api.ask(on("POST", only.text("id"), "/rotate")).status, 201);
}

TEST_F(PlainSchemeTest, MakesLiveKeysOnly) {
  EXPECT_THAT(create().text("token"), MatchesRegex("sk_[0-9A-Za-z]+"));
  EXPECT_GE(create(R"({"environment": "test"})").status, 400);
}

TEST_F(ApiKeysTest, GivesAKeysKeyItsMakersBounds) {
  const Caller narrow = api.caller_of(narrow_key().record.id);
  const auto made = create_as(narrow, R"({"name": "child"})");
  ASSERT_EQ(made.status, 201) << made.text("message");
  const store::KeyRecord child = stored(made.text("id"));
  EXPECT_EQ(child.from_domains, std::vector<std::string>{"a.example"});
  EXPECT_EQ(child.networks, std::vector<IpNetwork>{*parse_ip_network("192.0.2.0/24")});
  EXPECT_EQ(child.per_second, 5U);
  EXPECT_EQ(child.expires_at, api.clock.now() + days(10));
}

TEST_F(ApiKeysTest, LetsNoKeyMakeMoreThanItself) {
  const Caller narrow = api.caller_of(narrow_key().record.id);
  for (const std::string_view body : {R"({"from_domains": ["b.example"]})", R"({"networks": ["192.0.0.0/16"]})",
                                      R"({"per_second": 6})", R"({"expires_in_days": 11})"}) {
    const auto answer = create_as(narrow, body);
    EXPECT_EQ(answer.status, 403) << body;
    EXPECT_EQ(answer.name(), "permission_denied") << body;
  }
  EXPECT_EQ(api.directory().list_keys(api.account).value().size(), 1U);
}

TEST_F(ApiKeysTest, LetsNoKeyOutliveOrWidenItselfByAnother) {
  const auto wide = create();
  const auto narrow = narrow_key();
  const Caller caller = api.caller_of(narrow.record.id);
  const std::string own = format_id(narrow.record.id);
  EXPECT_EQ(api.ask(on("POST", wide.text("id"), "/rotate"), caller).status, 403) << "it would get a wider key's successor";
  EXPECT_EQ(api.ask(on("PATCH", own), caller, R"({"expires_at": null})").status, 403) << "it would never end";
  EXPECT_EQ(api.ask(on("PATCH", own), caller, R"({"expires_in_days": 11})").status, 403);
  EXPECT_EQ(authenticate(wide.text("token")), "ok");
  EXPECT_EQ(api.ask(on("PATCH", own), caller, R"({"expires_in_days": 9, "name": "shorter"})").status, 200);
  for (const std::string& target : {on("DELETE", wide.text("id")), on("DELETE", wide.text("id"), "?purge=true")}) {
    EXPECT_EQ(api.ask(target, caller).status, 403) << target;
  }
  EXPECT_EQ(api.ask(on("PATCH", wide.text("id")), caller, R"({"name": "renamed"})").status, 403);
  EXPECT_EQ(authenticate(wide.text("token")), "ok");
  for (const char* wider : {R"({"from_domains": []})", R"({"networks": []})", R"({"per_second": null})", R"({"per_second": 6})"}) {
    EXPECT_EQ(api.ask(on("PATCH", own), caller, wider).status, 403) << wider;
  }
  EXPECT_EQ(api.ask(on("POST", own, "/rotate"), caller).status, 201) << "its own rotation changes no right";
}

TEST_F(ApiKeysTest, LetsANarrowKeyRevokeItselfAndWhatIsNarrower) {
  const auto narrow = narrow_key();
  const Caller caller = api.caller_of(narrow.record.id);
  const auto child = create_as(caller, R"({"per_second": 1})");
  EXPECT_EQ(api.ask(on("DELETE", child.text("id")), caller).status, 200);
  EXPECT_EQ(api.ask(on("DELETE", format_id(narrow.record.id)), caller).status, 200);
}

TEST_F(ApiKeysTest, ShowsATestKeyTestKeysOnly) {
  const auto live = create(R"({"name": "live"})");
  const Caller tester = api.caller_of(api.make_key(Environment::Test).record.id);
  const std::string id = live.text("id");
  EXPECT_EQ(listed_names(api.ask("GET /v1/api-keys", tester)), std::vector<std::string>{"key"});
  for (const std::string& target : {on("GET", id), on("DELETE", id), on("POST", id, "/rotate")}) {
    EXPECT_EQ(api.ask(target, tester).status, 404) << target;
  }
  EXPECT_EQ(authenticate(live.text("token")), "ok");
  EXPECT_EQ(create_as(tester, R"({"environment": "live"})").status, 403);
  const auto child = create_as(tester, R"({"name": "child", "permission": "sending_access"})");
  ASSERT_EQ(child.status, 201);
  EXPECT_THAT(child.text("token"), MatchesRegex("pk_test_[0-9A-Za-z]+"));
  EXPECT_EQ(api.ask(on("DELETE", child.text("id")), tester).status, 200);
}

TEST_F(ApiKeysTest, RefusesAKeyThatIsGone) {
  const auto key = api.make_key();
  const Caller caller = api.caller_of(key.record.id);
  ASSERT_TRUE(api.keys.remove(key.record.id).has_value());
  EXPECT_EQ(create_as(caller, "{}").status, 404);
  EXPECT_TRUE(api.directory().list_keys(api.account).value().empty());
}

TEST_F(ApiKeysTest, AnswersThatItIsBusyWhereTheWorkersAre) {
  api.write_workers.stop();
  EXPECT_EQ(api.ask("POST /v1/api-keys", "{}").status, 503);
  EXPECT_EQ(api.ask("GET /v1/api-keys").status, 200) << "a read waits behind no write";
  api.workers.stop();
  EXPECT_EQ(api.ask("GET /v1/api-keys").status, 503);
}

}  // namespace
}  // namespace postern::api
