// The loop: read a slice, or rest until something is due, somebody wakes it, or the poll comes round.
#include "relay/queue_impl.h"

#include "core/operator_log.h"
#include "net/task_of.h"
#include "relay/simulated_transport.h"
#include "relay/smtp_transport.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

namespace asio = net::asio;
using std::chrono::steady_clock;

// Entries that wait to be looked at, 40 octets each. Beyond it they are found in the index.
constexpr std::size_t kMaxAccepted = 8'192;

// Messages become visible in another order than that of their due times, since a commit takes its while. So reading begins
// again a little way back; what is leased or passed over already costs next to nothing there.
constexpr Duration kCommitSlack = std::chrono::milliseconds(250);  // at each wake
constexpr Duration kPollSlack = std::chrono::seconds(5);           // at each poll: other processes, slow syncs
constexpr Duration kWideSlack = std::chrono::minutes(10);          // now and then: a stalled disk, a clock set back
constexpr Duration kWidePoll = std::chrono::seconds(30);
constexpr Duration kStepBack = std::chrono::minutes(1);            // what is late by less is left alone
constexpr auto kCancelGrace = std::chrono::seconds(2);  // for cancelled deliveries to end; one that is connecting takes longer
constexpr auto kStoppingPoll = std::chrono::milliseconds(200);


}  // namespace

Queue::Queue(QueueParts parts, QueueSettings settings, std::shared_ptr<const RouteTable> routes)
    : impl_(std::make_shared<Impl>(std::move(parts), std::move(settings), std::move(routes))) {}

Queue::~Queue() = default;

std::unique_ptr<net::Task> Queue::make_task() { return std::make_unique<net::TaskOf<Impl>>(impl_); }

void Queue::accepted(const store::DueEntry& entry) { impl_->accepted(entry); }

void Queue::wake() { impl_->wake(); }

void Queue::replace_routes(std::shared_ptr<const RouteTable> routes) {
  asio::post(impl_->executor(), [impl = impl_, routes = std::move(routes)] { impl->use_routes(routes); });
}

Queue::Impl::Impl(QueueParts parts, QueueSettings settings, std::shared_ptr<const RouteTable> routes)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      notices_(parts_.store, parts_.random, settings_.notices),
      timer_(parts_.executor),
      destinations_(std::make_unique<DestinationSet>(std::move(routes), parts_.make_transport, settings_.max_leased)) {}

net::Awaitable<void> Queue::Impl::run() {
  const auto usage = spool().usage();
  operator_log::queue_started(usage ? usage->queued : 0);
  next_review_ = now() + std::chrono::minutes(1);
  if (const auto cleared = spool().list_pauses(); cleared) {
    for (const auto& pause : *cleared) spool().set_pause(pause.name, std::nullopt, [](const Result<void>&) {});
  }
  while (!is_over()) {
    take_wakes();
    const bool has_more = read_slices();
    for (const auto& destination : destinations_->all()) start_deliveries(destination);
    if (has_more) {
      co_await asio::post(parts_.executor, net::kAwait);
    } else {
      co_await rest();
    }
  }
  finish();
}

void Queue::Impl::accepted(const store::DueEntry& entry) {
  {
    const std::lock_guard lock(accepted_mutex_);
    if (accepted_.size() < kMaxAccepted) {
      accepted_.push_back(entry);
    } else {
      has_new_messages_ = true;
    }
  }
  post_poke();
}

void Queue::Impl::wake() {
  has_new_messages_ = true;
  post_poke();
}

void Queue::Impl::post_poke() {
  if (is_woken_.exchange(true)) return;
  asio::post(parts_.executor, [self = shared_from_this()] { self->poke(); });
}

void Queue::Impl::poke() {
  is_poked_ = true;
  timer_.cancel();
}

void Queue::Impl::take_wakes() {
  is_poked_ = false;
  // In this order: a wake that comes in between is posted again.
  is_woken_ = false;
  const Instant at = now();
  if (has_new_messages_.exchange(false)) lower_front(at - kCommitSlack);
  if (at < next_poll_ && next_poll_ <= at + settings_.poll) return;
  next_poll_ = at + settings_.poll;
  notice_step_back(at);
  lower_front(at - kPollSlack);
  poll(at);
  if (at < next_wide_poll_ && next_wide_poll_ <= at + kWidePoll) return;
  next_wide_poll_ = at + kWidePoll;
  lower_front(at - kWideSlack);
}

