// Reading the due index, in slices, so that deliveries go on in between. The reader says what is
// read next (relay/due_reader); two walks over the whole index go beside it: what waits for long,
// and what waits too long since the clock was set back.
#include "relay/queue_impl.h"

#include "core/operator_log.h"

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

constexpr unsigned kReadsPerTurn = 16;
constexpr std::size_t kSlice = 256;  // keys of a lane, beside those that are leased already: 0.1 ms
constexpr std::size_t kMaxUnsynced =
    2'000;  // settlements that may wait for the disk before reading pauses
constexpr Duration kLongestReviewInterval = std::chrono::hours(1);

// How long an entry waits before it is reviewed, and how often that is done.
Duration review_interval(const DeliveryPolicy& policy) {
  return std::min(
      {kLongestReviewInterval, policy.retry.lifetime / 4, policy.delay_notice_after / 4});
}

}  // namespace

// What could not be written down must not be sent: after a failed sync nothing is taken on until a
// restart.
bool Queue::Impl::may_take_on() const {
  return !is_stopping_ && !has_storage_failed_ && refused_.empty() && unsynced_ < kMaxUnsynced;
}

bool Queue::Impl::read_some() {
  const std::vector<store::DueEntry> accepted = accepted_.take();
  const Instant at = now();
  if (!may_take_on()) {
    for (const store::DueEntry& entry : accepted) read_later(entry, at);
    return false;
  }
  for (const store::DueEntry& entry : accepted) told(entry, at);
  bool has_more = true;
  for (unsigned done = 0; has_more && done < kReadsPerTurn; ++done) has_more = read_once(at);
  has_more |= redate_waiting(at);
  has_more |= obey_waiting(at);
  has_more |= review_stale(at);
  return has_more;
}

bool Queue::Impl::read_once(Instant at) {
  if (!may_take_on() || holdings_.is_full()) return false;
  const DueReader::Action action = reader_.next(at);
  if (const auto* read = std::get_if<DueReader::ReadLane>(&action)) read_lane(*read, at);
  if (const auto* list = std::get_if<DueReader::ListLanes>(&action)) list_lanes(*list, at);
  return !std::holds_alternative<DueReader::Rest>(action);
}

void Queue::Impl::read_lane(const DueReader::ReadLane& read, Instant at) {
  if (read.hop == DestinationSet::kHeld) return reader_.close(read.hop);
  const DestinationPtr destination = destinations_->at(read.hop);
  if (destination && close_if_full(*destination, at)) return;
  // As much as there is room for, beside what is met again.
  const std::size_t limit =
      destination ? std::min(destination->vacancy(), kSlice) + destination->weight() : kSlice;
  const auto slice = spool().due(read.lane, read.after, at, limit);
  if (!slice) {
    reader_.close(read.hop, next_poll_);
    return storage_failed("read the due index", slice.error(), std::nullopt);
  }
  reader_.was_read(read, *slice, at);
  for (const store::DueKey& key : slice->keys) {
    if (!consider(destination, read.hop, {.due = key.due, .id = key.id, .lane = read.lane}, at))
      break;
  }
  if (!reader_.knows(read.hop)) destinations_->no_lanes_left(read.hop, at);
}

void Queue::Impl::list_lanes(const DueReader::ListLanes& list, Instant at) {
  const auto heads = spool().lanes(list.after, DueReader::kLanesAtOnce);
  if (!heads) {
    reader_.was_not_listed();
    return storage_failed("read the due index", heads.error(), std::nullopt);
  }
  const DueReader::Hands hands{
      [this](const MessageId& id) { return leases_.contains(id); },
      [this](const MessageId& id) {
        return held_.contains(id) || ordered_.contains(id) || held_.is_overfull() || ordered_.is_overfull();
      }};
  reader_.was_listed(*heads, hands, at);
  const auto stranded = reader_.take_stranded();
  if (stranded && *stranded > 0) operator_log::queue_stranded(*stranded);
}

// Of a message in several lanes the record says which.
void Queue::Impl::told(const store::DueEntry& entry, Instant at) {
  if (store::is_clock_lane(entry.lane)) return;
  if (!entry.lane.empty()) return told_in_lane(entry, at);
  const auto found = spool().find(entry.id);
  if (!found) return read_later(entry, at);
  if (!*found) return;
  for (store::DueRow& row : store::due_rows((*found)->message, (*found)->delivery)) {
    told_in_lane(
        {.due = row.due, .id = entry.id, .lane = std::move(row.lane), .account = entry.account},
        at);
  }
}

// What stands in the index already goes first, but for the new mail of an account that holds little
// of the destination: it does not wait for all that others have.
void Queue::Impl::told_in_lane(const store::DueEntry& entry, Instant at) {
  if (entry.due > at) return reader_.note(entry.lane, entry.key(), at);
  const HopId hop = destinations_->hop_of(entry.lane);
  if (hop == DestinationSet::kHeld) return;
  const DestinationPtr destination = destinations_->at(hop);
  if (!destination) {
    (void)consider(nullptr, hop, entry, at);
    return;
  }
  destination->set_max_weight(holdings_.share());
  const Room room = destination->room(at);
  const bool is_all_full = holdings_.is_full();
  const bool is_free = room == Room::Free && !is_all_full && !reader_.has_unread(hop);
  const bool has_reserve = room != Room::Unavailable && entry.account != AccountId{} &&
                           destination->has_reserve(entry.account) && !holdings_.is_brimful();
  if (is_free || has_reserve) {
    (void)consider(destination, hop, entry, at);
  } else {
    reader_.note(entry.lane, entry.key(), at);
    if (entry.account != AccountId{}) destination->remember_late(entry.account, entry);
  }
  if (!reader_.knows(hop)) destinations_->no_lanes_left(hop, at);
}

