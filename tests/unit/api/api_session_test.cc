// Signing up and in over HTTP: answers, refusals that say nothing, and what guessing costs.
#include "tests/support/api_fixture.h"
#include "tests/support/captured_log.h"

#include <boost/json/serialize.hpp>

namespace postern::api {
namespace {

using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kAda = R"({"email": "ada@example.org", "password": "correct horse"})";
constexpr std::string_view kWrong = R"({"email": "ada@example.org", "password": "correct hors?"})";
constexpr std::string_view kUnknown = R"({"email": "bob@example.org", "password": "correct horse"})";

class ApiSessionTest : public ::testing::Test {
 protected:
  ApiSessionTest() { api.context.settings.signup_is_open = true; }

  test::ApiAnswer sign_up(std::string_view body = kAda) { return api.ask("POST /v1/auth/signup", body); }
  test::ApiAnswer log_in(std::string_view body = kAda) { return api.ask("POST /v1/auth/login", body); }

  test::ApiFixture api{session_api()};
};

TEST_F(ApiSessionTest, SignsUpWithASandboxAccountAndAToken) {
  const auto answer = sign_up();
  ASSERT_EQ(answer.status, 201);
  EXPECT_THAT(answer.text("token"), StartsWith("eyJ"));
  EXPECT_EQ(answer.text("token_type"), "Bearer");
  EXPECT_EQ(answer.text("expires_at"), "2026-01-05T11:00:00Z");
  EXPECT_EQ(answer.text("user.email"), "ada@example.org");
  EXPECT_EQ(answer.body.at("user").at("isAdmin"), false);
  const auto claims = api.tokens->verify(answer.text("token")).value();
  EXPECT_EQ(answer.text("user.id"), format_id(claims.user));
  EXPECT_EQ(answer.text("user.account_id"), format_id(claims.account));
  EXPECT_EQ(api.directory().find_account(claims.account).value()->mode, AccountMode::Sandbox);
}

TEST_F(ApiSessionTest, MakesNoAccountsWhereSignUpIsClosed) {
  api.context.settings.signup_is_open = false;
  const auto answer = sign_up();
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.name(), "signup_closed");
  EXPECT_EQ(api.directory().list_accounts().value().size(), 1U);
}

TEST_F(ApiSessionTest, SignsUpAnAddressOnce) {
  ASSERT_EQ(sign_up().status, 201);
  const auto again = sign_up(R"({"email": "ada@EXAMPLE.org", "password": "another password"})");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(log_in().status, 200) << "with the first password";
}

TEST_F(ApiSessionTest, RefusesWhatIsNoAddressOrNoPassword) {
  for (const std::string_view body :
       {R"({})", R"([])", R"("x")", R"({"email": "ada@example.org"})", R"({"password": "correct horse"})",
        R"({"email": "ada", "password": "correct horse"})", R"({"email": "ada@example.org", "password": "short"})",
        R"({"email": ["ada@example.org"], "password": "correct horse"})",
        R"({"email": "ada@example.org", "password": 1234567890})"}) {
    const auto answer = sign_up(body);
    EXPECT_EQ(answer.status, 422) << body;
    EXPECT_EQ(answer.name(), "validation_error") << body;
  }
  EXPECT_EQ(api.ask("POST /v1/auth/signup").status, 422) << "no body";
}

TEST_F(ApiSessionTest, SignsInWithTheRightPassword) {
  ASSERT_EQ(sign_up().status, 201);
  const auto answer = log_in();
  ASSERT_EQ(answer.status, 200);
  EXPECT_TRUE(api.tokens->verify(answer.text("token")).has_value());
  EXPECT_EQ(answer.text("user.email"), "ada@example.org");
  EXPECT_EQ(answer.body.at("user").at("isAdmin"), false);
}

TEST_F(ApiSessionTest, SaysTheSameOfAWrongPasswordAndAnUnknownAddress) {
  ASSERT_EQ(sign_up().status, 201);
  const auto wrong = log_in(kWrong);
  const auto unknown = log_in(kUnknown);
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.name(), "invalid_credentials");
  EXPECT_EQ(wrong.header("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(unknown.status, wrong.status);
  EXPECT_EQ(unknown.body, wrong.body);
}

TEST_F(ApiSessionTest, StopsCheckingAfterTenFailuresOfAnAddress) {
  ASSERT_EQ(sign_up().status, 201);  // counts as one
  for (int i = 0; i < 9; ++i) EXPECT_EQ(log_in(kWrong).status, 401) << i;
  const auto blocked = log_in();
  EXPECT_EQ(blocked.status, 429) << "even the right password is not looked at";
  EXPECT_EQ(blocked.name(), "too_many_failures");
  EXPECT_EQ(blocked.header("Retry-After"), "600");
  EXPECT_EQ(sign_up(kUnknown).status, 429);
  api.peer = "192.0.2.2";
  EXPECT_EQ(log_in().status, 200) << "nobody locks the owner out";
  api.peer = "192.0.2.1";
  api.clock.advance(minutes(10));
  EXPECT_EQ(log_in().status, 200);
}

TEST_F(ApiSessionTest, LetsNobodyGuessOnByUsingAnAccountOfHisOwnInBetween) {
  ASSERT_EQ(sign_up().status, 201);  // counts as one
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(log_in(kWrong).status, 401) << i;
    EXPECT_EQ(log_in().status, i < 8 ? 200 : 429) << i;
  }
  EXPECT_EQ(sign_up(kUnknown).status, 429) << "accounts neither";
}

TEST_F(ApiSessionTest, DoesNotCountWhatIsNoGuess) {
  ASSERT_EQ(sign_up().status, 201);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(log_in("{}").status, 422);
    EXPECT_EQ(log_in().status, 200);
    EXPECT_EQ(sign_up(R"({"email": "x", "password": "correct horse"})").status, 422);
  }
}

