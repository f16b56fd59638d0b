// The whitelist and production access over HTTP.
#include "tests/support/api_fixture.h"

namespace postern::api {
namespace {

class ApiSandboxTest : public ::testing::Test {
 protected:
  test::ApiAnswer allow(std::string_view email) {
    return api.ask("POST /v1/sandbox/emails", R"({"email": ")" + std::string(email) + R"("})");
  }
  std::vector<std::string> listed(const std::string& query = "") {
    std::vector<std::string> emails;
    const auto answer = api.ask("GET /v1/sandbox/emails" + query);
    for (const auto& row : answer.body.at("data").as_array()) emails.emplace_back(row.at("email").as_string());
    return emails;
  }
  bool is_allowed(std::string_view email) { return api.directory().is_whitelisted(api.account, email).value(); }

  void verify_domain() {
    store::DomainRecord domain;
    domain.id = make_domain_id(api.random);
    domain.account = api.account;
    domain.name = "example.org";
    domain.state = store::DomainState::Verified;
    ASSERT_TRUE(api.directory().write([&](store::DirectoryWriter& writer) { return writer.put_domain(domain); }).has_value());
  }
  void deliver_message() {
    auto draft = test::make_draft(make_message_id(api.clock.now(), api.random), api.clock.now(), {"example.net"});
    draft.message.account = api.account;
    ASSERT_TRUE(test::commit_draft(api.store.spool(), draft, "Subject: x\r\n\r\n").has_value());
    store::Settlement settlement;
    settlement.id = draft.message.id;
    settlement.changes.push_back(
        {.index = 0, .state = {.stage = store::RecipientStage::Delivered, .next_attempt = {}, .last_status = {}, .remote = {}}});
    Event& event = settlement.events.emplace_back();
    event.at = api.clock.now();
    event.type = EventType::RecipientDelivered;
    event.account = api.account;
    event.message = draft.message.id;
    test::Waiter waiter;
    api.store.spool().settle(std::move(settlement), waiter.completion());
    ASSERT_TRUE(waiter.get());
  }
  test::ApiAnswer ask_for_production() { return api.ask("POST /v1/account/production-access", R"({"use_case": "receipts"})"); }
  static std::map<std::string, bool> conditions_of(const test::ApiAnswer& answer) {
    std::map<std::string, bool> conditions;
    for (const auto& row : answer.body.at("conditions").as_array()) {
      conditions[std::string(row.at("name").as_string())] = row.at("met").as_bool();
      EXPECT_FALSE(row.at("message").as_string().empty());
    }
    return conditions;
  }
  using Conditions = std::map<std::string, bool>;

