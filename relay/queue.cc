// The loop: read some slices, or rest until something is due, somebody wakes it, or the poll comes round.
#include "relay/queue_impl.h"

#include "core/operator_log.h"
#include "net/task_of.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

namespace asio = net::asio;
using std::chrono::steady_clock;

constexpr Duration kStepBack = std::chrono::minutes(1);  // what is late by less is left alone
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
      destinations_(std::make_unique<DestinationSet>(std::move(routes), parts_.make_transport)),
      reader_([this](std::string_view lane) { return destinations_->hop_of(lane); }),
      holdings_(settings_.max_leased) {}

net::Awaitable<void> Queue::Impl::run() {
  const auto usage = spool().usage();
  operator_log::queue_started(usage ? usage->queued : 0);
  next_review_ = now() + std::chrono::minutes(1);
  if (const auto cleared = spool().list_pauses(); cleared) {
    for (const auto& pause : *cleared) spool().set_pause(pause.name, std::nullopt, [](const Result<void>&) {});
  }
  reader_.look_everywhere(true);
  while (!is_over()) {
    take_wakes();
    if (read_some()) {
      co_await asio::post(parts_.executor, net::kAwait);
    } else {
      co_await rest();
    }
  }
  finish();
}

void Queue::Impl::accepted(const store::DueEntry& entry) {
  accepted_.add(entry);
  post_poke();
}

void Queue::Impl::wake() {
  accepted_.say_more();
  post_poke();
}

void Queue::Impl::post_poke() {
  if (!accepted_.wants_wake()) return;
  asio::post(parts_.executor, [self = shared_from_this()] { self->poke(); });
}

void Queue::Impl::poke() {
  is_poked_ = true;
  timer_.cancel();
}

void Queue::Impl::take_wakes() {
  is_poked_ = false;
  accepted_.woke();
  const Instant at = now();
  if (at >= next_poll_ || next_poll_ > at + settings_.poll) poll(at);
  if (accepted_.take_more()) reader_.look_everywhere(false);
}

// What another process may have changed, and what may have become possible meanwhile.
void Queue::Impl::poll(Instant at) {
  next_poll_ = at + settings_.poll;
  notice_step_back(at);
  for (auto& unsynced : std::exchange(refused_, {})) write(std::move(unsynced));
  suspended_.clear();
  const auto is_resumed = [this](const AccountId& account) { return !is_suspended(account).value_or(true); };
  // Its mail stands wherever it stands: all lanes are begun anew.
  if (held_.release(is_resumed)) reader_.look_everywhere(true);
  take_orders(at);
  probe_where_asked(at);
  reader_.poll(at);
  destinations_->drop_idle([this](HopId hop) { return reader_.knows(hop); }, at);
  std::erase_if(retired_, [](const auto& destination) { return destination.expired(); });
}

// What was planned before the step is written down by the poll after it.
void Queue::Impl::notice_step_back(Instant at) {
  if (is_set_back_) redate_.begin();
  is_set_back_ = at + kStepBack < last_polled_;
  last_polled_ = at;
  if (!is_set_back_) return;
  next_review_ = std::min(next_review_, at);
  for (const auto& destination : destinations_->all()) {
    if (destination->is_failing()) reader_.close(destination->hop(), destination->next_probe(at));
  }
}

bool Queue::Impl::is_over() const {
  if (!is_stopping_) return false;
  if (is_cancelled_ && steady_clock::now() - cancelled_at_ >= kCancelGrace) return unsynced_ == 0;
  return running_ == 0 && unsynced_ == 0;
}

net::Awaitable<void> Queue::Impl::rest() {
  if (is_poked_ || is_over()) co_return;
  timer_.expires_after(time_to_rest());
  co_await timer_.async_wait(asio::as_tuple(net::kAwait));
}

// Until the poll, or sooner if something is due or a probe is allowed sooner.
Duration Queue::Impl::time_to_rest() const {
  if (is_stopping_) return kStoppingPoll;
  const Instant at = now();
  Instant until = std::min(next_poll_, at + settings_.poll);
  // Where nothing can be taken on, whoever changes that wakes us.
  if (may_take_on() && !holdings_.is_full()) until = std::min(until, reader_.wake_at());
  return std::max(until - at, Duration{0});
}

void Queue::Impl::use_routes(std::shared_ptr<const RouteTable> routes) {
  release_all_waiting();
  const std::vector<DestinationPtr> before = destinations_->all();
  destinations_ = std::make_unique<DestinationSet>(std::move(routes), parts_.make_transport, destinations_.get());
  reader_.forget_all();
  if (orders_->holds_lanes()) reader_.close(DestinationSet::kHeld);
  turns_.clear();
  for (const auto& destination : before) {
    if (destinations_->is_current(destination->hop())) {
      destination->transport().refresh();
      (void)close_if_full(*destination, now());
      continue;
    }
    destination->transport().retire();
    note_pause(destination, std::nullopt);
    if (destination->running() > 0) retired_.push_back(destination);
  }
  poke();
}

void Queue::Impl::release_all_waiting() {
  for (const auto& destination : destinations_->all()) give_back_waiting(destination);
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

}  // namespace postern::relay
