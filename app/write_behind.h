// WriteBehind: the thread that writes what is counted in memory: recipients of the quotas, what keys sent, their last uses,
// statistics, what was refused, and what the scripts of runs were asked. It also tells the log once a second whether new mail still
// finds room.
#pragma once

#include "auth/usage_tracker.h"
#include "relay/run_book.h"
#include "store/notebook.h"
#include "store/store.h"
#include "submission/quota.h"
#include "submission/refusal_book.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace postern::app {

class WriteBehind {
 public:
  // All outlive this.
  WriteBehind(store::Store& store, submission::QuotaTable& quota, auth::UsageTracker& usage, std::string metrics_file = "",
              relay::RunBook* runs = nullptr)
      : store_(store), quota_(quota), usage_(usage), metrics_file_(std::move(metrics_file)), runs_(runs) {}
  // Before start(): `book` gets what `notebook` has of it, and is kept there.
  void keep_refusals(submission::RefusalBook& book, store::Notebook& notebook);
  ~WriteBehind() { stop(); }
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;

  void start();
  // Writes what is left and ends the thread.
  void stop();

  // One look at the room for new mail, as the thread does it: a line at the change to none, and one at its end. It has ended where
  // MAIL is taken and kQuietLooks went by without a message that found no room.
  void note_space();

 private:
  static constexpr std::chrono::seconds kQuotaEvery{1};       // a crash forgets at most that much of a quota
  static constexpr unsigned kUsageEvery = 5;                  // rounds of kQuotaEvery
  static constexpr unsigned kMetricsEvery = 15;               // as often as Prometheus asks by default, or oftener
  static constexpr unsigned kQuietLooks = 10;

  void run();
  void write_quotas();
  void write_usages();
  void write_sent();
  void write_stats();
  void write_refusals();
  void write_metrics();
  void write_runs();

  store::Store& store_;
  submission::QuotaTable& quota_;
  auth::UsageTracker& usage_;
  submission::RefusalBook* refusals_ = nullptr;  // null: they end with the process
  store::Notebook* notebook_ = nullptr;
  const std::string metrics_file_;  // empty: none
  relay::RunBook* const runs_;  // null: there are none
  bool is_metrics_file_bad_ = false;
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool is_stopping_ = false;
  bool is_full_ = false;  // the spool, at the last look
  std::uint64_t refused_for_room_ = 0;    // at the last look
  unsigned quiet_looks_ = kQuietLooks;
  std::thread thread_;
};

}  // namespace postern::app
