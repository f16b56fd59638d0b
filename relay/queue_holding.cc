// What may not go now, and who holds how much. Held mail is told so once and stays in the due index
// as it was; where an account is resumed, all lanes are begun anew. Expiry is the review's, as for
// all that waits.
#include "relay/queue_impl.h"

#include "core/operator_log.h"

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

Status suspension_status() {
  return Status{451, EnhancedCode{4, 7, 1}, "held: the account is suspended"};
}

}  // namespace

std::optional<bool> Queue::Impl::is_suspended(const AccountId& account) {
  if (const auto known = suspended_.find(account); known != suspended_.end()) return known->second;
  const auto found = parts_.store.directory().find_account(account);
  if (!found) {
    storage_failed("read an account", found.error(), std::nullopt);
    return std::nullopt;
  }
  const bool is_suspended = *found && (*found)->state == store::AccountState::Suspended;
  suspended_.emplace(account, is_suspended);
  return is_suspended;
}

void Queue::Impl::hold_job(Job job, DestinationPtr destination) {
  const store::StoredMessage& stored = job.lease->stored;
  held_.add(stored.message.account, job.lease->key.id);
  Publication publication =
      publish_waiting(stored, {job.recipients, suspension_status(), true}, settings_.policy, now());
  log_publication(stored, publication, destination ? std::string_view(destination->name()) : "-", parts_.store.tally());
  settle(std::move(job), std::move(destination), std::move(publication));
}

// --- What destinations hold ---

void Queue::Impl::enqueue(const DestinationPtr& destination, Job job) {
  holdings_.took(job.weight(), destination->weight() == 0);
  destination->enqueue(std::move(job));
}

void Queue::Impl::let_go(const DestinationPtr& destination, const Job& job) {
  destination->settled(job);
  lost_weight(*destination, job.weight());
}

void Queue::Impl::lost_weight(const Destination& destination, std::size_t weight) {
  if (holdings_.lost(weight, destination.weight() == 0)) poke();
}

bool Queue::Impl::close_if_full(Destination& destination, Instant at) {
  destination.set_max_weight(holdings_.share());
  if (destination.room(at) == Room::Free) return false;
  // A probe that is under way opens it, or says when the next one is due.
  const bool waits_for_probe = destination.is_failing() && destination.weight() == 0;
  Instant until = waits_for_probe ? destination.next_probe(at) : Instant::max();
  if (destination.is_resting(at)) until = destination.resting_until();
  reader_.close(destination.hop(), until);
  return true;
}

void Queue::Impl::open_if_roomy(Destination& destination, Instant at) {
  if (!destinations_->is_current(destination.hop())) return;
  const bool may_be_closed = destination.is_failing() || destination.is_resting(at);
  if (!may_be_closed && !destination.wants_more()) return;
  if (may_be_closed && close_if_full(destination, at)) return;
  reader_.open(destination.hop());
  if (reader_.has_unread(destination.hop())) return poke();
  if (destination.is_idle() && !reader_.knows(destination.hop()))
    destinations_->no_lanes_left(destination.hop(), at);
}

// Jobs that were not begun: their messages are due as before, and found again when the destination
// has room.
void Queue::Impl::give_back_waiting(const DestinationPtr& destination) {
  const std::size_t before = destination->weight();
  const std::vector<Job> jobs = destination->release_waiting();
  lost_weight(*destination, before - destination->weight());
  for (const Job& job : jobs) close_part(job);
}

// --- Pauses: `queue show` tells them, `queue retry` takes them away ---

// Of configured next hops: a domain that is down is nothing that an operator mends.
void Queue::Impl::note_pause(const DestinationPtr& destination, std::optional<Duration> retry_in) {
  const std::string& name = destination->name();
  const auto noted = paused_since_.find(name);
  if (!retry_in && noted == paused_since_.end()) return;
  if (!retry_in) {
    paused_since_.erase(noted);
    return spool().set_pause(name, std::nullopt, [](const Result<void>&) {});
  }
  if (!destinations_->is_configured(*destination)) return;
  NotedPause& mine = paused_since_.try_emplace(name, NotedPause{now()}).first->second;
  mine.is_written = false;
  ++unsynced_;
  spool().set_pause(
      name,
      store::DestinationPause{name, mine.since, now() + *retry_in, destination->last_failure()},
      [self = shared_from_this(), name](const Result<void>& result) {
        net::asio::post(self->parts_.executor, [self, name, is_written = result.has_value()] {
          --self->unsynced_;
          const auto written = self->paused_since_.find(name);
          if (written != self->paused_since_.end()) written->second.is_written = is_written;
        });
      });
}

void Queue::Impl::probe_where_asked(Instant at) {
  if (paused_since_.empty()) return;
  const auto pauses = spool().list_pauses();
  if (!pauses) return storage_failed("read the pauses", pauses.error(), std::nullopt);
  for (const auto& [name, noted] : paused_since_) {
    const DestinationPtr destination = destinations_->find_named(name);
    if (!destination || !destination->is_failing() || !noted.is_written) continue;
    const bool stands =
        std::ranges::find(*pauses, name, &store::DestinationPause::name) != pauses->end();
    if (stands || destination->next_probe(at) <= at) continue;
    destination->probe_at(at);
    open_if_roomy(*destination, at);
  }
}

}  // namespace postern::relay
