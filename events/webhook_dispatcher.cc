#include "events/webhook_dispatcher.h"

#include "core/due.h"
#include "core/log.h"
#include "core/metrics.h"
#include "events/webhook_sender.h"
#include "net/task_of.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <set>
#include <utility>

namespace postern::events {
namespace {

namespace asio = net::asio;
using std::chrono::milliseconds;

metrics::Gauge waiting_events("postern_webhook_waiting_events", "Events in the hands of webhooks' senders, not delivered yet.");
metrics::Gauge failing_since("postern_webhook_oldest_timestamp_seconds",
                             "Since when the oldest event is tried that no webhook has taken yet; 0: none failed.");
metrics::Gauge disabled_webhooks("postern_webhooks_disabled", "Webhooks that get no events, by hand or after failures.");

constexpr milliseconds kReviewEvery{2000};    // of the list of webhooks: other processes change it
constexpr std::size_t kWakenAtOnce = 256;

}  // namespace

class WebhookDispatcher::Impl : public std::enable_shared_from_this<WebhookDispatcher::Impl> {
 public:
  explicit Impl(WebhookDispatcherParts parts) : parts_(std::move(parts)), end_(parts_.executor) {}

  net::Awaitable<void> run();
  void wake();
  void stop();
  void cancel() {
    stop();
    parts_.client.cancel();
  }

 private:
  using Sender = std::shared_ptr<WebhookSender>;

  static net::Awaitable<void> work(std::shared_ptr<Impl> self, Sender sender);
  void review();
  void follow(const store::WebhookRecord& webhook);
  void measure() const;
  void tell_senders();
  void poke_all();

  WebhookDispatcherParts parts_;
  std::shared_ptr<WebhookSlots> slots_ = std::make_shared<WebhookSlots>();
  std::map<WebhookId, Sender> senders_;
  std::size_t working_ = 0;
  std::uint64_t seen_ = 0;       // events up to here were told to their senders
  Instant next_review_;
  EventHub::Interrupt rest_;     // of run(), until there are events or a review is due
  bool is_stopping_ = false;
  std::atomic<bool> is_woken_{false};
  asio::steady_timer end_;       // of the last sender, while stopping
};

net::Awaitable<void> WebhookDispatcher::Impl::run() {
  const auto last = parts_.store.spool().last_sequence();
  seen_ = last ? *last : 0;
  while (!is_stopping_) {
    review();
    tell_senders();
    co_await parts_.event_hub.wait_above(seen_, kReviewEvery, &rest_);
  }
  end_.expires_at(asio::steady_timer::time_point::max());
  while (working_ > 0) co_await end_.async_wait(asio::as_tuple(net::kAwait));
}

net::Awaitable<void> WebhookDispatcher::Impl::work(std::shared_ptr<Impl> self, Sender sender) {
  co_await sender->run();
  --self->working_;
  if (self->is_stopping_) self->end_.cancel();
}

// Which webhooks there are and how.
void WebhookDispatcher::Impl::review() {
  const Instant now = parts_.clock.now();
  if (!is_due(next_review_, kReviewEvery, now)) return;
  next_review_ = now + kReviewEvery;
  const auto webhooks = parts_.store.directory().list_all_webhooks();
  if (!webhooks) {
    log::write(log::Level::Error, "webhook_storage_failed", {{"what", "list"}, {"error", webhooks.error().message()}});
    return;
  }
  std::set<WebhookId> enabled;
  for (const store::WebhookRecord& webhook : *webhooks) {
    if (webhook.state != store::WebhookState::Enabled) continue;
    enabled.insert(webhook.id);
    follow(webhook);
  }
  for (auto& [id, sender] : senders_) {
    if (!enabled.contains(id)) sender->stop();
  }
  std::erase_if(senders_, [](const auto& entry) { return entry.second->has_ended(); });
  disabled_webhooks.set(static_cast<double>(webhooks->size() - enabled.size()));
  measure();
}

void WebhookDispatcher::Impl::measure() const {
  std::size_t waiting = 0;
  std::optional<Instant> oldest;
  for (const auto& [id, sender] : senders_) {
    if (!sender->backlog()) continue;
    waiting += sender->backlog()->waiting();
    const auto since = sender->backlog()->failing_since();
    if (since) oldest = std::min(oldest.value_or(Instant::max()), *since);
  }
  waiting_events.set(static_cast<double>(waiting));
  failing_since.set(oldest ? std::chrono::duration<double>(oldest->time_since_epoch()).count() : 0);
}

void WebhookDispatcher::Impl::follow(const store::WebhookRecord& webhook) {
  Sender& sender = senders_[webhook.id];
  if (sender && !sender->has_ended()) {
    // One that begins anew is started once the old one has ended, at the next review.
    if (sender->update(webhook)) next_review_ = parts_.clock.now();
    return;
  }
  sender = std::make_shared<WebhookSender>(parts_, slots_, webhook);
  ++working_;
  asio::co_spawn(parts_.executor, work(shared_from_this(), sender), net::rethrow);
}

// New events: only the senders of their accounts look at the log.
void WebhookDispatcher::Impl::tell_senders() {
  if (senders_.empty()) {
    // One that comes later finds its place in the log by itself.
    if (const auto last = parts_.store.spool().last_sequence()) seen_ = *last;
    return;
  }
  std::set<AccountId> accounts;
  for (;;) {
    const auto events = parts_.store.spool().events_after(seen_, kWakenAtOnce);
    if (!events || events->empty()) break;
    for (const Event& event : *events) accounts.insert(event.account);
    seen_ = events->back().sequence;
    if (events->size() < kWakenAtOnce) break;
  }
  for (auto& [id, sender] : senders_) {
    if (accounts.contains(sender->webhook().account)) sender->poke();
  }
}

void WebhookDispatcher::Impl::poke_all() {
  for (auto& [id, sender] : senders_) sender->poke();
}

void WebhookDispatcher::Impl::wake() {
  if (is_woken_.exchange(true)) return;
  asio::post(parts_.executor, [self = shared_from_this()] {
    self->is_woken_ = false;
    self->next_review_ = Instant{};
    if (!self->is_stopping_) self->review();
    self->poke_all();
  });
}

void WebhookDispatcher::Impl::stop() {
  is_stopping_ = true;
  rest_.fire();
  for (auto& [id, sender] : senders_) sender->stop();
}

WebhookDispatcher::WebhookDispatcher(WebhookDispatcherParts parts) : impl_(std::make_shared<Impl>(std::move(parts))) {}

WebhookDispatcher::~WebhookDispatcher() = default;

std::unique_ptr<net::Task> WebhookDispatcher::make_task() { return std::make_unique<net::TaskOf<Impl>>(impl_); }

void WebhookDispatcher::wake() { impl_->wake(); }

}  // namespace postern::events
