// Without a server. With real ones: tests/e2e/t74_idempotency.
#include "cluster/claim_keeper.h"

#include "tests/support/fake_clock.h"
#include "tests/support/temp_store.h"

#include <gtest/gtest.h>

#include <future>

namespace postern::cluster {
namespace {

TEST(ClaimKeeper, LetsANodeGoByItselfWhereNobodyAnswers) {
  test::TempStore store;
  test::FakeClock clock;
  SystemRandom random;
  const Secret where("host=127.0.0.1 port=1 dbname=none");
  ClaimKeeper keeper(*store, where, clock, random, {.cluster = {}, .node = 1});
  keeper.start();
  for (int i = 0; i < 3; ++i) {
    store::ClaimOutcome outcome{.kind = store::ClaimOutcome::Kind::Busy};
    std::promise<void> answered;
    keeper.claim({}, outcome, [&](const Result<void>& done) {
      EXPECT_TRUE(done);
      answered.set_value();
    });
    ASSERT_EQ(answered.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
    EXPECT_EQ(outcome.kind, store::ClaimOutcome::Kind::Alone);
    keeper.settle({}, true);
  }
  keeper.stop();
}

}  // namespace
}  // namespace postern::cluster
