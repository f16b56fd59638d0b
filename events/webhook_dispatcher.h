// WebhookDispatcher: hands every event to the webhooks that want it, at least once, and per message in order. Reads the event
// log from a cursor that each webhook has in the directory; keeps nothing that the log does not have.
//
// One sender per enabled webhook (events/webhook_backlog decides, events/webhook_client sends). A slow or dead receiver delays
// itself: the bounds below are shared, the waits are not.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "events/event_hub.h"
#include "events/attachment_links.h"
#include "events/event_ids.h"
#include "events/webhook_attempts.h"
#include "events/webhook_client.h"
#include "net/task_group.h"
#include "net/worker_pool.h"
#include "store/store.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace postern::events {

inline constexpr std::size_t kMaxWebhookRequestsInAll = 1'000;       // sockets
inline constexpr std::size_t kMaxWebhookRequestsPerAccount = 32;     // so that one account's slow receivers take no other's turn
inline constexpr std::uint32_t kWebhookOctetsPerSecond = 4'194'304;  // of one account's webhooks: some thousands of events

struct WebhookDispatcherParts {
  net::Executor executor;  // of a thread that serves no connections: it reads the store
  store::Store& store;
  const Clock& clock;
  Random& random;
  EventHub& event_hub;
  WebhookClient& client;   // on `executor`
  EventIds event_ids{};
  WebhookAttempts* attempts = nullptr;  // nullptr: nobody asks
  AttachmentLinks links{};
  net::WorkerPool* readers = nullptr;  // that read what came in; nullptr: its events have no texts
  // An event of a run with a clock is there, which somebody else offers. Empty: it is sent as any other.
  std::function<void(const store::MessageRecord&)> on_clock_event{};
};

class WebhookDispatcher {
 public:
  explicit WebhookDispatcher(WebhookDispatcherParts parts);
  ~WebhookDispatcher();
  WebhookDispatcher(const WebhookDispatcher&) = delete;
  WebhookDispatcher& operator=(const WebhookDispatcher&) = delete;

  // The work as one task, to be started once, on the executor. stop(): no new request, ends when those under way have; what is
  // not saved then is sent again after the next start. cancel(): also cuts off the requests.
  std::unique_ptr<net::Task> make_task();

  // Webhooks were made or changed, or the clock of a test moved: look at once. Any thread. Changes by other processes are seen
  // within two seconds.
  void wake();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace postern::events
