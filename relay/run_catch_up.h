// The first attempts of runs with clocks of their own: they are due as soon as their message is there, and the queue leaves them
// alone. One thread, which does nothing else.
#pragma once

#include "relay/run_clock.h"
#include "store/store.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace postern::relay {

class RunCatchUp {
 public:
  static constexpr std::size_t kMaxWaiting = 10'000;  // messages; of those beyond, the next of their run takes them along

  // All outlive it. `on_events`: the spool has new ones; on the own thread.
  RunCatchUp(store::Store& store, RunClock& clock, std::function<void()> on_events);
  ~RunCatchUp() { stop(); }

  // Makes the thread, and does what an earlier process left. Throws std::system_error where there is none to spare.
  void start();
  // A message was committed, or has another time. Any thread.
  void accepted(const store::DueEntry& entry);
  // Waits for the run under way.
  void stop();

 private:
  void work();
  void look_for_left();
  void catch_up(const MessageId& id);

  store::Store& store_;
  RunClock& clock_;
  const std::function<void()> on_events_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::deque<MessageId> waiting_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace postern::relay
