// The mail that asks an address whether it agrees.
#include "submission/proof_mail.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

#include <gmock/gmock.h>

namespace postern::submission {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Instant kNow{std::chrono::seconds{1'767'607'200}};

auth::ProofMail mail_to(const std::string& address, store::ConfirmationKind kind) {
  store::Confirmation asked;
  asked.account = {{1}};
  asked.kind = kind;
  asked.address = address;
  asked.asked = kNow;
  asked.expires_at = kNow + std::chrono::days(3);
  return {asked, "Buy pills at http://evil.example", Secret("abcdefghijkl")};
}

const ProofMailSettings kSettings{.hostname = "relay.example", .public_url = "https://mail.example"};

TEST(ProofMail, HoldsTheLinkTheCodeAndNothingThatTheAccountWrote) {
  for (const auto kind : {store::ConfirmationKind::User, store::ConfirmationKind::Whitelist}) {
    const std::string content = format_proof_mail(mail_to("a@example.net", kind), kSettings, "m1", kNow);
    EXPECT_THAT(content, HasSubstr("\r\nTo: <a@example.net>\r\n"));
    EXPECT_THAT(content, HasSubstr("\r\nhttps://mail.example/v1/confirm/" + format_id(AccountId{{1}}) + ".abcdefghijkl\r\n"));
    EXPECT_THAT(content, HasSubstr("    abcd-efgh-ijkl\r\n"));
    EXPECT_THAT(content, HasSubstr("good until 2026-01-08"));
    EXPECT_THAT(content, HasSubstr("\r\nAuto-Submitted: auto-generated\r\n"));
    EXPECT_THAT(content, Not(HasSubstr("evil"))) << "strangers get no words of whoever asks";
    for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 2) {
      end = content.find("\r\n", begin);
      EXPECT_LE((end == std::string::npos ? content.size() : end) - begin, 998U);
    }
  }
}

TEST(ProofMail, IsSpooledAsANotificationWithoutAReturnPath) {
  test::TempStore store;
  test::FakeRandom random;
  std::optional<store::DueEntry> woken;
  const auto sent = send_proof_mail(mail_to("a@example.net", store::ConfirmationKind::Whitelist), kSettings, *store, random, kNow,
                                    [&](const store::DueEntry& due) { woken = due; });
  ASSERT_TRUE(sent);
  ASSERT_TRUE(woken);
  const auto stored = store.spool().find(woken->id).value().value();
  EXPECT_EQ(stored.message.origin, store::MessageOrigin::Notification);
  EXPECT_EQ(stored.message.environment, Environment::Live);
  EXPECT_FALSE(stored.message.envelope.reverse_path);
  ASSERT_EQ(stored.message.envelope.recipients.size(), 1U);
  EXPECT_EQ(format_mailbox(stored.message.envelope.recipients[0].mailbox), "a@example.net");
  EXPECT_EQ(stored.delivery.due, kNow);
  EXPECT_TRUE(store.spool().list_of(AccountId{{1}}, std::nullopt, 10).value().empty()) << "the account cannot read the code";
}

}  // namespace
}  // namespace postern::submission
