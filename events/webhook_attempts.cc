#include "events/webhook_attempts.h"

#include <utility>

namespace postern::events {

void WebhookAttempts::add(const WebhookId& webhook, WebhookAttempt attempt) {
  const std::lock_guard lock(mutex_);
  std::deque<WebhookAttempt>& of_webhook = attempts_.touch(webhook).first;
  of_webhook.push_front(std::move(attempt));
  if (of_webhook.size() > kMaxAttemptsOfWebhook) of_webhook.pop_back();
  attempts_.shrink_to(kMaxWebhooksWithAttempts);
}

std::vector<WebhookAttempt> WebhookAttempts::list(const WebhookId& webhook) {
  const std::lock_guard lock(mutex_);
  const auto* const of_webhook = attempts_.find(webhook);
  return of_webhook == nullptr ? std::vector<WebhookAttempt>()
                               : std::vector<WebhookAttempt>(of_webhook->begin(), of_webhook->end());
}

}  // namespace postern::events
