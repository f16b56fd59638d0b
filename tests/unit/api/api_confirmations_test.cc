// Addresses that accounts which made themselves ask: over HTTP and by the link in the mail.
#include "tests/support/api_fixture.h"

#include <gmock/gmock.h>

namespace postern::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr auth::ProofRules kRules{.is_required = true, .mails_per_day = 10};
constexpr std::string_view kFriend = R"({"email": "friend@example.net"})";

// The account "team" as if its user had signed up.
void make_self_made(test::ApiFixture& api) {
  auto account = api.directory().find_account(api.account).value().value();
  account.is_self_made = true;
  store::UserRecord user;
  user.id = *api.caller.user;
  user.account = api.account;
  user.email = "own@example.org";
  api.directory()
      .write([&](store::DirectoryWriter& writer) -> Result<void> {
        if (auto put = writer.put_account(account); !put) return put;
        return writer.put_user(user);
      })
      .value();
}

std::string last_code(const test::ApiFixture& api) { return std::string(api.proof_mails.back().code.reveal()); }

TEST(ApiSandboxProof, ListsAnAddressAsPendingUntilItAgrees) {
  test::ApiFixture api{sandbox_api(), {}, kRules};
  make_self_made(api);
  const auto made = api.ask("POST /v1/sandbox/emails", kFriend);
  ASSERT_EQ(made.status, 201);
  EXPECT_EQ(made.text("status"), "pending");
  ASSERT_EQ(api.proof_mails.size(), 1U);
  EXPECT_FALSE(api.directory().is_whitelisted(api.account, "friend@example.net").value());
  const auto listed = [&] { return api.ask("GET /v1/sandbox/emails").body.at("data").as_array(); };
  ASSERT_EQ(listed().size(), 1U);
  EXPECT_EQ(listed().at(0).at("status"), "pending");
  ASSERT_TRUE(api.proofs.confirm(api.account, last_code(api)));
  ASSERT_EQ(listed().size(), 1U);
  EXPECT_EQ(listed().at(0).at("status"), "confirmed");
  EXPECT_EQ(api.ask("POST /v1/sandbox/emails", kFriend).text("status"), "confirmed");
  EXPECT_EQ(api.proof_mails.size(), 1U) << "whoever has agreed is not asked again";
}

TEST(ApiSandboxProof, TakesBackAQuestion) {
  test::ApiFixture api{sandbox_api(), {}, kRules};
  make_self_made(api);
  ASSERT_EQ(api.ask("POST /v1/sandbox/emails", kFriend).status, 201);
  EXPECT_EQ(api.ask("DELETE /v1/sandbox/emails/friend@example.net").status, 200);
  EXPECT_FALSE(api.proofs.confirm(api.account, last_code(api)));
  EXPECT_EQ(api.ask("DELETE /v1/sandbox/emails/friend@example.net").status, 404);
}

TEST(ApiSandboxProof, AsksNothingForAccountsThatTheOperatorMade) {
  test::ApiFixture api{sandbox_api(), {}, kRules};
  EXPECT_EQ(api.ask("POST /v1/sandbox/emails", kFriend).text("status"), "confirmed");
  EXPECT_TRUE(api.proof_mails.empty());
  EXPECT_TRUE(api.directory().is_whitelisted(api.account, "friend@example.net").value());
}

TEST(ApiConfirmations, ConfirmsByTheCode) {
  test::ApiFixture api{confirmation_api(), {}, kRules};
  make_self_made(api);
  const auto account = api.directory().find_account(api.account).value().value();
  ASSERT_TRUE(api.proofs.ask(account, store::ConfirmationKind::Whitelist, "friend@example.net"));
  EXPECT_EQ(api.ask("POST /v1/confirmations", R"({"code": "0000-0000-0000"})").status, 404);
  EXPECT_EQ(api.ask("POST /v1/confirmations", R"({})").status, 422);
  const auto done = api.ask("POST /v1/confirmations", R"({"code": ")" + last_code(api) + R"("})");
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.text("kind"), "sandbox_email");
  EXPECT_EQ(done.text("email"), "friend@example.net");
}

TEST(ApiConfirmations, ConfirmsByTheButtonAndNotByTheLinkAlone) {
  test::ApiFixture api{confirmation_api(), {}, kRules};
  make_self_made(api);
  const auto account = api.directory().find_account(api.account).value().value();
  ASSERT_TRUE(api.proofs.ask(account, store::ConfirmationKind::Whitelist, "friend@example.net"));
  const std::string link = "/v1/confirm/" + format_id(api.account) + "." + last_code(api);
  const auto is_listed = [&] { return api.directory().is_whitelisted(api.account, "friend@example.net").value(); };
  EXPECT_EQ(api.ask("GET " + link).status, 200);
  EXPECT_FALSE(is_listed()) << "a program that looks through mail follows links";
  EXPECT_EQ(api.ask("POST " + link.substr(0, link.size() - 1)).status, 404);
  for (const char* nonsense : {"x", "acc_x.y", ".", "..", "a.b.c"}) {
    EXPECT_EQ(api.ask(std::string("POST /v1/confirm/") + nonsense).status, 404) << nonsense;
  }
  EXPECT_EQ(api.ask("POST " + link).status, 200);
  EXPECT_TRUE(is_listed());
  EXPECT_EQ(api.ask("POST " + link).status, 404) << "once";
}

TEST(ApiConfirmations, MailsTheUserANewCode) {
  test::ApiFixture api{confirmation_api(), {}, kRules};
  make_self_made(api);
  EXPECT_EQ(api.ask("POST /v1/auth/verification").status, 409) << "nothing waits";
  const auto account = api.directory().find_account(api.account).value().value();
  ASSERT_TRUE(api.proofs.ask(account, store::ConfirmationKind::User, "own@example.org"));
  EXPECT_EQ(api.ask("POST /v1/auth/verification").status, 202);
  EXPECT_EQ(api.proof_mails.size(), 2U);
  const auto done = api.ask("POST /v1/confirmations", R"({"code": ")" + last_code(api) + R"("})");
  EXPECT_EQ(done.text("kind"), "user");
  EXPECT_EQ(done.text("email"), "own@example.org");
}

TEST(ApiSessionProof, AsksWhoeverSignsUpForHisAddressAndGivesHimAQuota) {
  test::ApiFixture api{session_api(), {}, kRules};
  api.context.settings.signup_is_open = true;
  api.context.settings.signup_plan.per_day = 100;
  const auto answer = api.ask("POST /v1/auth/signup", R"({"email": "ada@example.org", "password": "correct horse"})");
  ASSERT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body.at("user").at("email_verified"), false);
  ASSERT_EQ(api.proof_mails.size(), 1U);
  EXPECT_EQ(api.proof_mails[0].confirmation.address, "ada@example.org");
  const auto account = api.directory().find_account(*parse_account_id(answer.text("user.account_id"))).value().value();
  EXPECT_TRUE(account.is_self_made);
  EXPECT_EQ(account.plan.per_day, 100U);
  ASSERT_TRUE(api.proofs.confirm(account.id, last_code(api)));
  const auto again = api.ask("POST /v1/auth/login", R"({"email": "ada@example.org", "password": "correct horse"})");
  EXPECT_EQ(again.body.at("user").at("email_verified"), true);
}

}  // namespace
}  // namespace postern::api
