// When an event is tried again, and when a webhook is given up.
#include "events/webhook_retry.h"

#include "tests/support/fake_random.h"

#include <gmock/gmock.h>

namespace postern::events {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Instant kStart{seconds{1'767'607'200}};

TEST(WebhookRetry, WaitsGrowToTwoHoursWithAtMostAFifthOnTop) {
  const struct {
    unsigned attempts;
    Duration wait;
  } kRows[] = {{1, seconds(5)},   {2, seconds(30)}, {3, minutes(2)}, {4, minutes(10)},
               {5, minutes(30)}, {6, hours(1)},    {7, hours(2)},   {12, hours(2)}};
  test::FakeRandom random;
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.attempts);
    const auto next = next_webhook_attempt(row.attempts, kStart, kStart, random);
    ASSERT_TRUE(next);
    EXPECT_GE(*next - kStart, row.wait);
    EXPECT_LE(*next - kStart, row.wait + row.wait / 5);
  }
}

TEST(WebhookRetry, WhatFailedTogetherDoesNotComeBackTogether) {
  test::FakeRandom random;
  const auto first = next_webhook_attempt(3, kStart, kStart, random);
  const auto second = next_webhook_attempt(3, kStart, kStart, random);
  EXPECT_NE(*first, *second);
}

TEST(WebhookRetry, AnEventIsTriedForADayAndThenGivenUp) {
  test::FakeRandom random;
  Instant now = kStart;
  unsigned attempts = 1;
  while (const auto next = next_webhook_attempt(attempts, kStart, now, random)) {
    now = *next;
    ++attempts;
    ASSERT_LT(attempts, 100U);
  }
  EXPECT_GE(now - kStart, hours(21));
  EXPECT_LE(now - kStart, kWebhookLifetime);
  EXPECT_GE(attempts, 15U);
}

TEST(WebhookRetry, OnlyLastingFailureDisables) {
  store::WebhookProgress progress;
  EXPECT_FALSE(is_webhook_dead(progress, 1000, kStart)) << "never failed";
  progress.failing_since = kStart;
  EXPECT_FALSE(is_webhook_dead(progress, 1000, kStart + kDisableAfter - seconds(1))) << "not for long";
  EXPECT_FALSE(is_webhook_dead(progress, kDisableMinFailures - 1, kStart + kDisableAfter)) << "too few to tell";
  EXPECT_TRUE(is_webhook_dead(progress, kDisableMinFailures, kStart + kDisableAfter));
}

}  // namespace
}  // namespace postern::events
