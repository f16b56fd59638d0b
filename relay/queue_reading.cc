// Reading the due index, in slices, so that deliveries go on in between. Four readings take turns:
//   front   entries that were never looked at, in order of due time; each is leased or passed over
//   unread  a destination that has room again, from its earliest passed-over entry on
//   redate  what the clock, set back, has made wait longer than its back-off
//   review  what has waited for long at a destination that cannot be used: it still expires and still owes notices
#include "relay/queue_impl.h"

#include "core/operator_log.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace postern::relay {
namespace {

constexpr std::size_t kSlice = 256;         // entries of the index: about half a millisecond if none is new
constexpr std::size_t kReviewSlice = 64;    // records read
constexpr std::size_t kMaxUnsynced = 2'000; // settlements that may wait for the disk before reading pauses
constexpr Duration kLongestReviewInterval = std::chrono::hours(1);

// How long an entry waits before it is reviewed, and how often that is done.
Duration review_interval(const DeliveryPolicy& policy) {
  return std::min({kLongestReviewInterval, policy.retry.lifetime / 4, policy.delay_notice_after / 4});
}

}  // namespace

bool Queue::Impl::has_room_to_settle() const { return unsynced_ < kMaxUnsynced; }

std::vector<store::DueEntry> Queue::Impl::take_accepted() {
  const std::lock_guard lock(accepted_mutex_);
  return std::exchange(accepted_, {});
}

bool Queue::Impl::read_slices() {
  const std::vector<store::DueEntry> accepted = take_accepted();
  // What could not be written down must not be sent: after a failed sync nothing is taken on until a restart.
  if (is_stopping_ || has_storage_failed_ || !refused_.empty() || !has_room_to_settle()) {
    for (const store::DueEntry& entry : accepted) lower_front(entry.due);
    return false;
  }
  const Instant at = now();
  for (const store::DueEntry& entry : accepted) consider(entry, at);
  bool has_more = at >= read_front_at_ && read_front(at);
  for (const auto& destination : destinations_->all()) {
    for (const store::DueEntry& entry : destination->take_late()) consider(entry, at);
    if (destination->wants_reading(at)) has_more |= read_unread(*destination, at);
  }
  has_more |= redate_waiting(at);
  has_more |= review_stale(at);
  has_more |= sweep(at);
  return has_more;
}

void Queue::Impl::lower_front(Instant to) {
  if (front_ && front_->due >= to) front_ = store::DueEntry{to, MessageId{}, 0};
  read_front_at_ = Instant{};
}

bool Queue::Impl::read_front(Instant until) {
  const auto entries = spool().due(front_, until, kSlice);
  if (!entries) {
    storage_failed("read the due index", entries.error(), std::nullopt);
    return false;
  }
  for (const store::DueEntry& entry : *entries) consider(entry, until);
  if (!entries->empty()) front_ = entries->back();
  return entries->size() == kSlice;
}

bool Queue::Impl::read_unread(Destination& destination, Instant until) {
  const auto entries = spool().due(destination.unread_after(), until, kSlice);
  if (!entries) {
    storage_failed("read the due index", entries.error(), std::nullopt);
    return false;
  }
  (void)destination.take_unread();  // set again by what is passed over now
  for (const store::DueEntry& entry : *entries) {
    consider(entry, until);
    if (destination.unread_after()) return destination.wants_reading(until);
  }
  if (entries->size() < kSlice) return false;
  // The rest of the index has yet to be looked at for this destination.
  destination.continue_after(entries->back());
  return true;
}

// True if what the entry stands for may not be leased to this destination now. What was passed over goes first, but for the new
// mail of an account that holds little of the destination: it does not wait for all that others have.
bool Queue::Impl::is_closed(const Destination& destination, const store::DueEntry& entry, Instant at) const {
  const Room room = destination.room(at);
  const bool is_behind = destination.unread_after() && precedes(*destination.unread_after(), entry);
  if (room == Room::Free && !is_behind) return false;
  const bool is_new = entry.account != AccountId{};
  return room == Room::Unavailable || !is_new || !destination.has_reserve(entry.account);
}

void Queue::Impl::pass_over(Destination& destination, const store::DueEntry& entry) {
  destination.passed_over(entry);
  if (entry.account != AccountId{}) destination.remember_late(entry.account, entry);
}

void Queue::Impl::read_again_later(const store::DueEntry& entry) {
  constexpr std::size_t kMaxUnread = 8'192;  // the sweep finds the others
  if (unread_.size() < kMaxUnread) unread_.push_back(entry);
}

void Queue::Impl::consider(const store::DueEntry& entry, Instant at) {
  if (const auto held = leases_.find(entry.id); held != leases_.end()) {
    if (held->second->entry.due != entry.due) held->second->met_again = entry;
    return;
  }
  if (held_messages_.contains(entry.id)) return;
  Destination* const known = destinations_->find_by_lane(entry.lane);
  if (known != nullptr && is_closed(*known, entry, at)) return pass_over(*known, entry);
  auto found = spool().find(entry.id);
  if (!found) {
    read_again_later(entry);
    return storage_failed("read a message", found.error(), entry.id);
  }
  if (!*found || (*found)->delivery.is_settled()) return;
  const std::optional<bool> is_held = is_suspended((*found)->message.account);
  if (!is_held) return read_again_later(entry);
  if (*is_held) return hold(entry, std::move(**found), at);
  lease(entry, std::move(**found), at);
}

