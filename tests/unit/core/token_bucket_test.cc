#include "core/token_bucket.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kNow{std::chrono::hours(480'000)};

TEST(TokenBucket, GrantsASecondsWorthAndThenAsTimePasses) {
  TokenBucket bucket = TokenBucket::full(2, kNow);
  EXPECT_EQ(bucket.take(2, 1, kNow), std::nullopt);
  EXPECT_EQ(bucket.take(2, 1, kNow), std::nullopt);
  EXPECT_EQ(bucket.take(2, 1, kNow), seconds(1));
  EXPECT_EQ(bucket.take(2, 1, kNow + milliseconds(499)), seconds(1));
  EXPECT_EQ(bucket.take(2, 1, kNow + milliseconds(500)), std::nullopt);
}

TEST(TokenBucket, SavesNoMoreThanASecondsWorth) {
  TokenBucket bucket = TokenBucket::full(2, kNow);
  const Instant later = kNow + std::chrono::hours(1);
  EXPECT_EQ(bucket.take(2, 2, later), std::nullopt);
  EXPECT_EQ(bucket.take(2, 1, later), seconds(1));
}

TEST(TokenBucket, LetsWhoComesNextWaitForWhatWasTakenTooMuch) {
  TokenBucket bucket = TokenBucket::full(10, kNow);
  EXPECT_EQ(bucket.take(10, 100, kNow), std::nullopt);
  EXPECT_EQ(bucket.take(10, 0, kNow), seconds(10)) << "91 tokens at 10 a second, rounded up";
  EXPECT_EQ(bucket.take(10, 0, kNow + seconds(10)), std::nullopt);
}

TEST(TokenBucket, GetsNothingFromAClockThatIsSetBack) {
  TokenBucket bucket = TokenBucket::full(1, kNow);
  EXPECT_EQ(bucket.take(1, 1, kNow), std::nullopt);
  EXPECT_EQ(bucket.take(1, 1, kNow - std::chrono::hours(1)), seconds(1));
  EXPECT_EQ(bucket.take(1, 1, kNow - std::chrono::hours(1) + seconds(1)), std::nullopt);
}

}  // namespace
}  // namespace postern
