#include "api/account_turns.h"

#include "tests/support/coroutine_loop.h"

#include <gtest/gtest.h>

namespace postern::api {
namespace {

using Pending = test::Pending<std::unique_ptr<AccountTurns::Turn>>;

AccountId numbered(std::uint8_t number) {
  AccountId account;
  account.octets[0] = number;
  return account;
}

class AccountTurnsTest : public ::testing::Test {
 protected:
  Pending take(const AccountId& account) {
    Pending pending = loop_.start(turns_.take(account));
    loop_.settle();
    return pending;
  }
  static bool has_turn(const Pending& pending) { return pending->has_value() && **pending != nullptr; }

  AccountTurns turns_{2, 3};
  test::CoroutineLoop loop_;
  const AccountId one_ = numbered(1);
  const AccountId other_ = numbered(2);
};

TEST_F(AccountTurnsTest, AnAccountsJobsWaitForEachOtherAndForNobodyElse) {
  const Pending first = take(one_);
  const Pending second = take(one_);
  const Pending third = take(one_);
  EXPECT_TRUE(has_turn(first));
  EXPECT_TRUE(has_turn(second));
  EXPECT_FALSE(third->has_value());
  EXPECT_TRUE(has_turn(take(other_)));
}

TEST_F(AccountTurnsTest, TheLongestWaitingIsNext) {
  const Pending first = take(one_);
  const Pending second = take(one_);
  const Pending third = take(one_);
  const Pending fourth = take(one_);
  (*first)->reset();
  loop_.settle();
  EXPECT_TRUE(has_turn(third));
  EXPECT_FALSE(fourth->has_value());
  (*third)->reset();
  loop_.settle();
  EXPECT_TRUE(has_turn(fourth));
}

TEST_F(AccountTurnsTest, RefusesWhatIsTooMuchToWait) {
  std::vector<Pending> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(take(one_));
  const Pending sixth = take(one_);
  ASSERT_TRUE(sixth->has_value());
  EXPECT_EQ(**sixth, nullptr);
  EXPECT_TRUE(has_turn(take(other_)));
  for (Pending& job : jobs) {
    ASSERT_TRUE(has_turn(job));
    (*job)->reset();
    loop_.settle();
  }
  EXPECT_TRUE(has_turn(take(one_)));
}

}  // namespace
}  // namespace postern::api
