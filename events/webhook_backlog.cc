#include "events/webhook_backlog.h"

#include "core/check.h"
#include "core/due.h"
#include "events/webhook_retry.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace postern::events {

using store::PendingWebhookEvent;

WebhookBacklog::WebhookBacklog(const store::WebhookProgress& progress, std::uint64_t first_sequence,
                               const std::vector<PendingWebhookEvent>& pending)
    : progress_(progress), read_up_to_(progress.cursor), was_failing_(progress.failing_since.has_value()) {
  if (first_sequence > 0) read_up_to_ = std::max(read_up_to_, first_sequence - 1);
  for (const PendingWebhookEvent& event : pending) insert(event, true);
}

void WebhookBacklog::insert(const PendingWebhookEvent& event, bool is_stored) {
  const bool is_new = items_.emplace(event.sequence, Item{.event = event, .is_stored = is_stored}).second;
  if (!is_new) return;
  by_message_[event.message].insert(event.sequence);
  if (event.attempts > 0) ++retried_;
}

std::optional<Instant> WebhookBacklog::failing_since() const {
  std::optional<Instant> first;
  for (const auto& [sequence, item] : items_) {
    if (item.event.attempts > 0) first = std::min(first.value_or(Instant::max()), item.event.first_attempt);
  }
  return first;
}

bool WebhookBacklog::has_room() const {
  return !is_down() && retried_ < kMaxRetriedEvents && items_.size() - retried_ < kMaxUntriedEvents;
}

void WebhookBacklog::set_read_up_to(std::uint64_t sequence) {
  read_up_to_ = sequence;
  if (sequence >= progress_.cursor + kCursorStep) has_unsaved_ = true;
}

void WebhookBacklog::add(std::uint64_t sequence, const MessageId& message, Instant now) {
  insert({.sequence = sequence, .message = message, .first_attempt = {}, .due = now, .attempts = 0}, false);
}

void WebhookBacklog::add_stored(const PendingWebhookEvent& event) {
  // Rows that are about to go are none of a replay.
  const bool is_going = removed_.contains(event.sequence) ||
                        std::ranges::find(saving_.removed, event.sequence) != saving_.removed.end();
  if (is_going) return;
  insert(event, true);
  Item& item = items_.at(event.sequence);
  item.event.is_requested = item.event.is_requested || event.is_requested;
  item.is_stored = true;
}

void WebhookBacklog::unprove() {
  progress_.is_proven = false;
  has_unsaved_ = true;
}

bool WebhookBacklog::is_first_of_message(const Item& item) const {
  return *by_message_.at(item.event.message).begin() == item.event.sequence;
}

bool WebhookBacklog::is_down() const { return failures_ >= (progress_.is_proven ? kDownAfterFailures : kUnprovenFailures); }

std::optional<std::uint64_t> WebhookBacklog::take(Instant now) {
  if (under_way_ >= max_under_way()) return std::nullopt;
  if (is_down() && probe_due_ && !is_due(*probe_due_, kLongestProbeWait, now)) return std::nullopt;
  Item* next = nullptr;
  for (auto& [sequence, item] : items_) {
    item.event.due = std::min(item.event.due, now + longest_webhook_wait(item.event.attempts));
    if (item.event.due > now || !may_go(item)) continue;
    // While the receiver is down, what waited longest: an event that it never takes must not be the only probe.
    if (next == nullptr || (is_down() && item.event.due < next->event.due)) next = &item;
    if (!is_down()) break;
  }
  if (next == nullptr) return std::nullopt;
  next->is_under_way = true;
  next->is_probe = is_down();
  next->began_after = recoveries_;
  ++under_way_;
  return next->event.sequence;
}

std::optional<Instant> WebhookBacklog::next_due() const {
  if (under_way_ >= max_under_way()) return std::nullopt;
  std::optional<Instant> next;
  for (const auto& [sequence, item] : items_) {
    if (may_go(item) && (!next || item.event.due < *next)) next = item.event.due;
  }
  if (next && is_down() && probe_due_) next = std::max(*next, *probe_due_);
  return next;
}

WebhookBacklog::Item& WebhookBacklog::end_attempt(std::uint64_t sequence) {
  Item& item = items_.at(sequence);
  POSTERN_CHECK(item.is_under_way);
  item.is_under_way = false;
  --under_way_;
  return item;
}

