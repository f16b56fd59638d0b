#include "store/maintenance.h"

#include "core/due.h"
#include "core/operator_log.h"

namespace postern::store {
namespace {

constexpr Duration kCounterInterval = std::chrono::hours(1);  // periods are days and months: no hurry
constexpr Duration kSuppressionInterval = std::chrono::hours(1);  // between two walks: their days are counted
constexpr std::size_t kSuppressionSlice = 5'000;  // rows looked at in one commit: some milliseconds
constexpr std::size_t kUsageSlice = 10'000;  // rows dropped in one go

}  // namespace

Maintenance::Maintenance(Store& store, const Clock& clock, MaintenanceSettings settings)
    : store_(store), clock_(clock), settings_(settings) {}

Maintenance::~Maintenance() { stop(); }

void Maintenance::start() { thread_ = std::thread(&Maintenance::loop, this); }

void Maintenance::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Maintenance::is_stopping() const {
  const std::lock_guard lock(mutex_);
  return is_stopping_;
}

void Maintenance::loop() {
  while (!is_stopping()) {
    sweep();
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, settings_.interval, [this] { return is_stopping_; });
  }
}

void Maintenance::sweep() {
  if (store_.spool().has_failed()) return;
  sweep_spool();
  store_.directory().drop_dead_readers();
  sweep_leftovers();
  sweep_suppressions();
  sweep_counters();
}

// Of accounts and webhooks that were removed: what they left is more than one commit should erase.
void Maintenance::sweep_leftovers() {
  for (bool has_more = true; has_more && !is_stopping();) {
    const auto removed = store_.directory().remove_leftovers();
    if (!removed) return operator_log::maintenance_failed("remove_leftovers", removed.error());
    has_more = *removed;
  }
}

// One slice a round: suppressions that last for a time are few, but among a million others.
void Maintenance::sweep_suppressions() {
  const Instant now = clock_.now();
  if (suppressions_after_.empty()) {
    if (!is_due(next_suppressions_, kSuppressionInterval, now)) return;
    next_suppressions_ = now + kSuppressionInterval;
  }
  const auto written = store_.directory().write([this, now](DirectoryWriter& writer) {
    return writer.expire_suppressions(now, suppressions_after_, kSuppressionSlice);
  });
  if (!written) operator_log::maintenance_failed("expire_suppressions", written.error());
}

void Maintenance::sweep_spool() {
  Expiry total;
  for (bool has_more = true; has_more && !is_stopping();) {
    const auto removed = store_.spool().remove_expired(clock_.now(), settings_.slice);
    if (!removed) return operator_log::maintenance_failed("remove_expired", removed.error());
    total.messages += removed->messages;
    total.contents += removed->contents;
    total.events += removed->events;
    has_more = removed->messages + removed->contents + removed->events + removed->idempotency >= settings_.slice;
  }
  if (total.messages + total.contents + total.events == 0) return;
  operator_log::expired_removed(total.messages, total.contents, total.events);
}

void Maintenance::sweep_counters() {
  const Instant now = clock_.now();
  if (!is_due(next_counters_, kCounterInterval, now)) return;
  next_counters_ = now + kCounterInterval;
  const auto written = store_.directory().write([this, now](DirectoryWriter& writer) -> Result<void> {
    const auto expired = writer.expire_counters(now - settings_.counter_retention);
    if (!expired) return expired.error();
    // More than a slice goes with the next round; a day brings as many rows as there are keys.
    const auto usage = writer.expire_usage(now - settings_.usage_retention, kUsageSlice);
    if (!usage) return usage.error();
    const auto stats = writer.expire_stats(now - settings_.hourly_stats_retention, now - settings_.usage_retention, kUsageSlice);
    if (!stats) return stats.error();
    const auto audit = writer.expire_audit(now - settings_.audit_retention, kUsageSlice);
    if (!audit) return audit.error();
    return {};
  });
  if (!written) operator_log::maintenance_failed("expire_counters", written.error());
}

}  // namespace postern::store
