#include "events/event_hub.h"

#include "core/log.h"
#include "net/task_of.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <utility>

namespace postern::events {
namespace {

namespace asio = net::asio;
using std::chrono::milliseconds;

constexpr milliseconds kShortestRound{20};  // between two wakes of everybody
constexpr milliseconds kBusyPoll{250};      // while somebody waits
constexpr milliseconds kIdlePoll{1000};


struct Waiter {
  explicit Waiter(const net::Executor& on) : executor(on), timer(on) {}

  net::Executor executor;
  asio::steady_timer timer;
};

}  // namespace

class EventHub::Impl : public std::enable_shared_from_this<EventHub::Impl> {
 public:
  Impl(net::Executor executor, std::function<Result<std::uint64_t>()> last_sequence)
      : executor_(std::move(executor)), last_sequence_of_spool_(std::move(last_sequence)), timer_(executor_) {}

  net::Awaitable<void> run();
  void notify();
  void stop();
  void cancel() { stop(); }
  net::Awaitable<std::uint64_t> wait_above(std::uint64_t seen, std::chrono::steady_clock::duration longest, Interrupt* interrupt);
  std::unique_ptr<StreamTicket> open_stream(const AccountId& account);

 private:
  using Waiters = std::list<std::shared_ptr<Waiter>>;

  net::Awaitable<void> rest();
  void look();
  void wake_all();
  void close_stream(const AccountId& account);

  const net::Executor executor_;
  const std::function<Result<std::uint64_t>()> last_sequence_of_spool_;
  asio::steady_timer timer_;
  bool is_poked_ = false;
  bool has_failed_ = false;  // the last look; logged once
  std::atomic<bool> is_notified_{false};

  std::mutex mutex_;
  std::uint64_t last_sequence_ = 0;  // this and what follows under mutex_
  bool is_stopped_ = false;
  Waiters waiters_;
  std::map<AccountId, std::size_t> streams_;
  std::size_t stream_count_ = 0;
};

net::Awaitable<void> EventHub::Impl::run() {
  while (!is_stopped_) {
    const auto next = std::chrono::steady_clock::now() + kShortestRound;
    look();
    co_await rest();
    // What comes after a pause is told at once; what comes in a burst waits for its round.
    timer_.expires_at(next);
    if (!is_stopped_ && next > std::chrono::steady_clock::now()) co_await timer_.async_wait(asio::as_tuple(net::kAwait));
  }
  wake_all();
}

net::Awaitable<void> EventHub::Impl::rest() {
  if (is_poked_ || is_stopped_) co_return;
  bool has_waiters = false;
  {
    const std::lock_guard lock(mutex_);
    has_waiters = !waiters_.empty();
  }
  timer_.expires_after(has_waiters ? kBusyPoll : kIdlePoll);
  co_await timer_.async_wait(asio::as_tuple(net::kAwait));
}

void EventHub::Impl::look() {
  // In this order: a notice that comes in between is posted again.
  is_poked_ = false;
  is_notified_ = false;
  const Result<std::uint64_t> last = last_sequence_of_spool_();
  const bool has_just_failed = !last && !has_failed_;
  has_failed_ = !last;
  if (has_just_failed) log::write(log::Level::Error, "event_hub_failed", {{"error", last.error().message()}});
  if (!last) return;
  {
    const std::lock_guard lock(mutex_);
    if (*last == last_sequence_) return;
    last_sequence_ = *last;
  }
  wake_all();
}

void EventHub::Impl::wake_all() {
  Waiters woken;
  {
    const std::lock_guard lock(mutex_);
    woken.swap(waiters_);
  }
  for (const auto& waiter : woken) asio::post(waiter->executor, [waiter] { waiter->timer.cancel(); });
}

void EventHub::Impl::notify() {
  if (is_notified_.exchange(true)) return;
  asio::post(executor_, [self = shared_from_this()] {
    self->is_poked_ = true;
    self->timer_.cancel();
  });
}

void EventHub::Impl::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  timer_.cancel();
}

net::Awaitable<std::uint64_t> EventHub::Impl::wait_above(std::uint64_t seen, std::chrono::steady_clock::duration longest,
                                                         Interrupt* interrupt) {
  const auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  waiter->timer.expires_after(longest);
  {
    const std::lock_guard lock(mutex_);
    if (last_sequence_ > seen || is_stopped_) co_return last_sequence_;
    waiters_.push_back(waiter);
  }
  if (interrupt != nullptr) interrupt->timer_ = &waiter->timer;
  co_await waiter->timer.async_wait(asio::as_tuple(net::kAwait));
  if (interrupt != nullptr) interrupt->timer_ = nullptr;
  const std::lock_guard lock(mutex_);
  waiters_.remove(waiter);
  co_return last_sequence_;
}

std::unique_ptr<EventHub::StreamTicket> EventHub::Impl::open_stream(const AccountId& account) {
  const std::lock_guard lock(mutex_);
  if (stream_count_ >= kMaxStreams) return nullptr;
  std::size_t& count = streams_[account];
  if (count >= kMaxStreamsPerAccount) return nullptr;
  ++count;
  ++stream_count_;
  return std::make_unique<StreamTicket>([self = shared_from_this(), account] { self->close_stream(account); });
}

void EventHub::Impl::close_stream(const AccountId& account) {
  const std::lock_guard lock(mutex_);
  --stream_count_;
  const auto found = streams_.find(account);
  if (--found->second == 0) streams_.erase(found);
}

EventHub::EventHub(net::Executor executor, std::function<Result<std::uint64_t>()> last_sequence)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(last_sequence))) {}

EventHub::~EventHub() = default;

std::unique_ptr<net::Task> EventHub::make_task() { return std::make_unique<net::TaskOf<Impl>>(impl_); }

void EventHub::notify() { impl_->notify(); }

net::Awaitable<std::uint64_t> EventHub::wait_above(std::uint64_t seen, std::chrono::steady_clock::duration longest,
                                                   Interrupt* interrupt) {
  return impl_->wait_above(seen, longest, interrupt);
}

std::unique_ptr<EventHub::StreamTicket> EventHub::open_stream(const AccountId& account) { return impl_->open_stream(account); }

}  // namespace postern::events
