#include "relay/run_turns.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace postern::relay {
namespace {

constexpr AccountId kAccount{};

TEST(RunTurns, WhoDoesNotWaitIsTakenAlongByWhoHasTheTurn) {
  RunTurns turns;
  RunTurns::Turn turn = turns.wait(kAccount, "ci");
  EXPECT_TRUE(turns.try_take(kAccount, "other")) << "another run is another's";
  EXPECT_FALSE(turns.try_take(kAccount, "ci"));
  EXPECT_FALSE(turn.end()) << "somebody came: once more";
  EXPECT_TRUE(turn.end());
  EXPECT_FALSE(turn);
  EXPECT_TRUE(turns.try_take(kAccount, "ci"));
}

TEST(RunTurns, OneAtATimeAndNobodyIsForgotten) {
  RunTurns turns;
  std::atomic<int> inside{0};
  std::atomic<int> wanted{0};
  std::atomic<int> done{0};  // by work that began after it was wanted
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, waits = t % 2 == 0] {
      for (int i = 0; i < 500; ++i) {
        ++wanted;
        RunTurns::Turn turn = waits ? turns.wait(kAccount, "ci") : turns.try_take(kAccount, "ci");
        if (!turn) continue;
        do {
          EXPECT_EQ(++inside, 1);
          done = wanted.load();
          --inside;
        } while (!turn.end());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done.load(), wanted.load()) << "whoever came last was seen";
}

}  // namespace
}  // namespace postern::relay
