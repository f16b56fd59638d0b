#include "events/webhook_attempts.h"

#include <iterator>
#include <utility>

namespace postern::events {

void WebhookAttempts::add(const WebhookId& webhook, WebhookAttempt attempt) {
  const std::lock_guard lock(mutex_);
  std::deque<WebhookAttempt>& of_webhook = attempts_.touch(webhook).first;
  octets_ += attempt.octets();
  of_webhook.push_front(std::move(attempt));
  if (of_webhook.size() > kMaxAttemptsOfWebhook) {
    octets_ -= of_webhook.back().octets();
    of_webhook.pop_back();
  }
  while (attempts_.size() > kMaxWebhooksWithAttempts || (octets_ > kMaxAttemptOctets && attempts_.size() > 1)) {
    for (const WebhookAttempt& forgotten : std::prev(attempts_.end())->second) octets_ -= forgotten.octets();
    attempts_.shrink_to(attempts_.size() - 1);
  }
}

std::vector<WebhookAttempt> WebhookAttempts::list(const WebhookId& webhook) {
  const std::lock_guard lock(mutex_);
  const auto* const of_webhook = attempts_.find(webhook);
  return of_webhook == nullptr ? std::vector<WebhookAttempt>()
                               : std::vector<WebhookAttempt>(of_webhook->begin(), of_webhook->end());
}

}  // namespace postern::events
