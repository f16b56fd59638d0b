// Guessing keys, with a clock of the test's own: SMTP and HTTP count as one door, an address or an IPv6 /64 as one guesser, and
// nobody locks the owner of a key out.
#include "api/auth_filter.h"
#include "submission/smtp_submission.h"
#include "tests/support/api_fixture.h"
#include "tests/support/captured_log.h"

#include <gmock/gmock.h>

namespace postern::api {
namespace {

using std::chrono::minutes;

constexpr std::string_view kUnknownKey = "re_A1b2C3d4E5f6G7h8J9k0L1m2N3p4Q5r6S7t8";

class BruteForceTest : public testing::Test {
 protected:
  // The code of the reply to AUTH.
  unsigned ask_smtp(std::string_view key, std::string_view peer) { return api_.loop.run(authenticate(key, peer)); }
  // The status of a request; 200 where it is let in.
  unsigned ask_http(std::string_view key, std::string_view peer) { return api_.loop.run(admit(key, peer)); }

  net::Awaitable<unsigned> authenticate(std::string_view key, std::string_view peer) {
    const auto conversation = smtp_.open_conversation({.address = *parse_ip_address(peer), .port = 1, .local_port = 587});
    const unsigned code = co_await answer_to("PLAIN", key, *conversation);
    co_return code;
  }

  static net::Awaitable<unsigned> answer_to(std::string mechanism, std::string_view key, smtp::Conversation& conversation) {
    const smtp::Credential credential{std::move(mechanism), "app", Secret(std::string(key))};
    const smtp::AuthenticateAnswer answer = co_await conversation.authenticate(credential, {.helo_name = "client.example"});
    co_return answer.verdict.is_accepted() ? 235U : answer.verdict.status().code;
  }

  // As smtplib logs in: PLAIN, and if that is refused LOGIN with the same password.
  net::Awaitable<unsigned> log_in(std::string_view key, std::string_view peer) {
    const auto conversation = smtp_.open_conversation({.address = *parse_ip_address(peer), .port = 1, .local_port = 587});
    const unsigned plain = co_await answer_to("PLAIN", key, *conversation);
    if (plain == 235U) co_return plain;
    const unsigned login = co_await answer_to("LOGIN", key, *conversation);
    co_return login;
  }

  net::Awaitable<unsigned> admit(std::string_view key, std::string_view peer) {
    CredentialFacts facts{
        .authorization = Secret("Bearer " + std::string(key)), .peer = *parse_ip_address(peer), .user_agent = "test"};
    const auto answer = co_await http_.admit(Access::Manage, std::move(facts));
    const auto* refusal = std::get_if<ApiResponse>(&answer);
    co_return refusal == nullptr ? 200U : refusal->status;
  }

  test::ApiFixture api_{ApiArea{}};
  submission::SmtpSubmission smtp_{api_.submission, api_.throttle};
  AuthFilter http_{api_.context};
  std::string key_ = std::string(api_.make_key().text.reveal());
};

TEST_F(BruteForceTest, CountsSmtpAndHttpTogether) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask_smtp(kUnknownKey, "192.0.2.1"), 535U) << i;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask_http(kUnknownKey, "192.0.2.1"), 401U) << i;
  EXPECT_EQ(ask_smtp(kUnknownKey, "192.0.2.1"), 421U);
  EXPECT_EQ(ask_http(kUnknownKey, "192.0.2.1"), 429U);
  EXPECT_EQ(ask_smtp(kUnknownKey, "192.0.2.2"), 535U) << "from elsewhere";
}

TEST_F(BruteForceTest, LetsARightKeyInFromAnAddressThatIsOverItsLimit) {
  for (const char* peer : {"192.0.2.1", "127.0.0.1", "2001:db8:1:2::a"}) {
    for (int i = 0; i < 25; ++i) ask_smtp(kUnknownKey, peer);
    EXPECT_EQ(ask_smtp(key_, peer), 235U) << peer;
    EXPECT_EQ(ask_http(key_, peer), 200U) << peer;
  }
}

TEST_F(BruteForceTest, SaysOfAKeyThatIsNotValidAnyMoreWhatItIsAlsoOverTheLimit) {
  const auth::CreatedKey revoked = api_.make_key();
  ASSERT_TRUE(api_.keys.revoke(revoked.record.id));
  for (int i = 0; i < 10; ++i) ask_smtp(kUnknownKey, "192.0.2.1");
  EXPECT_EQ(ask_smtp(revoked.text.reveal(), "192.0.2.1"), 535U);
  EXPECT_EQ(ask_http(revoked.text.reveal(), "192.0.2.1"), 401U);
}

TEST_F(BruteForceTest, TakesPlainAndThenLoginWithOneWrongKeyForOneFailure) {
  for (int i = 0; i < 9; ++i) EXPECT_EQ(api_.loop.run(log_in(kUnknownKey, "192.0.2.1")), 535U) << i;
  EXPECT_EQ(ask_smtp(kUnknownKey, "192.0.2.1"), 535U) << "the tenth";
  EXPECT_EQ(ask_smtp(kUnknownKey, "192.0.2.1"), 421U);
}

TEST_F(BruteForceTest, CountsWrongPasswordsApartFromKeys) {
  const IpAddress peer = *parse_ip_address("192.0.2.1");
  while (!api_.password_throttle.begin(peer, "ada@example.org", api_.clock.now()).is_blocked) continue;
  EXPECT_EQ(ask_smtp(kUnknownKey, "192.0.2.1"), 535U);
  for (int i = 0; i < 10; ++i) ask_smtp(kUnknownKey, "192.0.2.2");
  EXPECT_FALSE(api_.password_throttle.begin(*parse_ip_address("192.0.2.2"), "ada@example.org", api_.clock.now()).is_blocked);
}

