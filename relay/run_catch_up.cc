#include "relay/run_catch_up.h"

#include "core/operator_log.h"
#include "store/lane.h"

#include <utility>

namespace postern::relay {

RunCatchUp::RunCatchUp(store::Store& store, RunClock& clock, std::function<void()> on_events)
    : store_(store), clock_(clock), on_events_(std::move(on_events)) {}

void RunCatchUp::start() {
  thread_ = std::thread([this] { work(); });
}

void RunCatchUp::accepted(const store::DueEntry& entry) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() == kMaxWaiting) return;
  waiting_.push_back(entry.id);
  woken_.notify_one();
}

void RunCatchUp::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    woken_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void RunCatchUp::work() {
  look_for_left();
  std::unique_lock lock(mutex_);
  for (;;) {
    woken_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
    if (is_stopping_) return;
    const MessageId id = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    catch_up(id);
    lock.lock();
  }
}

void RunCatchUp::look_for_left() {
  std::string lane(store::kClockLanePrefix);
  for (;;) {
    const auto next = store_.spool().lanes(lane, 1);
    if (!next || next->empty() || !store::is_clock_lane(next->front().lane)) return;
    lane = next->front().lane;
    catch_up(next->front().first.id);
  }
}

void RunCatchUp::catch_up(const MessageId& id) {
  const auto stored = store_.spool().find(id);
  if (!stored || !*stored || (*stored)->delivery.is_settled()) return;
  const auto advance = clock_.catch_up((*stored)->message.account, store::run_of((*stored)->message));
  if (advance) return advance->steps > 0 ? on_events_() : void();
  // Its run is gone, or its mail goes with it soon.
  if (advance.error().code() != ErrorCode::NotFound) operator_log::queue_storage_failed("catch up with a run", advance.error(), id);
}

}  // namespace postern::relay
