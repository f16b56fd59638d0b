// Held mail is told so once and stays in the due index as it was: its account's earliest entry is remembered, and reading goes back
// there when the account is resumed. Expiry is the review's, as for all that waits.
#include "relay/queue_impl.h"

#include "core/operator_log.h"

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

constexpr std::size_t kMaxHeld = 131'072;   // messages, about 6 MiB; of more the records are read again each time
constexpr std::size_t kSweepSlice = 256;    // entries of the index
constexpr Duration kSweepInterval = std::chrono::minutes(2);  // a million entries take two seconds
constexpr Duration kStrandedAfter = std::chrono::minutes(1);  // what is due for less may be on its way to us

Status suspension_status() { return Status{451, EnhancedCode{4, 7, 1}, "held: the account is suspended"}; }

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

void Queue::Impl::remember_held(const AccountId& account, const store::DueEntry& entry) {
  const auto [first, is_new] = held_.try_emplace(account, entry);
  if (!is_new && precedes(entry, first->second)) first->second = entry;
  if (held_messages_.size() < kMaxHeld) held_messages_.emplace(entry.id, account);
}

void Queue::Impl::hold(const store::DueEntry& entry, store::StoredMessage stored, Instant at) {
  remember_held(stored.message.account, entry);
  std::vector<std::uint32_t> pending;
  for (std::uint32_t index = 0; index < stored.delivery.recipients.size(); ++index) {
    if (stored.delivery.recipients[index].stage == store::RecipientStage::Pending) pending.push_back(index);
  }
  auto leased = std::make_shared<Lease>(Lease{entry, std::move(stored), 1, false, std::nullopt, at});
  leases_.emplace(entry.id, leased);
  hold_job(Job{std::move(leased), std::move(pending)}, nullptr);
}

void Queue::Impl::hold_job(Job job, std::shared_ptr<Destination> destination) {
  const store::StoredMessage& stored = job.lease->stored;
  remember_held(stored.message.account, job.lease->entry);
  Publication publication =
      publish_waiting(stored, {job.recipients, suspension_status(), std::nullopt, true}, settings_.policy, now());
  log_publication(stored, publication, destination ? std::string_view(destination->name()) : "-");
  settle(std::move(job), std::move(destination), std::move(publication));
}

void Queue::Impl::release_resumed() {
  std::erase_if(held_, [this](const auto& first) {
    const AccountId& account = first.first;
    if (is_suspended(account).value_or(true)) return false;
    std::erase_if(held_messages_, [&account](const auto& message) { return message.second == account; });
    lower_front(first.second.due);
    return true;
  });
}

bool Queue::Impl::sweep(Instant at) {
  if (at < next_sweep_ && next_sweep_ <= at + kSweepInterval) return false;
  const auto entries = spool().due(swept_, at - kStrandedAfter, kSweepSlice);
  if (!entries) {
    storage_failed("read the due index", entries.error(), std::nullopt);
    return false;
  }
  for (const store::DueEntry& entry : *entries) {
    if (is_accounted_for(entry)) continue;
    ++stranded_;
    consider(entry, at);
  }
  if (entries->size() == kSweepSlice) {
    swept_ = entries->back();
    return true;
  }
  if (stranded_ > 0) operator_log::queue_stranded(stranded_);
  stranded_ = 0;
  swept_.reset();
  next_sweep_ = at + kSweepInterval;
  return false;
}

// Leased, held, yet to be read, or passed over by a destination that will read it.
bool Queue::Impl::is_accounted_for(const store::DueEntry& entry) const {
  if (leases_.contains(entry.id) || held_messages_.contains(entry.id)) return true;
  if (!front_ || precedes(*front_, entry)) return true;
  const auto will_read = [&entry](const Destination& destination) {
    return destination.unread_after() && precedes(*destination.unread_after(), entry);
  };
  if (const Destination* known = destinations_->find_by_lane(entry.lane)) {
    if (will_read(*known)) return true;
  } else if (std::ranges::any_of(destinations_->all(), [&](const auto& destination) { return will_read(*destination); })) {
    return true;
  }
  if (std::ranges::find(unread_, entry.id, &store::DueEntry::id) != unread_.end()) return true;
  if (held_messages_.size() < kMaxHeld) return false;
  return std::ranges::any_of(held_, [&entry](const auto& first) { return !precedes(entry, first.second); });
}

// For the command line: `queue show` tells it, `queue retry` takes it away.
void Queue::Impl::note_pause(const std::shared_ptr<Destination>& destination, std::optional<Duration> retry_in) {
  const std::string& name = destination->name();
  const auto noted = paused_since_.find(name);
  if (!retry_in && noted == paused_since_.end()) return;
  if (!retry_in) {
    paused_since_.erase(noted);
    return spool().set_pause(name, std::nullopt, [](const Result<void>&) {});
  }
  NotedPause& mine = paused_since_.try_emplace(name, NotedPause{now()}).first->second;
  mine.is_written = false;
  ++unsynced_;
  spool().set_pause(name, store::DestinationPause{name, mine.since, now() + *retry_in, destination->last_failure()},
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
  for (const auto& destination : destinations_->all()) {
    const std::string& name = destination->name();
    const auto noted = paused_since_.find(name);
    if (!destination->is_failing() || noted == paused_since_.end() || !noted->second.is_written) continue;
    const bool stands = std::ranges::find(*pauses, name, &store::DestinationPause::name) != pauses->end();
    if (!stands && destination->next_probe(at) > at) destination->probe_at(at);
  }
}

}  // namespace postern::relay
