// WebhookAttempts: the last requests to each webhook and what became of them, for who looks why nothing arrives. In memory: since
// this process began. Any thread.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/recent_map.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace postern::events {

inline constexpr std::size_t kMaxAttemptsOfWebhook = 50;
inline constexpr std::size_t kMaxWebhooksWithAttempts = 4'096;  // those that were asked longest ago are forgotten
inline constexpr std::size_t kMaxAttemptOctets = 32U << 20;     // of all; likewise
inline constexpr std::size_t kMaxKeptWebhookBody = 2'048;       // octets of what was sent, and of what was answered

struct WebhookAttempt {
  Instant at;                  // of its end
  std::uint64_t sequence = 0;  // of the event
  std::string url;
  std::uint16_t status = 0;  // of the response; 0: there was none
  std::string failure = {};  // why not; never what the receiver wrote
  std::chrono::milliseconds took{0};
  // Their beginnings, at most kMaxKeptWebhookBody; never signatures.
  std::string sent = {};
  std::string answered = {};
  std::string answer_type = {};  // media type; empty: none was said

  std::size_t octets() const {
    return sizeof(*this) + url.size() + failure.size() + sent.size() + answered.size() + answer_type.size();
  }
};

class WebhookAttempts {
 public:
  void add(const WebhookId& webhook, WebhookAttempt attempt);
  // The newest first.
  std::vector<WebhookAttempt> list(const WebhookId& webhook);

 private:
  std::mutex mutex_;
  RecentMap<WebhookId, std::deque<WebhookAttempt>> attempts_;
  std::size_t octets_ = 0;
};

}  // namespace postern::events