void Queue::Impl::lease(const store::DueEntry& entry, store::StoredMessage stored, Instant at) {
  auto groups = destinations_->group_due(stored, at);
  const auto is_open = [&](const DestinationSet::Group& group) {
    return group.destination == nullptr || !is_closed(*group.destination, entry, at);
  };
  if (std::none_of(groups.begin(), groups.end(), is_open)) {
    for (const auto& group : groups) pass_over(*group.destination, entry);
    return;
  }
  auto leased = std::make_shared<Lease>();
  leased->entry = entry;
  leased->stored = std::move(stored);
  leased->open_groups = static_cast<std::uint32_t>(groups.size());
  leased->has_several_groups = groups.size() > 1;
  leased->read_at = at;
  leases_.emplace(entry.id, leased);
  for (auto& group : groups) {
    Job job{leased, std::move(group.recipients)};
    if (group.destination == nullptr) {
      no_route(std::move(job));
    } else if (is_open(group)) {
      group.destination->enqueue(std::move(job));
      start_deliveries(group.destination);
    } else {
      put_off(std::move(job), *group.destination);
    }
  }
}

bool Queue::Impl::redate_waiting(Instant at) {
  if (!redated_) return false;
  const auto entries = spool().due(redated_, Instant::max(), kReviewSlice);
  if (!entries) {
    storage_failed("read the due index", entries.error(), std::nullopt);
    return false;
  }
  for (const store::DueEntry& entry : *entries) {
    if (!redate(entry, at)) return false;
    redated_ = entry;
  }
  const bool has_more = entries->size() == kReviewSlice;
  if (!has_more) redated_.reset();
  return has_more;
}

bool Queue::Impl::redate(const store::DueEntry& entry, Instant at) {
  if (leases_.contains(entry.id)) return true;
  auto found = spool().find(entry.id);
  if (!found) {
    storage_failed("read a message", found.error(), entry.id);
    return found.error().code() == ErrorCode::CorruptRecord;  // that one will not get better
  }
  if (!*found) return true;
  auto leased = std::make_shared<Lease>(Lease{entry, std::move(**found), 1, false, std::nullopt, at});
  Publication publication = publish_set_back(leased->stored, settings_.policy, at);
  if (publication.is_empty()) return true;
  leases_.emplace(entry.id, leased);
  settle(Job{std::move(leased), {}}, nullptr, std::move(publication));
  return true;
}

bool Queue::Impl::review_stale(Instant at) {
  if (at < next_review_) return false;
  const Duration interval = review_interval(settings_.policy);
  const auto entries = spool().due(reviewed_, at - interval, kReviewSlice);
  if (!entries) {
    storage_failed("read the due index", entries.error(), std::nullopt);
    return false;
  }
  for (const store::DueEntry& entry : *entries) review(entry, at);
  if (entries->size() == kReviewSlice) {
    reviewed_ = entries->back();
    return true;
  }
  reviewed_.reset();
  next_review_ = at + interval;
  return false;
}

void Queue::Impl::review(const store::DueEntry& entry, Instant at) {
  if (leases_.contains(entry.id)) return;
  auto found = spool().find(entry.id);
  if (!found) return storage_failed("read a message", found.error(), entry.id);
  if (!*found) return;
  auto leased = std::make_shared<Lease>(Lease{entry, std::move(**found), 0, false, std::nullopt, at});
  std::vector<std::pair<Job, Publication>> changed;
  for (auto& group : destinations_->group_due(leased->stored, at)) {
    if (group.destination == nullptr) continue;
    const Status why = group.destination->is_failing() ? group.destination->last_failure() : Status{};
    Publication publication =
        publish_waiting(leased->stored, {group.recipients, why, std::nullopt}, settings_.policy, at);
    if (!publication.is_empty()) changed.emplace_back(Job{leased, group.recipients}, std::move(publication));
  }
  if (changed.empty()) return;
  leased->open_groups = static_cast<std::uint32_t>(changed.size());
  leases_.emplace(entry.id, leased);
  for (auto& [job, publication] : changed) settle(std::move(job), nullptr, std::move(publication));
}

void Queue::Impl::storage_failed(std::string_view operation, const Error& error, const std::optional<MessageId>& id) {
  constexpr Duration kRepeatAfter = std::chrono::minutes(1);
  const auto said = failures_said_.find(operation);
  const Instant at = now();
  if (said != failures_said_.end() && at >= said->second && at - said->second < kRepeatAfter) return;
  failures_said_.insert_or_assign(std::string(operation), at);
  operator_log::queue_storage_failed(operation, error, id);
}

}  // namespace postern::relay
