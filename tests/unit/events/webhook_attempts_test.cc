#include "events/webhook_attempts.h"

#include "tests/support/fake_random.h"

#include <gtest/gtest.h>

namespace postern::events {
namespace {

class WebhookAttemptsTest : public testing::Test {
 protected:
  void add(const WebhookId& webhook, std::uint64_t sequence) {
    attempts_.add(webhook, {.at = {}, .sequence = sequence, .url = "https://hooks.example/", .status = 200});
  }
  test::FakeRandom random_;
  WebhookAttempts attempts_;
};

TEST_F(WebhookAttemptsTest, AreKeptOfEachWebhookTheNewestFirst) {
  const WebhookId one = make_webhook_id(random_);
  const WebhookId two = make_webhook_id(random_);
  add(one, 1);
  add(two, 2);
  add(one, 3);
  const auto of_one = attempts_.list(one);
  ASSERT_EQ(of_one.size(), 2U);
  EXPECT_EQ(of_one[0].sequence, 3U);
  EXPECT_EQ(of_one[1].sequence, 1U);
  EXPECT_TRUE(attempts_.list(make_webhook_id(random_)).empty());
}

TEST_F(WebhookAttemptsTest, AreBoundedForAWebhookAndInAll) {
  const WebhookId first = make_webhook_id(random_);
  for (std::uint64_t i = 0; i < kMaxAttemptsOfWebhook + 5; ++i) add(first, i);
  EXPECT_EQ(attempts_.list(first).size(), kMaxAttemptsOfWebhook);
  EXPECT_EQ(attempts_.list(first).back().sequence, 5U);
  for (std::size_t i = 0; i < kMaxWebhooksWithAttempts; ++i) add(make_webhook_id(random_), 1);
  EXPECT_TRUE(attempts_.list(first).empty()) << "asked longest ago";
}

TEST_F(WebhookAttemptsTest, AreBoundedInOctets) {
  const WebhookId first = make_webhook_id(random_);
  add(first, 1);
  const std::string body(kMaxKeptWebhookBody, 'x');
  for (std::size_t octets = 0; octets <= kMaxAttemptOctets;) {
    const WebhookId webhook = make_webhook_id(random_);
    for (std::size_t i = 0; i < kMaxAttemptsOfWebhook; ++i) {
      WebhookAttempt attempt{.at = {}, .sequence = i, .url = "https://hooks.example/", .sent = body, .answered = body};
      octets += attempt.octets();
      attempts_.add(webhook, std::move(attempt));
    }
    EXPECT_EQ(attempts_.list(webhook).size(), kMaxAttemptsOfWebhook);
  }
  EXPECT_TRUE(attempts_.list(first).empty()) << "asked longest ago";
}

}  // namespace
}  // namespace postern::events