TEST_F(BruteForceTest, RemembersWhoStillUsesAKeyThatIsNotValidAnyMore) {
  test::CapturedLog log;
  const auth::CreatedKey revoked = api_.make_key();
  ASSERT_TRUE(api_.keys.revoke(revoked.record.id));
  ask_smtp(revoked.text.reveal(), "192.0.2.7");
  const auto refusals = api_.usage.take_unsaved_refusals();
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].first, revoked.record.id);
  EXPECT_EQ(refusals[0].second.reason, "revoked_key");
  EXPECT_EQ(refusals[0].second.use.helo_name, "client.example");
  EXPECT_EQ(format_ip_address(refusals[0].second.use.address), "192.0.2.7");
  ask_http(revoked.text.reveal(), "192.0.2.8");
  EXPECT_EQ(api_.usage.take_unsaved_refusals().at(0).second.use.helo_name, "HTTP test");
  ask_http(kUnknownKey, "192.0.2.8");
  EXPECT_TRUE(api_.usage.take_unsaved_refusals().empty()) << "nobody's key";
  const std::string key = "key=" + format_id(revoked.record.id);
  const std::string account = "account=" + format_id(revoked.record.account);
  EXPECT_THAT(log.finish(), testing::AllOf(testing::HasSubstr("auth_failed reason=revoked_key peer=192.0.2.7 " + account),
                                           testing::HasSubstr(key)));
}

TEST_F(BruteForceTest, IsOverWithItsWindowAtBothDoors) {
  for (int i = 0; i < 10; ++i) ask_http(kUnknownKey, "192.0.2.1");
  api_.clock.advance(minutes(10) - Duration(1));
  EXPECT_EQ(ask_smtp(kUnknownKey, "192.0.2.1"), 421U);
  api_.clock.advance(Duration(1));
  EXPECT_EQ(ask_smtp(kUnknownKey, "192.0.2.1"), 535U);
  EXPECT_EQ(ask_http(kUnknownKey, "192.0.2.1"), 401U);
}

TEST_F(BruteForceTest, CountsAnIpv6Network64AsOneAtBothDoors) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ask_smtp(kUnknownKey, "2001:db8:1:2::a" + std::to_string(i)), 535U);
    EXPECT_EQ(ask_http(kUnknownKey, "2001:db8:1:2:ffff::" + std::to_string(i)), 401U);
  }
  EXPECT_EQ(ask_smtp(kUnknownKey, "2001:db8:1:2:8000::1"), 421U);
  EXPECT_EQ(ask_http(kUnknownKey, "2001:db8:1:2:8000::1"), 429U);
  EXPECT_EQ(ask_smtp(kUnknownKey, "2001:db8:1:3::1"), 535U) << "the next network";
  EXPECT_EQ(ask_http(kUnknownKey, "2001:db8:1:3::1"), 401U);
}

TEST_F(BruteForceTest, FromManyAddressesLocksNobodyOut) {
  // One character off: a guess at this very key.
  const std::string wrong = key_.substr(0, key_.size() - 1) + (key_.back() == 'a' ? 'b' : 'a');
  for (int network = 0; network < 200; ++network) {
    const std::string peer = "198.51.100." + std::to_string(network);
    EXPECT_EQ(ask_smtp(wrong, peer), 535U);
    EXPECT_EQ(ask_http(wrong, peer), 401U);
  }
  EXPECT_EQ(ask_smtp(key_, "192.0.2.1"), 235U);
  EXPECT_EQ(ask_http(key_, "192.0.2.1"), 200U);
}

TEST_F(BruteForceTest, AKeyThatIsNotValidAnyMoreIsNoGuess) {
  const auth::CreatedKey revoked = api_.make_key();
  ASSERT_TRUE(api_.keys.revoke(revoked.record.id));
  const auth::CreatedKey expired = api_.make_key();
  ASSERT_TRUE(api_.keys.set_expiry(expired.record.id, api_.clock.now() + minutes(1)));
  auth::NewKey bound;
  bound.name = "elsewhere";
  bound.networks = {"198.51.100.0/24"};
  const auth::CreatedKey elsewhere = api_.make_key(bound);
  api_.clock.advance(minutes(2));
  for (int i = 0; i < 6; ++i) {
    for (const auth::CreatedKey* key : {&revoked, &expired, &elsewhere}) {
      EXPECT_EQ(ask_smtp(key->text.reveal(), "192.0.2.1"), 535U);
      EXPECT_EQ(ask_http(key->text.reveal(), "192.0.2.1"), key == &elsewhere ? 403U : 401U);
    }
  }
  EXPECT_EQ(api_.throttle.size(), 0U) << "the neighbours behind one address are as quick as ever";
  EXPECT_EQ(ask_smtp(key_, "192.0.2.1"), 235U);
}

TEST_F(BruteForceTest, ARightKeyInBetweenForgivesHalfOnly) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 6; ++i) ask_smtp(kUnknownKey, "192.0.2.1");
    ask_http(key_, "192.0.2.1");
  }
  for (int i = 0; i < 6; ++i) ask_smtp(kUnknownKey, "192.0.2.1");
  EXPECT_EQ(ask_http(kUnknownKey, "192.0.2.1"), 429U);
}

}  // namespace
}  // namespace postern::api
