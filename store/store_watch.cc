#include "store/store_watch.h"

#include "core/clock.h"
#include "core/metrics.h"
#include "core/operator_log.h"

#include <algorithm>

namespace postern::store {
namespace {

metrics::Gauge queued_messages("postern_queue_messages", "Messages that wait for a delivery attempt.");
metrics::Gauge kept_messages("postern_spool_messages", "Messages kept, settled ones too.");
metrics::Gauge used_octets("postern_spool_used_bytes", "Live pages of the spool.");
metrics::Gauge limit_octets("postern_spool_limit_bytes", "What the spool may grow to.");
metrics::Gauge clock_now("postern_clock_timestamp_seconds", "What time it is here, within a second.");
metrics::Gauge free_octets("postern_spool_free_disk_bytes", "Free space on the spool's disk.");

metrics::Gauge oldest_queued("postern_queue_oldest_timestamp_seconds",
                             "Since when the oldest message waits that might have been delivered; 0: none does.");

constexpr std::chrono::seconds kWatchEvery{1};
constexpr std::size_t kEntriesALook = 10'000;  // of the due index, for the oldest: milliseconds
constexpr int kReadsALook = 200;               // of messages: the same
constexpr std::chrono::seconds kNoticedAfter{2};  // a read of our own is over by then

}  // namespace

void StoreWatch::start() { thread_ = std::thread(&StoreWatch::run, this); }

void StoreWatch::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wakes_.notify_all();
  thread_.join();
}

void StoreWatch::run() {
  for (;;) {
    look();
    std::unique_lock lock(mutex_);
    if (wakes_.wait_for(lock, kWatchEvery, [this] { return is_stopping_; })) return;
  }
}

// Read here, so that who scrapes waits for neither the file system nor the store.
void StoreWatch::measure() const {
  clock_now.set(std::chrono::duration<double>(SystemClock().now().time_since_epoch()).count());
  limit_octets.set(static_cast<double>(max_octets_));
  const auto usage = store_.spool().usage();
  if (!usage) return;
  queued_messages.set(static_cast<double>(usage->queued));
  kept_messages.set(static_cast<double>(usage->messages));
  used_octets.set(static_cast<double>(usage->used_octets));
  free_octets.set(static_cast<double>(usage->free_disk_octets));
}

// A slice a look, so that a long queue keeps this thread no longer than a short one.
void StoreWatch::search_oldest() {
  const auto entries = store_.spool().queued(searched_, kEntriesALook);
  if (!entries) return;
  int reads = 0;
  for (const DueEntry& entry : *entries) {
    searched_ = entry;
    if (oldest_ && entry.id.created() >= *oldest_) continue;
    const auto stored = store_.spool().find(entry.id);
    // What its sender has put off waits for nobody yet.
    if (stored && *stored && released_at(**stored) <= SystemClock().now()) {
      oldest_ = std::min(oldest_.value_or(Instant::max()), released_at(**stored));
    }
    if (++reads == kReadsALook) return;
  }
  if (entries->size() == kEntriesALook) return;
  oldest_queued.set(oldest_ ? std::chrono::duration<double>(oldest_->time_since_epoch()).count() : 0);
  oldest_.reset();
  searched_.reset();
}

void StoreWatch::look() {
  measure();
  search_oldest();
  note_stall(spool_, store_.spool().stall());
  note_stall(directory_, store_.directory().stall());
  note_reader(store_.spool().look_at_space());
}

void StoreWatch::note_stall(Environment& environment, const std::optional<Stall>& stall) {
  if (stall && !environment.stall) operator_log::storage_stalled(environment.name, *stall);
  if (!stall && environment.stall) operator_log::storage_goes_on(environment.name, *environment.stall);
  environment.stall = stall;
}

void StoreWatch::note_reader(const SpoolSpace& space) {
  if (space.finding != SpaceFinding::Pinned) {
    pinned_since_.reset();
    is_reader_named_ = false;
    sent_away_.reset();
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  const int reader = space.pinned_by.value_or(0);
  if (!pinned_since_) pinned_since_ = now;
  if (!is_reader_named_ && now - *pinned_since_ >= std::min(kNoticedAfter, reader_patience_)) {
    is_reader_named_ = true;
    operator_log::reader_pins_pages(reader, space.pinned_octets);
  }
  if (now - *pinned_since_ < reader_patience_ || sent_away_ == reader) return;
  sent_away_ = reader;
  operator_log::reader_sent_away(reader, store_.spool().send_away(reader));
}

}  // namespace postern::store