TEST_F(ApiSessionTest, LetsAnAddressMakeTenAccountsInAWindow) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(sign_up(R"({"email": "ada)" + std::to_string(i) + R"(@example.org", "password": "correct horse"})").status, 201) << i;
  }
  EXPECT_EQ(sign_up().status, 429);
}

TEST_F(ApiSessionTest, AnswersThatItIsBusyWhereTheWorkersAre) {
  api.workers.stop();
  EXPECT_EQ(sign_up().status, 201) << "passwords have workers of their own";
  EXPECT_EQ(log_in().status, 200);
  api.password_workers.stop();
  EXPECT_EQ(log_in().status, 503);
  EXPECT_EQ(sign_up().status, 503);
}

TEST(ApiSessionLog, HoldsIdsAndPeersButNothingThatPeopleTyped) {
  test::CapturedLog log;
  {
    test::ApiFixture api{session_api()};
    api.context.settings.signup_is_open = true;
    const auto signed_up = api.ask("POST /v1/auth/signup", kAda);
    ASSERT_EQ(signed_up.status, 201);
    ASSERT_EQ(api.ask("POST /v1/auth/login", kAda).status, 200);
    ASSERT_EQ(api.ask("POST /v1/auth/login", kWrong).status, 401);
  }
  const std::string text = log.finish();
  for (const char* wanted : {"signed_up user=usr_", "signed_in user=usr_", "sign_in_failed peer=192.0.2.1"}) {
    EXPECT_THAT(text, HasSubstr(wanted));
  }
  for (const char* unwanted : {"correct", "example.org", "eyJ", "argon2"}) EXPECT_THAT(text, Not(HasSubstr(unwanted)));
}

TEST_F(ApiSessionTest, EndsTheSessionThatIsSignedOutAndNoOther) {
  ASSERT_EQ(sign_up().status, 201);
  const auto first = api.tokens->verify(log_in().text("token")).value();
  const auto second = api.tokens->verify(log_in().text("token")).value();
  const Caller leaving{first.account, std::nullopt, first.user, first};
  const auto answer = api.ask("POST /v1/auth/logout", leaving);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.at("ended"), true);
  const auto user = api.users.find("ada@example.org").value();
  EXPECT_FALSE(auth::is_session_of(first, user));
  EXPECT_TRUE(auth::is_session_of(second, user));
  EXPECT_EQ(log_in().status, 200) << "signing in again";
}

TEST_F(ApiSessionTest, SignsOutPeopleNotKeys) {
  const auto key = api.make_key();
  EXPECT_EQ(api.ask("POST /v1/auth/logout", api.caller_of(key.record.id)).status, 403);
}

TEST(ApiSessionKeys, HandsOutTheOnlyKeyOfAnAccountOnceWithTheSignUp) {
  test::ApiFixture api{session_api(), {.brand = "mk", .has_environment = true, .max_active_keys = 1}};
  api.context.settings.signup_is_open = true;
  const auto answer = api.ask("POST /v1/auth/signup", kAda);
  ASSERT_EQ(answer.status, 201);
  EXPECT_TRUE(answer.holds_secret);
  EXPECT_THAT(answer.text("token"), StartsWith("eyJ"));
  ASSERT_THAT(answer.text("api_key"), StartsWith("mk_live_"));
  const auto result = api.authenticator.authenticate(answer.text("api_key"), *parse_ip_address("192.0.2.9"), api.clock.now());
  const auto& principal = std::get<auth::Principal>(result);
  EXPECT_EQ(principal.permission, store::Permission::FullAccess);
  EXPECT_EQ(format_id(principal.account), answer.text("user.account_id"));
  EXPECT_FALSE(api.ask("POST /v1/auth/login", kAda).body.as_object().contains("api_key")) << "never again";
}

TEST_F(ApiSessionTest, HandsOutNoKeyWhereAnAccountMayHaveMany) {
  EXPECT_FALSE(sign_up().body.as_object().contains("api_key"));
}

TEST_F(ApiSessionTest, SaysWhoAsks) {
  ASSERT_EQ(sign_up().status, 201);
  const auto user = api.users.find("ada@example.org").value();
  const auto answer = api.ask("GET /v1/auth/me", api.caller_of(user));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.text("user.email"), "ada@example.org");
  EXPECT_TRUE(answer.body.at("api_key").is_null());
  EXPECT_EQ(answer.text("account.id"), format_id(user.account));
  EXPECT_EQ(answer.text("account.mode"), "sandbox");
  EXPECT_THAT(boost::json::serialize(answer.body), Not(HasSubstr("argon2")));
}

TEST_F(ApiSessionTest, SaysWhichKeyAsks) {
  const auto key = api.make_key(Environment::Test);
  const auto answer = api.ask("GET /v1/auth/me", api.caller_of(key.record.id));
  ASSERT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body.at("user").is_null());
  EXPECT_EQ(answer.text("api_key.id"), format_id(key.record.id));
  EXPECT_EQ(answer.text("api_key.environment"), "test");
  EXPECT_EQ(answer.text("account.name"), "team");
}

TEST_F(ApiSessionTest, KnowsNobodyWhoWasRemoved) {
  ASSERT_EQ(sign_up().status, 201);
  const auto user = api.users.find("ada@example.org").value();
  ASSERT_TRUE(api.users.remove(user.id).has_value());
  const auto answer = api.ask("GET /v1/auth/me", api.caller_of(user));
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.name(), "invalid_credentials");
}

}  // namespace
}  // namespace postern::api
