// Who is asked whether he agrees, how often, and what his answer does.
#include "auth/account_admin.h"
#include "auth/address_proof.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

namespace postern::auth {
namespace {

using std::chrono::days;
using std::chrono::hours;
using store::ConfirmationKind;

class AddressProofTest : public testing::Test {
 protected:
  store::AccountRecord make_account(const std::string& name) {
    store::AccountRecord account = accounts_.draft({.name = name, .plan = *plan_named("starter"), .from_domains = {}}).value();
    account.is_self_made = true;
    store::UserRecord user;
    user.id = make_user_id(random_);
    user.account = account.id;
    user.email = name + "@own.example";
    directory_
        .write([&](store::DirectoryWriter& writer) -> Result<void> {
          if (auto put = writer.put_account(account); !put) return put;
          return writer.put_user(user);
        })
        .value();
    return account;
  }
  Result<void> ask(const std::string& address) { return proofs_.ask(account_, ConfirmationKind::Whitelist, address); }
  std::string last_code() const { return std::string(mails_.back().code.reveal()); }
  bool is_listed(const std::string& address) { return directory_.is_whitelisted(account_.id, address).value(); }

  test::FakeClock clock_;
  test::FakeRandom random_;
  test::TempStore store_;
  store::Directory& directory_ = store_.directory();
  AccountAdmin accounts_{directory_, clock_, random_};
  std::vector<ProofMail> mails_;
  Result<void> send(const ProofMail& mail) {
    mails_.push_back(mail);
    return {};
  }
  AddressProofs proofs_{directory_, clock_, random_, {.is_required = true, .mails_per_day = 5},
                        [this](const ProofMail& mail) { return send(mail); }};
  store::AccountRecord account_ = make_account("acme");
};

TEST_F(AddressProofTest, ListsAnAddressOnceItHasAgreedAndNotBefore) {
  ASSERT_TRUE(ask("friend@example.net"));
  ASSERT_EQ(mails_.size(), 1U);
  EXPECT_EQ(mails_[0].confirmation.address, "friend@example.net");
  EXPECT_EQ(last_code().size(), 12U);
  EXPECT_FALSE(is_listed("friend@example.net"));
  EXPECT_EQ(proofs_.list_waiting(account_.id).value().size(), 1U);
  const auto confirmed = proofs_.confirm(account_.id, last_code());
  ASSERT_TRUE(confirmed);
  EXPECT_EQ(confirmed->address, "friend@example.net");
  EXPECT_TRUE(is_listed("friend@example.net"));
  EXPECT_TRUE(proofs_.list_waiting(account_.id).value().empty());
  EXPECT_EQ(proofs_.confirm(account_.id, last_code()).error().code(), ErrorCode::NotFound) << "once";
}

TEST_F(AddressProofTest, TakesACodeAsPeopleTypeIt) {
  ASSERT_TRUE(ask("friend@example.net"));
  std::string typed = last_code().substr(0, 4) + "-" + last_code().substr(4, 4) + " - " + last_code().substr(8);
  for (char& c : typed) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  EXPECT_TRUE(proofs_.confirm(account_.id, typed));
}

TEST_F(AddressProofTest, TakesNoOtherCodeAndNoOtherAccountsCode) {
  const store::AccountRecord other = make_account("other");
  ASSERT_TRUE(ask("friend@example.net"));
  EXPECT_FALSE(proofs_.confirm(other.id, last_code()));
  EXPECT_FALSE(proofs_.confirm(account_.id, ""));
  EXPECT_FALSE(proofs_.confirm(account_.id, std::string(12, '0')));
  const std::string first = last_code();
  ASSERT_TRUE(ask("friend@example.net"));
  EXPECT_FALSE(proofs_.confirm(account_.id, first)) << "a new mail makes the old code worthless";
  EXPECT_TRUE(proofs_.confirm(account_.id, last_code()));
}

TEST_F(AddressProofTest, ForgetsAQuestionAfterThreeDays) {
  ASSERT_TRUE(ask("friend@example.net"));
  clock_.advance(kProofLifetime);
  EXPECT_TRUE(proofs_.list_waiting(account_.id).value().empty());
  EXPECT_FALSE(proofs_.confirm(account_.id, last_code()));
}

TEST_F(AddressProofTest, BoundsTheMailsOfADayAlsoWhereEntriesAreRemovedAgain) {
  for (int i = 0; i < 5; ++i) {
    const std::string address = "friend" + std::to_string(i) + "@example.net";
    ASSERT_TRUE(ask(address));
    ASSERT_TRUE(proofs_.forget(account_.id, address));
  }
  EXPECT_EQ(ask("one-more@example.net").error().code(), ErrorCode::LimitExceeded);
  EXPECT_EQ(mails_.size(), 5U);
  clock_.advance(days(1));
  EXPECT_TRUE(ask("one-more@example.net"));
}

TEST_F(AddressProofTest, PestersNobodyByWayOfManyAccounts) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(proofs_.ask(make_account("a" + std::to_string(i)), ConfirmationKind::Whitelist, "victim@example.net")) << i;
  }
  const auto fourth = proofs_.ask(make_account("a3"), ConfirmationKind::Whitelist, "victim@example.net");
  EXPECT_EQ(fourth.error().code(), ErrorCode::LimitExceeded);
  EXPECT_EQ(mails_.size(), 3U);
}

TEST_F(AddressProofTest, AsksNobodyElseBeforeTheUsersOwnAddressIsProven) {
  ASSERT_TRUE(proofs_.ask(account_, ConfirmationKind::User, "acme@own.example"));
  const std::string own = last_code();
  const store::UserRecord user = directory_.find_user_by_email("acme@own.example").value().value();
  EXPECT_FALSE(proofs_.is_proven(user).value());
  EXPECT_EQ(ask("friend@example.net").error().code(), ErrorCode::Conflict);
  clock_.advance(kProofLifetime + hours(1));
  EXPECT_EQ(ask("friend@example.net").error().code(), ErrorCode::Conflict) << "waiting proves nothing";
  ASSERT_TRUE(proofs_.ask(account_, ConfirmationKind::User, "acme@own.example"));
  EXPECT_FALSE(proofs_.confirm(account_.id, own));
  ASSERT_TRUE(proofs_.confirm(account_.id, last_code()));
  EXPECT_TRUE(proofs_.is_proven(user).value());
  EXPECT_TRUE(is_listed("acme@own.example")) << "people may write to themselves";
  EXPECT_TRUE(ask("friend@example.net"));
}

TEST_F(AddressProofTest, AsksOnlyForAccountsThatMadeThemselvesAndAreInTheSandbox) {
  EXPECT_TRUE(proofs_.are_required(account_));
  store::AccountRecord production = account_;
  production.mode = AccountMode::Production;
  EXPECT_FALSE(proofs_.are_required(production));
  store::AccountRecord operators = account_;
  operators.is_self_made = false;
  EXPECT_FALSE(proofs_.are_required(operators));
  const AddressProofs off(directory_, clock_, random_, {.is_required = false}, {});
  EXPECT_FALSE(off.are_required(account_));
}

}  // namespace
}  // namespace postern::auth