void Queue::Impl::read_later(const store::DueEntry& entry, Instant at) {
  if (entry.lane.empty()) return reader_.look_everywhere(false);
  reader_.note(entry.lane, entry.key(), at);
}

// Its message is leased for the destination, or held.
bool Queue::Impl::is_in_hands(HopId hop, const store::DueEntry& entry) {
  const auto is_current = [this](HopId one) { return destinations_->is_current(one); };
  return leases_.has(hop, entry, is_current) || held_.contains(entry.id) ||
         ordered_.contains(entry.id, entry.lane);
}

bool Queue::Impl::put_aside(HopId hop, const store::DueEntry& entry, Instant at) {
  reader_.note(entry.lane, entry.key(), at);
  reader_.close(hop, next_poll_);
  return false;
}

bool Queue::Impl::consider(const DestinationPtr& destination, HopId hop,
                           const store::DueEntry& entry, Instant at) {
  if (is_in_hands(hop, entry)) return true;
  const Room room = destination ? destination->room(at) : Room::Free;
  const bool is_told = entry.account != AccountId{};  // told_in_lane() has looked
  const bool has_room = room == Room::Free && !holdings_.is_full();
  if (!may_take_on() || room == Room::Unavailable || !(has_room || is_told)) {
    reader_.note(entry.lane, entry.key(), at);
    return false;
  }
  auto found = spool().find(entry.id);
  if (!found) {
    storage_failed("read a message", found.error(), entry.id);
    return put_aside(hop, entry, at);
  }
  if (!*found || (*found)->delivery.is_settled()) return true;
  const std::optional<bool> is_held = is_suspended((*found)->message.account);
  if (!is_held) return put_aside(hop, entry, at);
  std::vector<std::uint32_t> recipients = destinations_->due_recipients(**found, hop, at);
  if (recipients.empty()) return true;
  Job job{leases_.add(hop, entry.key(), std::move(**found), at), std::move(recipients)};
  if (*is_held) {
    hold_job(std::move(job), nullptr);
    return true;
  }
  if (!orders_->is_empty()) {
    std::optional<Job> left = obey(std::move(job), at);
    if (!left) return true;
    job = std::move(*left);
  }
  if (!destination) {
    no_route(std::move(job));
  } else {
    enqueue(destination, std::move(job));
    start_deliveries(destination);
  }
  return true;
}

bool Queue::Impl::go_on(IndexWalk& walk, const std::function<bool(const store::DueEntry&)>& visit) {
  if (!walk.is_on()) return false;
  const auto entries = spool().queued(walk.after(), IndexWalk::kSlice);
  if (entries) return walk.go_on(*entries, visit);
  storage_failed("read the due index", entries.error(), std::nullopt);
  return false;
}

bool Queue::Impl::redate_waiting(Instant at) {
  return go_on(redate_, [this, at](const store::DueEntry& entry) {
    return entry.due <= at || redate(entry, at);
  });
}

bool Queue::Impl::redate(const store::DueEntry& entry, Instant at) {
  if (leases_.contains(entry.id)) return true;
  auto found = spool().find(entry.id);
  if (!found) {
    storage_failed("read a message", found.error(), entry.id);
    return found.error().code() == ErrorCode::CorruptRecord;  // that one will not get better
  }
  if (!*found) return true;
  Publication publication = publish_set_back(**found, settings_.policy, at);
  if (publication.is_empty()) return true;
  Job job{leases_.add(LeaseTable::kAnyHop, entry.key(), std::move(**found), at), {}};
  for (const store::RecipientChange& change : publication.settlement.changes)
    job.recipients.push_back(change.index);
  settle(std::move(job), nullptr, std::move(publication));
  return true;
}

bool Queue::Impl::review_stale(Instant at) {
  if (!review_.is_on() && at < next_review_) return false;
  const Duration interval = review_interval(settings_.policy);
  review_.begin_unless_on();
  const bool has_more = go_on(review_, [this, at, interval](const store::DueEntry& entry) {
    if (entry.due <= at - interval) review(entry, at);
    return true;
  });
  if (!review_.is_on()) next_review_ = at + interval;
  return has_more;
}

void Queue::Impl::review(const store::DueEntry& entry, Instant at) {
  if (store::is_clock_lane(entry.lane)) return;
  const HopId hop = destinations_->hop_of(entry.lane);
  if (hop == DestinationSet::kNoRoute || leases_.contains(entry.id)) return;
  auto found = spool().find(entry.id);
  if (!found) return storage_failed("read a message", found.error(), entry.id);
  if (!*found) return;
  const DestinationPtr destination = destinations_->find(hop);
  const bool is_held = hop == DestinationSet::kHeld;
  Status why = destination && destination->is_failing() ? destination->last_failure() : Status{};
  if (is_held) why = status_of_held();
  std::vector<std::uint32_t> recipients = destinations_->due_recipients(**found, hop, at);
  Publication publication = publish_waiting(**found, {recipients, why, is_held}, settings_.policy, at);
  if (!reader_.knows(hop)) destinations_->no_lanes_left(hop, at);
  if (publication.is_empty()) return;
  settle(Job{leases_.add(hop, entry.key(), std::move(**found), at), std::move(recipients)}, nullptr,
         std::move(publication));
}

void Queue::Impl::storage_failed(std::string_view operation, const Error& error,
                                 const std::optional<MessageId>& id) {
  constexpr Duration kRepeatAfter = std::chrono::minutes(1);
  const auto said = failures_said_.find(operation);
  const Instant at = now();
  if (said != failures_said_.end() && at >= said->second && at - said->second < kRepeatAfter)
    return;
  failures_said_.insert_or_assign(std::string(operation), at);
  operator_log::queue_storage_failed(operation, error, id);
}

}  // namespace postern::relay
