#include "app/write_behind.h"

#include "app/metrics_file.h"
#include "core/operator_log.h"

#include <algorithm>
#include <utility>

namespace postern::app {

void WriteBehind::start() {
  thread_ = std::thread([this] { run(); });
}

void WriteBehind::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wakes_.notify_all();
  thread_.join();
  operator_log::sum_up();
  write_quotas();
  write_usages();
  write_sent();
  write_stats();
  write_refusals();
  write_runs();
}

void WriteBehind::run() {
  write_metrics();
  for (unsigned round = 1;; ++round) {
    {
      std::unique_lock lock(mutex_);
      if (wakes_.wait_for(lock, kQuotaEvery, [this] { return is_stopping_; })) return;
    }
    operator_log::sum_up();
    write_quotas();
    write_runs();
    note_space();
    if (round % kMetricsEvery == 0) write_metrics();
    if (round % kUsageEvery != 0) continue;
    write_usages();
    write_sent();
    write_stats();
    write_refusals();
  }
}

// As MAIL is answered, and the messages themselves: where a little is freed again and again, MAIL is taken all the same.
void WriteBehind::note_space() {
  const std::uint64_t refused = store_.spool().refused_for_room();
  quiet_looks_ = refused == std::exchange(refused_for_room_, refused) ? std::min(quiet_looks_ + 1, kQuietLooks) : 0;
  Result<void> room = store_.spool().can_accept();
  if (room && quiet_looks_ < kQuietLooks) room = Error(ErrorCode::StorageFull, "messages find no room any more");
  const bool is_full = !room && room.error().code() != ErrorCode::StorageShedding;
  if (is_full == std::exchange(is_full_, is_full)) return;
  is_full ? operator_log::storage_full(room.error()) : operator_log::storage_recovered();
}

void WriteBehind::write_quotas() {
  const auto unsaved = quota_.take_unsaved();
  if (unsaved.empty()) return;
  const Result<void> written = store_.directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
    for (const auto& count : unsaved) {
      for (const auto period : {store::CounterPeriod::Day, store::CounterPeriod::Month}) {
        if (auto added = writer.add_to_counter(count.account, period, count.at, count.recipients); !added) return added.error();
      }
    }
    return {};
  });
  if (written) return;
  quota_.put_back(unsaved);
  operator_log::maintenance_failed("quota_counters", written.error());
}

void WriteBehind::write_usages() {
  const auto unsaved = usage_.take_unsaved();
  const auto refusals = usage_.take_unsaved_refusals();
  if (unsaved.empty() && refusals.empty()) return;
  const Result<void> written = store_.directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
    for (const auto& [key, usage] : unsaved) {
      if (auto put = writer.put_key_usage(key, usage); !put) return put.error();
    }
    for (const auto& [key, refusal] : refusals) {
      if (auto put = writer.put_key_refusal(key, refusal); !put) return put.error();
    }
    return {};
  });
  // A last use that is forgotten is no loss worth a retry.
  if (!written) operator_log::maintenance_failed("key_usage", written.error());
}

void WriteBehind::keep_refusals(submission::RefusalBook& book, store::Notebook& notebook) {
  refusals_ = &book;
  notebook_ = &notebook;
  const auto rows = notebook.list(store::NotebookTable::Refusals, "acc_", {}, submission::kMaxAccountsWithRefusals);
  if (!rows) return operator_log::maintenance_failed("refusals", rows.error());
  for (const auto& [name, text] : *rows) {
    if (const auto account = parse_account_id(name)) book.restore(*account, text);
  }
}

void WriteBehind::write_refusals() {
  if (refusals_ == nullptr) return;
  for (auto& [account, text] : refusals_->take_unsaved()) {
    if (text) {
      notebook_->put_later(store::NotebookTable::Refusals, format_id(account), std::move(*text));
    } else {
      notebook_->erase_later(store::NotebookTable::Refusals, format_id(account));
    }
  }
}

void WriteBehind::write_metrics() {
  if (metrics_file_.empty()) return;
  const Result<void> written = write_metrics_file(metrics_file_);
  const bool was_bad = std::exchange(is_metrics_file_bad_, !written);
  if (!written && !was_bad) operator_log::maintenance_failed("metrics_file", written.error());
}

void WriteBehind::write_sent() {
  const auto unsaved = usage_.take_unsaved_sent();
  if (unsaved.empty()) return;
  const Result<void> written = store_.directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
    for (const auth::SentCount& count : unsaved) {
      const auto account = writer.find_account(count.account);
      if (!account) return account.error();
      // Removed meanwhile, with all that was counted for it.
      if (!*account) continue;
      if (auto added = writer.add_usage(count.account, count.key, count.day, count.messages, count.recipients); !added) {
        return added;
      }
    }
    return {};
  });
  if (written) return;
  usage_.put_back_sent(unsaved);
  operator_log::maintenance_failed("usage", written.error());
}

void WriteBehind::write_stats() {
  const auto counted = store_.tally().take();
  if (counted.empty()) return;
  const Result<void> written = store_.directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
    for (const store::Tally::Counted& one : counted) {
      const auto account = writer.find_account(one.account);
      if (!account) return account.error();
      if (!*account) continue;  // removed meanwhile
      if (auto added = writer.add_stats(one.account, one.row); !added) return added;
    }
    return {};
  });
  if (written) return;
  store_.tally().put_back(counted);
  operator_log::maintenance_failed("statistics", written.error());
}

void WriteBehind::write_runs() {
  const Result<void> saved = runs_ ? runs_->save() : Result<void>();
  if (!saved) operator_log::maintenance_failed("runs", saved.error());
}

}  // namespace postern::app
