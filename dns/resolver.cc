// Who waits sits on a timer: the answer wakes it early, and an answer that comes too late finds nobody.
#include "dns/resolver.h"

#include "core/bytes.h"
#include "core/metrics.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <future>
#include <mutex>
#include <optional>

namespace postern::dns {
namespace {

namespace asio = net::asio;
using Clock = std::chrono::steady_clock;

std::vector<std::string> finding_names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kFindings; ++i) names.emplace_back(finding_name(static_cast<Finding>(i)));
  return names;
}

metrics::Counter dns_lookups("postern_dns_lookups_total", "DNS look-ups that ended, by what became of them.",
                             {{"outcome", finding_names()}});
metrics::Histogram dns_durations("postern_dns_lookup_duration_seconds",
                                 "From a question to its answer, of the cache too, or to the end of the wait.",
                                 metrics::short_durations(), metrics::Unit::Seconds);

std::string describe(const Question& question) {
  return std::string(type_name(question.type)) + " " + escape_for_log(question.name);
}

RawAnswer without_answer(Finding finding, std::string why) {
  RawAnswer answer;
  answer.finding = finding;
  answer.why = std::move(why);
  return answer;
}

RawAnswer timed_out(std::chrono::milliseconds timeout) {
  return without_answer(Finding::TimedOut, "no answer within " + std::to_string(timeout.count()) + " ms");
}

std::chrono::milliseconds effective_timeout(const Resolver& resolver, const Limits& limits) {
  return limits.timeout.count() > 0 ? limits.timeout : resolver.timeout();
}

// The last that is done with every answer.
RawAnswer finish(RawAnswer answer, const std::string& what, Clock::time_point begun) {
  dns_lookups.at(answer.finding).add();
  dns_durations.observe(Clock::now() - begun);
  if (!is_answer(answer.finding)) answer.why = what + ": " + answer.why;
  return answer;
}

}  // namespace

// Shared by who waits and whoever answers.
struct LookUp::State {
  explicit State(asio::steady_timer* of_waiter) : timer(of_waiter) {}

  void give(RawAnswer given, const std::shared_ptr<State>& self) {
    const std::lock_guard lock(mutex);
    if (timer == nullptr) return;
    answer = std::move(given);
    asio::post(timer->get_executor(), [self] { self->wake(); });
  }
  void wake() {
    const std::lock_guard lock(mutex);
    if (timer != nullptr) timer->cancel();
  }
  std::optional<RawAnswer> take() {
    const std::lock_guard lock(mutex);
    return std::move(answer);
  }

  std::mutex mutex;           // of what follows
  asio::steady_timer* timer;  // of who waits, whose context lives meanwhile; null: nobody does any more
  std::optional<RawAnswer> answer;
};

void Cancellation::cancel() {
  is_cancelled_ = true;
  for (asio::steady_timer* timer : waiting_) timer->cancel();
}

LookUp::LookUp(net::Executor executor, Resolver& resolver, Question question, Limits limits)
    : timer_(std::move(executor), effective_timeout(resolver, limits)),
      cancellation_(limits.cancellation),
      timeout_(effective_timeout(resolver, limits)),
      begun_(Clock::now()),
      what_(describe(question)),
      state_(std::make_shared<State>(&timer_)) {
  if (cancellation_ != nullptr && cancellation_->is_cancelled_) return;
  if (cancellation_ != nullptr) cancellation_->waiting_.insert(&timer_);
  resolver.start(std::move(question),
                 [state = state_](RawAnswer answer) { state->give(std::move(answer), state); });
}

LookUp::~LookUp() {
  if (cancellation_ != nullptr) cancellation_->waiting_.erase(&timer_);
  const std::lock_guard lock(state_->mutex);
  state_->timer = nullptr;
}

net::Awaitable<RawAnswer> LookUp::answer() {
  const auto is_cancelled = [this] { return cancellation_ != nullptr && cancellation_->is_cancelled_; };
  std::optional<RawAnswer> given = state_->take();
  if (!given && !is_cancelled()) {
    co_await timer_.async_wait(asio::as_tuple(net::kAwait));
    given = state_->take();
  }
  if (!given) {
    const bool is_late = !is_cancelled() && timer_.expiry() <= Clock::now();
    given = is_late ? timed_out(timeout_) : without_answer(Finding::Cancelled, "cancelled");
  }
  co_return finish(std::move(*given), what_, begun_);
}

net::Awaitable<RawAnswer> ask(Resolver& resolver, Question question, Limits limits) {
  const net::Executor executor = co_await asio::this_coro::executor;
  LookUp look_up(executor, resolver, std::move(question), limits);
  RawAnswer answer = co_await look_up.answer();
  co_return answer;
}

RawAnswer ask_and_wait(Resolver& resolver, Question question) {
  const auto begun = Clock::now();
  const std::string what = describe(question);
  const auto answer = std::make_shared<std::promise<RawAnswer>>();
  std::future<RawAnswer> future = answer->get_future();
  resolver.start(std::move(question), [answer](RawAnswer given) { answer->set_value(std::move(given)); });
  const bool is_there = future.wait_for(resolver.timeout()) == std::future_status::ready;
  return finish(is_there ? future.get() : timed_out(resolver.timeout()), what, begun);
}

}  // namespace postern::dns