// Once a poll: what another process may have changed, and what may have become possible meanwhile.
void Queue::Impl::poll(Instant at) {
  for (auto& unsynced : std::exchange(refused_, {})) write(std::move(unsynced));
  suspended_.clear();
  release_resumed();
  probe_where_asked(at);
  if (!unread_.empty()) {
    const std::lock_guard lock(accepted_mutex_);
    accepted_.insert(accepted_.end(), unread_.begin(), unread_.end());
    unread_.clear();
  }
  std::erase_if(retired_, [](const auto& destination) { return destination.expired(); });
}

// What was planned before the step is written down by the poll after it.
void Queue::Impl::notice_step_back(Instant at) {
  if (is_set_back_) redated_ = store::DueEntry{at, MessageId{}, 0};
  is_set_back_ = at + kStepBack < last_polled_;
  if (is_set_back_) next_review_ = std::min(next_review_, at);
  last_polled_ = at;
}

bool Queue::Impl::is_over() const {
  if (!is_stopping_) return false;
  if (is_cancelled_ && steady_clock::now() - cancelled_at_ >= kCancelGrace) return unsynced_ == 0;
  return running_ == 0 && unsynced_ == 0;
}

net::Awaitable<void> Queue::Impl::rest() {
  if (is_poked_ || is_over()) co_return;
  const Duration left = time_to_rest();
  read_front_at_ = now() + left;
  timer_.expires_after(left);
  co_await timer_.async_wait(asio::as_tuple(net::kAwait));
}

// Until the poll, or sooner if something is due or a probe is allowed sooner.
Duration Queue::Impl::time_to_rest() {
  if (is_stopping_) return kStoppingPoll;
  const Instant at = now();
  Instant until = std::min(next_poll_, at + settings_.poll);
  // What is due by now was looked at: it waits for its destination, not for the clock.
  const auto next = spool().due(store::DueEntry{at + Duration{1}, MessageId{}, 0}, until, 1);
  if (next && !next->empty()) until = std::min(until, next->front().due);
  for (const auto& destination : destinations_->all()) {
    if (destination->is_failing() && destination->next_probe(at) > at) until = std::min(until, destination->next_probe(at));
  }
  return std::max(until - at, Duration{0});
}

void Queue::Impl::use_routes(std::shared_ptr<const RouteTable> routes) {
  release_all_waiting();
  const std::vector<std::shared_ptr<Destination>> before = destinations_->all();
  destinations_ = std::make_unique<DestinationSet>(std::move(routes), parts_.make_transport, settings_.max_leased, before);
  for (const auto& destination : before) {
    if (std::ranges::find(destinations_->all(), destination) != destinations_->all().end()) {
      destination->transport().refresh();
      continue;
    }
    destination->transport().retire();
    note_pause(destination, std::nullopt);
    if (destination->running() > 0) retired_.push_back(destination);
  }
  front_.reset();
  read_front_at_ = Instant{};
  poke();
}

void Queue::Impl::release_all_waiting() {
  for (const auto& destination : destinations_->all()) give_back(destination, destination->release_waiting());
}

void Queue::Impl::stop() {
  is_stopping_ = true;
  release_all_waiting();
  poke();
}

void Queue::Impl::cancel() {
  is_cancelled_ = true;
  cancelled_at_ = steady_clock::now();
  stop();
  for (const auto& destination : destinations_->all()) destination->transport().cancel();
  for (const auto& retired : retired_) {
    if (const auto destination = retired.lock()) destination->transport().cancel();
  }
}

void Queue::Impl::finish() {
  for (const auto& destination : destinations_->all()) destination->transport().cancel();
  operator_log::queue_stopped(running_ + refused_.size() + cut_off_);
}

TransportFactory make_transport_factory(net::Executor executor, const store::Spool& spool, TransportSettings settings) {
  return [executor, &spool, settings](const std::shared_ptr<const RouteTable>& routes,
                                      const Route* route) -> std::unique_ptr<Transport> {
    if (route == nullptr) return std::make_unique<SimulatedTransport>(settings.simulator_domain);
    const SmtpTransportOptions options{.hostname = settings.hostname, .timeouts = {}, .signer = settings.signer};
    return std::make_unique<SmtpTransport>(executor, spool, routes, *route, options);
  };
}

}  // namespace postern::relay
