#include "submission/reservation.h"

#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

#include <gtest/gtest.h>

namespace postern::submission {
namespace {

class ReservationTest : public ::testing::Test {
 protected:
  test::FakeClock clock_;
  test::FakeRandom random_;
  QuotaTable quota_{
      [](const AccountId&, store::CounterPeriod, Instant) { return std::uint64_t{0}; }};

  auth::Principal who(Environment environment, store::Plan plan) {
    auth::Principal principal;
    principal.account = account_;
    principal.environment = environment;
    principal.plan = std::move(plan);
    return principal;
  }
  AccountId account_ = make_account_id(random_);
};

TEST_F(ReservationTest, GivesBackWhatWasNotUsed) {
  const auth::Principal principal = who(Environment::Live, {"p", {}, 2, {}});
  {
    Reservation abandoned(quota_);
    EXPECT_TRUE(abandoned.add(principal, clock_.now()).is_accepted());
    EXPECT_TRUE(abandoned.add(principal, clock_.now()).is_accepted());
    const Decision third = abandoned.add(principal, clock_.now());
    ASSERT_TRUE(third.refused());
    EXPECT_EQ(third.refused()->refusal, Refusal::QuotaExceeded);
    EXPECT_EQ(third.refused()->wait, std::chrono::hours(14)) << "10:00 UTC to midnight";
    EXPECT_EQ(third.refused()->limit, 2U);
  }
  Reservation used(quota_);
  EXPECT_TRUE(used.add(principal, clock_.now()).is_accepted());
  EXPECT_TRUE(used.add(principal, clock_.now()).is_accepted());
  used.use();
  Reservation late(quota_);
  EXPECT_FALSE(late.add(principal, clock_.now()).is_accepted());
}

TEST_F(ReservationTest, KeepsWhatWasUsedBeyondItsOwnEnd) {
  const auth::Principal principal = who(Environment::Live, {"p", {}, 1, {}});
  {
    Reservation used(quota_);
    EXPECT_TRUE(used.add(principal, clock_.now()).is_accepted());
    used.use();
  }
  EXPECT_FALSE(foresee_recipients(quota_, principal, 1, clock_.now()).is_accepted());
}

TEST_F(ReservationTest, TakesARateOnceAndForeseesItWithoutTaking) {
  const auth::Principal principal = who(Environment::Live, {"p", 1, {}, {}});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(foresee_rate(quota_, principal, clock_.now()).is_accepted());
  }
  EXPECT_TRUE(take_rate(quota_, principal, 1, clock_.now()).is_accepted());
  EXPECT_TRUE(take_rate(quota_, principal, 0, clock_.now()).is_accepted())
      << "of a batch that has taken its own";
  const Decision refused = take_rate(quota_, principal, 1, clock_.now());
  ASSERT_TRUE(refused.refused());
  EXPECT_EQ(refused.refused()->refusal, Refusal::RateLimited);
  EXPECT_EQ(words_of(*refused.refused()), "too many messages a second: wait 1 s");
  EXPECT_FALSE(foresee_rate(quota_, principal, clock_.now()).is_accepted());
}

TEST_F(ReservationTest, NeverCountsATestKey) {
  const auth::Principal principal = who(Environment::Test, {"p", 0, 0, 0});
  EXPECT_TRUE(take_rate(quota_, principal, 5, clock_.now()).is_accepted());
  EXPECT_TRUE(foresee_rate(quota_, principal, clock_.now()).is_accepted());
  EXPECT_TRUE(foresee_recipients(quota_, principal, 5, clock_.now()).is_accepted());
  Reservation reservation(quota_);
  EXPECT_TRUE(reservation.add(principal, clock_.now()).is_accepted());
}

}  // namespace
}  // namespace postern::submission
