// EventService: what tells programs of events while the daemon lives, with HTTP listeners or without: the hub that
// wakes live streams, and the webhooks.
#pragma once

#include "app/settings.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "dns/resolver.h"
#include "events/attachment_links.h"
#include "events/event_hub.h"
#include "events/event_ids.h"
#include "events/run_webhooks.h"
#include "events/webhook_attempts.h"
#include "net/runtime.h"
#include "store/store.h"

#include <chrono>
#include <memory>

namespace postern::app {

// All outlive the service.
struct EventServiceParts {
  net::Runtime& runtime;  // not started yet
  store::Store& store;
  dns::Resolver& resolver;
  const Clock& clock;
  Random& random;
};

// Used from the main thread, where nothing else is said.
class EventService {
 public:
  // Opens the authorities that receivers' certificates are checked against, and the key of event ids. Fails with the reason.
  static Result<std::unique_ptr<EventService>> create(const Settings& settings, const EventServiceParts& parts);
  ~EventService();

  // Makes the threads that `tell` is called on, for a run with a clock that has news, and gives what such clocks listen to. Throws
  // std::system_error where there is no thread to spare.
  relay::RunListener& listen_to_runs(events::RunWebhooks::Tell tell);
  void start();
  // Webhooks begin nothing more.
  void close();
  // Webhooks under way end; what they had not delivered is delivered after the next start. After close(); blocks.
  void drain(std::chrono::steady_clock::duration grace);

  // Any thread, all of them.
  void notify();  // events were committed
  void wake_webhooks();
  events::EventHub& hub();
  events::WebhookAttempts& webhook_attempts();
  const events::EventIds& ids() const;
  const events::AttachmentLinks& links() const;

 private:
  class Impl;
  explicit EventService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::app
