// The endpoints of webhooks, as an account's owner and as a stranger.
#include "tests/support/api_fixture.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <gmock/gmock.h>

namespace postern::api {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class WebhookApi : public ::testing::Test {
 protected:
  std::string make(const std::string& endpoint = "https://hooks.example.org/in", const std::string& events = "[]") {
    const auto made = api_.ask("POST /v1/webhooks", R"({"endpoint":")" + endpoint + R"(","events":)" + events + "}");
    EXPECT_EQ(made.status, 201) << made.text("message");
    return made.text("id");
  }

  test::ApiFixture api_{webhook_api()};
};

TEST_F(WebhookApi, AWebhookIsMadeShownChangedAndDeleted) {
  const auto made = api_.ask("POST /v1/webhooks", R"({"endpoint":"https://hooks.example.org/in","events":["email.bounced"]})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.text("object"), "webhook");
  EXPECT_THAT(made.text("signing_secret"), StartsWith("whsec_"));
  const std::string path = "/v1/webhooks/" + made.text("id");

  const auto shown = api_.ask("GET " + path);
  EXPECT_EQ(shown.text("endpoint"), "https://hooks.example.org/in");
  EXPECT_EQ(shown.text("status"), "enabled");
  EXPECT_EQ(shown.text("signing_secret"), made.text("signing_secret"));
  EXPECT_EQ(shown.body.at("events").as_array().size(), 1U);

  EXPECT_EQ(api_.ask("PATCH " + path, R"({"status":"disabled","events":[]})").status, 200);
  EXPECT_EQ(api_.ask("GET " + path).text("status"), "disabled");
  EXPECT_TRUE(api_.ask("GET " + path).body.at("events").is_null());
  EXPECT_TRUE(api_.ask("DELETE " + path).body.at("deleted").as_bool());
  EXPECT_EQ(api_.ask("GET " + path).status, 404);
}

TEST_F(WebhookApi, AnAnswerWithTheSecretIsWiped) {
  const auto made = api_.ask("POST /v1/webhooks", R"({"endpoint":"https://hooks.example.org/in"})");
  EXPECT_TRUE(made.holds_secret);
  const std::string path = "/v1/webhooks/" + made.text("id");
  EXPECT_TRUE(api_.ask("GET " + path).holds_secret);
  EXPECT_TRUE(api_.ask("POST " + path + "/signing-secret/rotate").holds_secret);
}

TEST_F(WebhookApi, TheListShowsNoSecrets) {
  make();
  make("https://other.example.org/");
  const auto page = api_.ask("GET /v1/webhooks?limit=1");
  ASSERT_EQ(page.body.at("data").as_array().size(), 1U);
  EXPECT_TRUE(page.body.at("has_more").as_bool());
  const auto& first = page.body.at("data").as_array()[0].as_object();
  EXPECT_FALSE(first.contains("signing_secret"));
  const auto rest = api_.ask("GET /v1/webhooks?after=" + std::string(first.at("id").as_string()));
  EXPECT_EQ(rest.body.at("data").as_array().size(), 1U);
  EXPECT_FALSE(rest.body.at("has_more").as_bool());
  EXPECT_EQ(api_.ask("GET /v1/webhooks?after=" + page.text("next")).body, rest.body);
}

TEST_F(WebhookApi, WrongRequestsAreToldWhatIsWrong) {
  const struct {
    std::string_view body;
    std::string_view what;
  } kRows[] = {
      {R"({})", "endpoint"},
      {R"({"endpoint":17})", "endpoint"},
      {R"({"endpoint":"https://127.0.0.1/"})", "not public"},
      {R"({"endpoint":"http://hooks.example.org/"})", "https"},
      {R"({"endpoint":"https://hooks.example.org/","events":["email.opened"]})", "email.opened"},
      {R"({"endpoint":"https://hooks.example.org/","event":["email.sent"]})", "unknown"},
      {R"([])", "object"},
  };
  for (const auto& row : kRows) {
    const auto answer = api_.ask("POST /v1/webhooks", row.body);
    EXPECT_EQ(answer.status, 422) << row.body;
    EXPECT_EQ(answer.name(), "validation_error") << row.body;
    EXPECT_THAT(answer.text("message"), HasSubstr(row.what));
  }
}

TEST_F(WebhookApi, AnotherAccountsWebhookIsNotThere) {
  const std::string path = "/v1/webhooks/" + make();
  Caller stranger = api_.caller;
  stranger.account = api_.make_account("stranger");
  for (const std::string_view method : {"GET ", "DELETE "}) {
    EXPECT_EQ(api_.ask(std::string(method) + path, stranger).status, 404) << method;
  }
  EXPECT_EQ(api_.ask("PATCH " + path, stranger, R"({"status":"disabled"})").status, 404);
  EXPECT_EQ(api_.ask("POST " + path + "/rotate-secret", stranger).status, 404);
  EXPECT_EQ(api_.ask("POST " + path + "/replay", stranger, R"({"since":"evt_1"})").status, 404);
  EXPECT_EQ(api_.ask("GET " + path).text("status"), "enabled");
}

TEST_F(WebhookApi, ATestKeyManagesWebhooksForTestMailAndSeesNoOthers) {
  const std::string live = "/v1/webhooks/" + make();
  const Caller test_key = api_.caller_of(api_.make_key(Environment::Test).record.id);
  EXPECT_EQ(api_.ask("GET " + live, test_key).status, 404);
  EXPECT_EQ(api_.ask("DELETE " + live, test_key).status, 404);
  EXPECT_EQ(api_.ask("POST " + live + "/rotate-secret", test_key).status, 404);
  for (const std::string_view other : {"live", "all"}) {
    const std::string body = R"({"endpoint":"https://hooks.example.org/","environment":")" + std::string(other) + "\"}";
    EXPECT_EQ(api_.ask("POST /v1/webhooks", test_key, body).status, 422) << other;
  }
  const auto made = api_.ask("POST /v1/webhooks", test_key, R"({"endpoint":"https://hooks.example.org/"})");
  ASSERT_EQ(made.status, 201);
  const std::string own = "/v1/webhooks/" + made.text("id");
  EXPECT_EQ(api_.ask("GET " + own, test_key).text("environment"), "test");
  EXPECT_EQ(api_.ask("GET " + own, test_key).text("signing_secret"), made.text("signing_secret"));
  EXPECT_EQ(api_.ask("GET /v1/webhooks", test_key).body.at("data").as_array().size(), 1U);
  EXPECT_EQ(api_.ask("GET /v1/webhooks").body.at("data").as_array().size(), 2U) << "an owner sees both";
  EXPECT_EQ(api_.ask("GET /v1/webhooks?environment=live").body.at("data").as_array().size(), 1U);
  EXPECT_EQ(api_.ask("GET /v1/webhooks?environment=both").status, 422);
  EXPECT_EQ(api_.ask("DELETE " + own, test_key).status, 200);
}

TEST_F(WebhookApi, AKeyOfSomeDomainsHasWebhooksForTheirMailOnly) {
  const std::string wide = "/v1/webhooks/" + make();
  auth::NewKey narrow;
  narrow.name = "narrow";
  narrow.permission = store::Permission::FullAccess;
  narrow.from_domains = {"own.example"};
  const Caller key = api_.caller_of(api_.make_key(narrow).record.id);
  EXPECT_EQ(api_.ask("GET " + wide, key).status, 404);
  EXPECT_EQ(api_.ask("PATCH " + wide, key, R"({"endpoint":"https://elsewhere.example.org/"})").status, 404);
  EXPECT_TRUE(api_.ask("GET /v1/webhooks", key).body.at("data").as_array().empty());
  const auto made = api_.ask("POST /v1/webhooks", key, R"({"endpoint":"https://hooks.example.org/"})");
  ASSERT_EQ(made.status, 201);
  const auto webhook = api_.directory().find_webhook(*parse_webhook_id(made.text("id"))).value().value();
  EXPECT_EQ(webhook.from_domains, std::vector<std::string>{"own.example"});
  EXPECT_EQ(api_.ask("GET /v1/webhooks", key).body.at("data").as_array().size(), 1U);
}

TEST_F(WebhookApi, AKeyOfSomeNetworksNamesNoEndpoint) {
  const std::string path = "/v1/webhooks/" + make();
  auth::NewKey narrow;
  narrow.name = "narrow";
  narrow.permission = store::Permission::FullAccess;
  narrow.networks = {"192.0.2.0/24"};
  const Caller key = api_.caller_of(api_.make_key(narrow).record.id);
  EXPECT_EQ(api_.ask("POST /v1/webhooks", key, R"({"endpoint":"https://hooks.example.org/"})").status, 403);
  EXPECT_EQ(api_.ask("PATCH " + path, key, R"({"endpoint":"https://hooks.example.org/"})").status, 403);
  EXPECT_EQ(api_.ask("PATCH " + path, key, R"({"status":"disabled"})").status, 200);
}

TEST_F(WebhookApi, ARotationShowsTheNewSecret) {
  const std::string id = make();
  const std::string before = api_.ask("GET /v1/webhooks/" + id).text("signing_secret");
  const std::string after = api_.ask("POST /v1/webhooks/" + id + "/signing-secret/rotate").text("signing_secret");
  EXPECT_NE(before, after);
  EXPECT_EQ(api_.ask("GET /v1/webhooks/" + id).text("signing_secret"), after);
}

TEST_F(WebhookApi, AReplayNamesOneEventOrAStart) {
  const std::string path = "/v1/webhooks/" + make() + "/replay";
  EXPECT_EQ(api_.ask("POST " + path, R"({"since":"evt_1"})").status, 202);
  const auto again = api_.ask("POST " + path, R"({"since":"evt_1"})");
  EXPECT_EQ(again.status, 429) << "a replay sends everything again";
  EXPECT_EQ(again.header("Retry-After"), "60");
  api_.clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(api_.ask("POST " + path, R"({"since":"evt_0"})").status, 422);
  api_.clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(api_.ask("POST " + path, R"({"since":"evt_2"})").status, 422) << "evt_1 is yet to come, and would be passed over";
  EXPECT_EQ(api_.ask("POST " + path, R"({"event":"evt_99"})").status, 404) << "there is no such event";
  EXPECT_EQ(api_.ask("POST " + path, R"({"since":"evt_1","event":"evt_1"})").status, 422);
  EXPECT_EQ(api_.ask("POST " + path, R"({})").status, 422);
  EXPECT_EQ(api_.ask("POST " + path, R"({"since":"yesterday"})").status, 422);
}

TEST_F(WebhookApi, AnAccountsWebhooksAreBounded) {
  for (std::size_t i = 0; i < store::kMaxWebhooksPerAccount; ++i) make();
  const auto refused = api_.ask("POST /v1/webhooks", R"({"endpoint":"https://hooks.example.org/"})");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.name(), "limit_exceeded");
}

}  // namespace
}  // namespace postern::api