  test::ApiFixture api{sandbox_api()};
};

TEST_F(ApiSandboxTest, AllowsARecipient) {
  const auto added = allow("friend@Example.NET");
  ASSERT_EQ(added.status, 201);
  EXPECT_EQ(added.text("email"), "friend@example.net");
  EXPECT_EQ(added.text("object"), "sandbox_email");
  EXPECT_TRUE(is_allowed("friend@example.net"));
  EXPECT_EQ(allow("friend@example.net").status, 201) << "a second time is no error";
  EXPECT_EQ(listed(), std::vector<std::string>{"friend@example.net"});
}

TEST_F(ApiSandboxTest, RefusesWhatIsNoAddress) {
  for (const char* email : {"", "friend", "a b@example.net", "friend@example.net\\r\\nx"}) {
    EXPECT_EQ(allow(email).status, 422) << email;
  }
  EXPECT_EQ(api.ask("POST /v1/sandbox/emails", R"({"emails": ["a@example.net"]})").status, 422);
  EXPECT_EQ(api.ask("POST /v1/sandbox/emails").status, 422);
  EXPECT_TRUE(listed().empty());
}

TEST_F(ApiSandboxTest, ListsPagesInOrder) {
  for (const char* email : {"c@example.net", "a@example.net", "b@example.net"}) ASSERT_EQ(allow(email).status, 201);
  EXPECT_EQ(listed(), (std::vector<std::string>{"a@example.net", "b@example.net", "c@example.net"}));
  EXPECT_EQ(listed("?limit=1&after=a@example.net"), std::vector<std::string>{"b@example.net"});
  const auto page = api.ask("GET /v1/sandbox/emails?limit=2");
  EXPECT_EQ(page.body.at("has_more"), true);
  EXPECT_EQ(listed("?after=" + page.text("next")), std::vector<std::string>{"c@example.net"});
  EXPECT_EQ(api.ask("GET /v1/sandbox/emails?limit=3").body.at("has_more"), false);
  EXPECT_TRUE(listed("?after=z@example.net").empty());
}

TEST_F(ApiSandboxTest, DisallowsByPathOrQuery) {
  ASSERT_EQ(allow("a@example.net").status, 201);
  ASSERT_EQ(allow("b@example.net").status, 201);
  EXPECT_EQ(api.ask("DELETE /v1/sandbox/emails/a@EXAMPLE.net").body.at("deleted"), true);
  EXPECT_EQ(api.ask("DELETE /v1/sandbox/emails?email=b@example.net").status, 200);
  EXPECT_TRUE(listed().empty());
  EXPECT_EQ(api.ask("DELETE /v1/sandbox/emails/a@example.net").status, 404);
  EXPECT_EQ(api.ask("DELETE /v1/sandbox/emails").status, 422);
}

TEST_F(ApiSandboxTest, KeepsEachAccountsOwnList) {
  ASSERT_EQ(allow("a@example.net").status, 201);
  Caller stranger;
  stranger.account = api.make_account("other");
  EXPECT_TRUE(api.ask("GET /v1/sandbox/emails", stranger).body.at("data").as_array().empty());
  EXPECT_EQ(api.ask("DELETE /v1/sandbox/emails/a@example.net", stranger).status, 404);
  EXPECT_TRUE(is_allowed("a@example.net"));
}

TEST_F(ApiSandboxTest, LetsATestKeyReadAndNoMore) {
  ASSERT_EQ(allow("a@example.net").status, 201);
  const Caller tester = api.caller_of(api.make_key(Environment::Test).record.id);
  EXPECT_EQ(api.ask("GET /v1/sandbox/emails", tester).status, 200);
  EXPECT_EQ(api.ask("GET /v1/account", tester).status, 200);
  for (const char* target : {"POST /v1/sandbox/emails", "POST /v1/account/production-access"}) {
    const auto answer = api.ask(target, tester, R"({"email": "b@example.net"})");
    EXPECT_EQ(answer.status, 403) << target;
    EXPECT_EQ(answer.name(), "permission_denied") << target;
  }
  EXPECT_EQ(api.ask("DELETE /v1/sandbox/emails/a@example.net", tester).status, 403);
  EXPECT_EQ(listed(), std::vector<std::string>{"a@example.net"});
  const Caller live = api.caller_of(api.make_key().record.id);
  EXPECT_EQ(api.ask("DELETE /v1/sandbox/emails/a@example.net", live).status, 200);
}

TEST_F(ApiSandboxTest, NamesEveryConditionThatIsNotMet) {
  const auto none = ask_for_production();
  EXPECT_EQ(none.status, 422);
  EXPECT_EQ(none.name(), "validation_error");
  EXPECT_EQ(none.body.at("statusCode"), 422);
  EXPECT_EQ(conditions_of(none), (Conditions{{"verified_domain", false}, {"delivered_in_sandbox", false}}));
  deliver_message();
  EXPECT_EQ(conditions_of(ask_for_production()), (Conditions{{"verified_domain", false}, {"delivered_in_sandbox", true}}));
  EXPECT_TRUE(api.directory().list_production_requests().value().empty());
}

TEST_F(ApiSandboxTest, TakesARequestWhoseConditionsAreMet) {
  deliver_message();
  verify_domain();
  const auto asked = ask_for_production();
  ASSERT_EQ(asked.status, 201);
  EXPECT_EQ(asked.text("object"), "production_request");
  EXPECT_EQ(asked.text("status"), "pending");
  const auto stored = api.directory().find_production_request(api.account).value();
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->use_case, "receipts");
  EXPECT_EQ(api.directory().find_account(api.account).value()->mode, AccountMode::Sandbox) << "an operator decides";
}

TEST_F(ApiSandboxTest, RefusesARequestOfAnAccountInProduction) {
  ASSERT_TRUE(api.accounts.set_mode(api.account, AccountMode::Production).has_value());
  EXPECT_EQ(ask_for_production().status, 409);
}

TEST_F(ApiSandboxTest, BoundsTheUseCase) {
  deliver_message();
  verify_domain();
  const std::string body = R"({"use_case": ")" + std::string(2'001, 'x') + R"("})";
  EXPECT_EQ(api.ask("POST /v1/account/production-access", body).status, 422);
}

TEST_F(ApiSandboxTest, ShowsTheAccount) {
  auto shown = api.ask("GET /v1/account");
  ASSERT_EQ(shown.status, 200);
  EXPECT_EQ(shown.text("id"), format_id(api.account));
  EXPECT_EQ(shown.text("name"), "team");
  EXPECT_EQ(shown.text("mode"), "sandbox");
  EXPECT_EQ(shown.text("state"), "active");
  EXPECT_EQ(shown.text("plan.name"), "starter");
  EXPECT_EQ(shown.body.at("plan").at("per_second"), 10);
  EXPECT_EQ(shown.text("plan.per_day"), "unlimited");
  EXPECT_TRUE(shown.body.at("production_request").is_null());
  EXPECT_EQ(conditions_of(shown), (Conditions{{"verified_domain", false}, {"delivered_in_sandbox", false}}));
  deliver_message();
  verify_domain();
  ASSERT_EQ(ask_for_production().status, 201);
  shown = api.ask("GET /v1/account");
  EXPECT_EQ(shown.text("production_request.status"), "pending");
  ASSERT_TRUE(api.accounts.set_mode(api.account, AccountMode::Production).has_value());
  EXPECT_EQ(api.ask("GET /v1/account").body.as_object().if_contains("conditions"), nullptr);
}

TEST_F(ApiSandboxTest, ChangesWhetherAndForHowLongTheAccountSuppresses) {
  auto answer = api.ask("PATCH /v1/account", R"({"suppression_days": 30})");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.at("auto_suppression"), true);
  EXPECT_EQ(answer.body.at("suppression_days"), 30);
  answer = api.ask("PATCH /v1/account", R"({"auto_suppression": false})");
  EXPECT_EQ(answer.body.at("auto_suppression"), false);
  EXPECT_EQ(answer.body.at("suppression_days"), 30) << "what is not named stays";
  EXPECT_TRUE(api.ask("PATCH /v1/account", R"({"suppression_days": null})").body.at("suppression_days").is_null());
  for (const char* wrong : {R"({"auto_suppression": "no"})", R"({"suppression_days": 0})", R"({"plan": "scale"})"}) {
    EXPECT_EQ(api.ask("PATCH /v1/account", wrong).status, 422) << wrong;
  }
}

