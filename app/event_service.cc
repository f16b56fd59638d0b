#include "app/event_service.h"

#include "app/config_values.h"
#include "events/webhook_client.h"
#include "events/webhook_dispatcher.h"
#include "net/task_group.h"
#include "net/tls_context.h"

#include <algorithm>
#include <utility>

namespace postern::app {
namespace {

constexpr std::chrono::seconds kWebhookGrace{3};  // what is cut off then is sent again after the next start

}  // namespace

class EventService::Impl {
 public:
  Impl(const Settings& settings, const EventServiceParts& parts, net::TlsClientContext tls, const store::EventIdKey& key)
      : ids_(key),
        links_(key.octets, make_public_url(settings)),
        readers_(1, events::kMaxWebhookRequestsInAll),
        executor_(parts.runtime.add_thread("events")),
        hub_(executor_, [&store = parts.store] { return store.spool().last_sequence(); }),
        client_(parts.resolver, std::move(tls), make_webhook_policy(settings), "Postern"),
        dispatcher_({executor_, parts.store, parts.clock, parts.random, hub_, client_, ids_, &attempts_, links_, &readers_,
                     [this](const store::MessageRecord& message) { run_webhooks_.notice(message); }}),
        run_webhooks_({executor_, parts.store, parts.clock, client_, ids_, links_, &attempts_}) {}

  void start() {
    hub_task_.start(executor_, hub_.make_task());
    webhook_task_.start(executor_, dispatcher_.make_task());
  }
  void close() {
    webhook_task_.stop_all();
    run_webhooks_.close();
  }
  void drain(std::chrono::steady_clock::duration grace) {
    webhook_task_.drain(std::min<std::chrono::steady_clock::duration>(grace, kWebhookGrace));
    client_.cancel();
    run_webhooks_.stop();
    hub_task_.drain(std::chrono::seconds{0});
  }

  const events::EventIds ids_;
  const events::AttachmentLinks links_;
  net::WorkerPool readers_;  // of what came in: one message at a time
  net::Executor executor_;
  events::EventHub hub_;
  events::HttpWebhookClient client_;
  events::WebhookAttempts attempts_;
  events::WebhookDispatcher dispatcher_;
  events::RunWebhooks run_webhooks_;
  net::TaskGroup hub_task_;
  net::TaskGroup webhook_task_;
};

Result<std::unique_ptr<EventService>> EventService::create(const Settings& settings, const EventServiceParts& parts) {
  auto tls = net::TlsClientContext::create(net::TlsVerification::Required, "");
  if (!tls) return tls.error();
  const auto key = parts.store.spool().event_id_key(parts.random);
  if (!key) return key.error();
  auto impl = std::make_unique<Impl>(settings, parts, std::move(*tls), *key);
  return std::unique_ptr<EventService>(new EventService(std::move(impl)));
}

EventService::EventService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventService::~EventService() = default;

void EventService::start() { impl_->start(); }
relay::RunListener& EventService::listen_to_runs(events::RunWebhooks::Tell tell) {
  impl_->run_webhooks_.start(std::move(tell));
  return impl_->run_webhooks_;
}
void EventService::close() { impl_->close(); }
void EventService::drain(std::chrono::steady_clock::duration grace) { impl_->drain(grace); }
void EventService::notify() { impl_->hub_.notify(); }
void EventService::wake_webhooks() { impl_->dispatcher_.wake(); }
events::EventHub& EventService::hub() { return impl_->hub_; }
events::WebhookAttempts& EventService::webhook_attempts() { return impl_->attempts_; }
const events::EventIds& EventService::ids() const { return impl_->ids_; }
const events::AttachmentLinks& EventService::links() const { return impl_->links_; }

}  // namespace postern::app
