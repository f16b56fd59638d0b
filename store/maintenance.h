// Maintenance: keeps the store within its bounds, on a thread of its own, in slices, so that a commit never waits long.
#pragma once

#include "core/clock.h"
#include "core/result.h"
#include "store/store.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>

namespace postern::store {

struct MaintenanceSettings {
  std::chrono::seconds interval{10};
  std::size_t slice = 500;                            // messages or events removed by one commit
  Duration counter_retention = std::chrono::days(62);  // of finished periods: last month stays visible
  Duration usage_retention = std::chrono::days(400);   // rows of a key and a day: a year and its month before
  Duration hourly_stats_retention = std::chrono::days(32);  // thirty days are shown by the hour's sums, and a little
  Duration audit_retention = std::chrono::days(400);        // a year and its month before
};

class Maintenance {
 public:
  // Both outlive this.
  Maintenance(Store& store, const Clock& clock, MaintenanceSettings settings);
  // Calls stop().
  ~Maintenance();
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

  void start();
  // Waits for the slice under way.
  void stop();

  // One round, as the thread does it: removes until nothing is left to remove. Blocks.
  void sweep();

 private:
  void loop();
  bool is_stopping() const;
  void sweep_spool();
  void sweep_leftovers();
  void sweep_suppressions();
  void sweep_counters();

  Store& store_;
  const Clock& clock_;
  MaintenanceSettings settings_;
  Instant next_counters_;
  Instant next_suppressions_;
  std::string suppressions_after_;  // where the walk over all of them goes on; empty: none is under way
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  bool is_stopping_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace postern::store