TEST_F(ApiSandboxTest, LetsAnAccountNarrowItsDomainsAndAddOnesThatItHasVerified) {
  ASSERT_TRUE(api.accounts.set_from_domains(api.account, std::vector<std::string>{".a.example", "b.example"}));
  EXPECT_EQ(api.ask("PATCH /v1/account", R"({"from_domains": ["c.example"]})").status, 403);
  EXPECT_EQ(api.ask("PATCH /v1/account", R"({"from_domains": []})").status, 403) << "any domain is the operator's to allow";
  EXPECT_EQ(api.ask("PATCH /v1/account", R"({"from_domains": ["example.org"]})").status, 403);
  verify_domain();
  EXPECT_EQ(api.ask("PATCH /v1/account", R"({"from_domains": ["mail.a.example", "example.org"]})").status, 200);
  EXPECT_EQ(api.directory().find_account(api.account).value()->from_domains,
            (std::vector<std::string>{"mail.a.example", "example.org"}));
  auth::NewKey wanted;
  wanted.from_domains = {"example.org"};
  const Caller narrow = api.caller_of(api.make_key(wanted).record.id);
  EXPECT_EQ(api.ask("PATCH /v1/account", narrow, R"({"from_domains": ["example.org"]})").status, 403);
}

}  // namespace
}  // namespace postern::api