void WebhookBacklog::remove(std::uint64_t sequence) {
  const auto found = items_.find(sequence);
  const auto message = by_message_.find(found->second.event.message);
  message->second.erase(sequence);
  if (message->second.empty()) by_message_.erase(message);
  if (found->second.event.attempts > 0) --retried_;
  if (found->second.is_stored) removed_.insert(sequence);
  items_.erase(found);
  has_unsaved_ = true;
}

// The receiver is back: what failed meanwhile failed because of it, and need not wait.
void WebhookBacklog::recover(Instant now) {
  if (is_down() || was_failing_) {
    for (auto& [sequence, item] : items_) {
      item.event.due = std::min(item.event.due, now);
      if (item.event.attempts > 1) item.event.attempts = 1;  // nor does its next failure wait for hours
    }
    ++recoveries_;
  }
  failures_ = 0;
  was_failing_ = false;
  probes_ = 0;
  probe_due_.reset();
  progress_.failing_since.reset();
}

void WebhookBacklog::delivered(std::uint64_t sequence, Instant now) {
  end_attempt(sequence);
  remove(sequence);
  ++progress_.delivered;
  recover(now);
  progress_.is_proven = true;
}

// Requests that were under way beside the one that showed the receiver to be down say nothing new: only probes lengthen the wait.
void WebhookBacklog::plan_probe(bool was_probe, Instant now, Random& random) {
  if (was_probe) ++probes_;
  if (probe_due_ && !was_probe) return;
  const Instant latest = now + kLongestProbeWait;
  probe_due_ = std::min(next_webhook_attempt(probes_ + 1, now, now, random).value_or(latest), latest);
}

void WebhookBacklog::failed(std::uint64_t sequence, Instant now, Random& random) {
  Item& item = end_attempt(sequence);
  // An attempt that began before the receiver came back says nothing of it now: it is made again, and does not count.
  if (item.began_after != recoveries_) return;
  if (failures_ < std::numeric_limits<unsigned>::max()) ++failures_;
  if (!progress_.failing_since) progress_.failing_since = now;
  has_unsaved_ = true;
  if (is_down()) plan_probe(item.is_probe, now, random);
  PendingWebhookEvent& event = item.event;
  if (event.attempts == 0) {
    event.first_attempt = now;
    ++retried_;
  }
  if (event.attempts < std::numeric_limits<std::uint16_t>::max()) ++event.attempts;
  const auto next = next_webhook_attempt(event.attempts, event.first_attempt, now, random);
  // While the receiver is down no event is given up: it is disabled with them, or it comes back to them.
  if (!next && !is_down()) {
    ++progress_.given_up;
    return remove(sequence);
  }
  event.due = next.value_or(now);
  item.is_changed = true;
}

void WebhookBacklog::lost(std::uint64_t sequence) {
  end_attempt(sequence);
  ++progress_.given_up;
  remove(sequence);
}

void WebhookBacklog::unwanted(std::uint64_t sequence) {
  end_attempt(sequence);
  remove(sequence);
}

void WebhookBacklog::interrupted(std::uint64_t sequence) { end_attempt(sequence); }

bool WebhookBacklog::is_dead(Instant now) const { return is_webhook_dead(progress_, failures_, now); }

WebhookBacklog::Changes WebhookBacklog::take_unsaved() {
  saving_ = {};
  progress_.cursor = read_up_to_;
  for (auto& [sequence, item] : items_) {
    if (item.is_changed) {
      saving_.put.push_back(item.event);
      item.is_changed = false;
      item.is_stored = true;
    } else if (!item.is_stored) {
      // Not tried yet, and in no row: the log has to be read again from here after a crash.
      progress_.cursor = std::min(progress_.cursor, sequence - 1);
    }
  }
  saving_.progress = progress_;
  saving_.removed.assign(removed_.begin(), removed_.end());
  removed_.clear();
  has_unsaved_ = false;
  return saving_;
}

void WebhookBacklog::saved() { saving_ = {}; }

void WebhookBacklog::not_saved() {
  for (const PendingWebhookEvent& event : saving_.put) {
    const auto found = items_.find(event.sequence);
    if (found != items_.end()) found->second.is_changed = true;
  }
  removed_.insert(saving_.removed.begin(), saving_.removed.end());
  saving_ = {};
  has_unsaved_ = true;
}

}  // namespace postern::events
