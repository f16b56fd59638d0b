// From a lease to its settlement. A connection takes its next message as soon as the last one's settlement is handed to the
// commit thread: it does not wait for the sync, so that settlements of a burst share one.
#include "relay/queue_impl.h"

#include "core/check.h"
#include "core/operator_log.h"
#include "relay/suppression.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace postern::relay {
namespace {

namespace asio = net::asio;

// RFC 5321 §4.5.3.1.8: so many every server takes. Of more some refuse the surplus, which then waits longer each time, and some
// the whole message.
constexpr std::ptrdiff_t kMaxRecipientsAtOnce = 100;
constexpr unsigned kJobsPerTurn = 64;  // a simulated delivery never waits: others get their turn after so many
constexpr Duration kFreshLease = std::chrono::seconds(1);     // under way as good as at once: its record is not read again

// RFC 5321 §4.5.3.1.10: 452, too many recipients. The same code says that storage lacks, so the detail decides where there is one.
bool is_refused_for_number(const RecipientReport& report) {
  if (report.outcome != Outcome::Deferred || report.status.code != 452) return false;
  const auto& code = report.status.enhanced;
  return !code || (code->subject == 5 && code->detail == 3);
}

bool was_taken(const RecipientReport& report) {
  return report.outcome == Outcome::Delivered || report.outcome == Outcome::Relayed;
}

// The recipients whose turn comes at once: the next hop took the message for others and had enough of them. Their reports are
// taken away. Since some were taken each time, that ends.
std::vector<std::uint32_t> take_surplus(std::vector<RecipientReport>& reports) {
  std::vector<std::uint32_t> surplus;
  if (std::ranges::none_of(reports, was_taken)) return surplus;
  for (const RecipientReport& report : reports) {
    if (is_refused_for_number(report)) surplus.push_back(report.index);
  }
  std::erase_if(reports, is_refused_for_number);
  return surplus;
}

Contact worst_contact(const std::vector<RecipientReport>& reports) {
  Contact worst = Contact::Good;
  for (const RecipientReport& report : reports) worst = std::max(worst, report.contact);
  return worst;
}

const RecipientReport& report_of(const std::vector<RecipientReport>& reports, Contact contact) {
  const auto found = std::find_if(reports.begin(), reports.end(), [contact](const RecipientReport& report) {
    return report.contact == contact && report.outcome == Outcome::Deferred;
  });
  return found == reports.end() ? reports.front() : *found;
}

const Status& failure_of(const std::vector<RecipientReport>& reports, Contact contact) {
  return report_of(reports, contact).status;
}

}  // namespace

void Queue::Impl::start_deliveries(const DestinationPtr& destination) {
  const Instant at = now();
  for (std::size_t n = destination->startable(at); n > 0; --n) {
    if (running_ >= settings_.max_deliveries) {
      return turns_.join(destination->hop());
    }
    std::optional<Job> job = destination->take(at);
    if (!job) return;
    start(destination, std::move(*job));
  }
}

void Queue::Impl::start(const DestinationPtr& destination, Job job) {
  ++running_;
  asio::co_spawn(parts_.executor, work(shared_from_this(), destination, std::move(job)), net::rethrow);
}

// As many as may run beside those that do, each destination in its turn.
void Queue::Impl::start_others() {
  while (running_ < settings_.max_deliveries) {
    const std::optional<HopId> hop = turns_.next();
    if (!hop) return;
    const DestinationPtr destination = destinations_->find(*hop);
    std::optional<Job> job = destination ? destination->take(now()) : std::nullopt;
    if (!job) continue;
    start(destination, std::move(*job));
    if (destination->startable(now()) > 0) turns_.join(*hop);
  }
}

net::Awaitable<void> Queue::Impl::work(std::shared_ptr<Impl> self, DestinationPtr destination, Job first) {
  Transport& transport = destination->transport();
  std::optional<Job> job = std::move(first);
  std::optional<Ready> ready;
  for (unsigned done = 1; job || ready; ++done) {
    if (!ready) ready = self->make_ready(destination, std::move(*job), true);
    std::optional<Ready> ahead;
    if (ready) {
      std::vector<RecipientReport> reports;
      if (!ready->request.recipients.empty()) {
        ready->request.look_ahead = [&] { return self->look_ahead(destination, ready->job, ahead); };
        reports = co_await transport.deliver(ready->request);
      }
      destination->finished(ready->job);
      if (ahead && !transport.has_begun(ahead->request)) {
        self->put_back(destination, std::move(ahead->job));
        ahead.reset();
      }
      self->delivered(destination, std::move(ready->job), std::move(reports), ready->suppressed);
    }
    if (done % kJobsPerTurn == 0) co_await asio::post(self->parts_.executor, net::kAwait);
    ready = std::move(ahead);
    if (ready) destination->begin(ready->job);
    job = ready ? std::nullopt : self->next_job(destination);
  }
  --self->running_;
  self->start_others();
  if (!self->destinations_->is_current(destination->hop())) self->start_successors();
  if (self->is_stopping_ || destination->is_failing() || !self->retired_.empty()) self->poke();
}

// What ran by a replaced route counts towards the new one's connections.
void Queue::Impl::start_successors() {
  for (const auto& destination : destinations_->all()) start_deliveries(destination);
}

// Nothing where other destinations wait for their turn: this one queues behind them.
std::optional<Job> Queue::Impl::next_job(const DestinationPtr& destination) {
  if (turns_.is_empty()) return destination->take(now());
  if (destination->startable(now()) > 0) turns_.join(destination->hop());
  return std::nullopt;
}

std::optional<Queue::Impl::Ready> Queue::Impl::make_ready(const DestinationPtr& destination, Job job, bool is_running) {
  if (is_kept_back(destination, job, is_running)) return std::nullopt;
  split_off_surplus(job, destination);
  Ready ready{std::move(job), {}, {}};
  ready.request = {&ready.job.lease->stored, without_suppressed(ready.job, ready.suppressed), destination->route()};
  return ready;
}

const DeliveryRequest* Queue::Impl::look_ahead(const DestinationPtr& destination, const Job& job, std::optional<Ready>& ahead) {
  if (is_stopping_ || !turns_.is_empty() || !destinations_->is_current(destination->hop())) return nullptr;
  std::optional<Job> next = destination->take_ahead(job.lease->stored.message.account, now());
  if (next) ahead = make_ready(destination, std::move(*next), false);
  // Of a message in several parts others may be on their way at the same time.
  return ahead && !ahead->request.recipients.empty() && ahead->job.lease->open_parts == 1 ? &ahead->request : nullptr;
}

void Queue::Impl::put_back(const DestinationPtr& destination, Job job) {
  destination->put_back(std::move(job));
  if (is_stopping_ || !destinations_->is_current(destination->hop())) give_back_waiting(destination);
}

bool Queue::Impl::is_kept_back(const DestinationPtr& destination, Job& job, bool is_running) {
  const std::optional<bool> is_held = is_suspended(job.lease->stored.message.account);
  if (!is_held || !drop_changed(job)) {
    if (is_running) destination->finished(job);
    let_go(destination, job);
    reader_.close(destination->hop(), next_poll_);
    close_part(job);
    return true;
  }
  if (!*is_held) return false;
  if (is_running) destination->finished(job);
  hold_job(std::move(job), destination);
  return true;
}

// What waited for a connection may have been cancelled or put off meanwhile: whoever did that was told that it is not sent.
bool Queue::Impl::drop_changed(Job& job) {
  const Lease& lease = *job.lease;
  const Instant at = now();
  if (at - lease.read_at < kFreshLease) return true;
  const auto found = spool().find(lease.key.id);
  if (!found) {
    storage_failed("read a message", found.error(), lease.key.id);
    return false;
  }
  std::erase_if(job.recipients, [&](std::uint32_t index) {
    if (!*found) return true;
    const store::RecipientState& state = (*found)->delivery.recipients[index];
    return state.stage != store::RecipientStage::Pending || state.next_attempt > std::max(at, lease.read_at);
  });
  return true;
}

// The recipients beyond what one transaction may have become a job of their own: each part is settled as soon as it is sent, and
// other connections may take the rest.
void Queue::Impl::split_off_surplus(Job& job, const DestinationPtr& destination) {
  if (destination->route() == nullptr || std::ssize(job.recipients) <= kMaxRecipientsAtOnce) return;
  const auto surplus = job.recipients.begin() + kMaxRecipientsAtOnce;
  std::vector<std::uint32_t> rest(surplus, job.recipients.end());
  job.recipients.erase(surplus, job.recipients.end());
  enqueue_part(job, std::move(rest), destination);
}

void Queue::Impl::enqueue_part(const Job& job, std::vector<std::uint32_t> recipients,
                               const DestinationPtr& destination) {
  ++job.lease->open_parts;
  enqueue(destination, Job{job.lease, std::move(recipients)});
  if (is_stopping_) give_back_waiting(destination);
  start_deliveries(destination);
}

// The job's recipients that may be sent to; the others are put into `suppressed`. Looked at before every attempt: the list may
// have grown since the last one.
std::vector<std::uint32_t> Queue::Impl::without_suppressed(const Job& job, std::vector<std::uint32_t>& suppressed) {
  const store::MessageRecord& message = job.lease->stored.message;
  if (!heeds_suppressions(message.environment, message.origin)) return job.recipients;
  std::vector<std::uint32_t> others;
  for (const std::uint32_t index : job.recipients) {
    const std::string address = normalised_mailbox(message.envelope.recipients[index].mailbox);
    const auto found = is_suppressed(parts_.store.directory(), message.account, address, message.summary.tags, parts_.clock.now());
    if (!found) storage_failed("find_suppression", found.error(), message.id);
    (found && *found ? suppressed : others).push_back(index);
  }
  return others;
}

void Queue::Impl::suppress(const store::StoredMessage& stored, const Publication& publication) {
  suppress_later(parts_.store.directory(), stored.message.account, suppressions_of(stored, publication));
}

void Queue::Impl::delivered(const DestinationPtr& destination, Job job, std::vector<RecipientReport> reports,
                            const std::vector<std::uint32_t>& suppressed) {
  const Contact worst = reports.empty() ? Contact::Good : worst_contact(reports);
  const bool is_surplus = worst == Contact::Surplus || worst == Contact::Restrained;
  if (is_surplus && !is_stopping_) return surplus(destination, std::move(job), report_of(reports, worst));
  if (is_cancelled_ || is_surplus) {
    // Cut off by us: not an attempt that counts against anybody.
    if (std::erase_if(reports, [](const RecipientReport& report) { return report.outcome == Outcome::Deferred; }) > 0) ++cut_off_;
  } else {
    judge_contact(destination, job, reports);
    std::vector<std::uint32_t> surplus = take_surplus(reports);
    if (!surplus.empty()) enqueue_part(job, std::move(surplus), destination);
  }
  for (const std::uint32_t index : suppressed) reports.push_back(report_suppressed(index));
  Publication publication = publish_reports(job.lease->stored, reports, settings_.policy, now(), parts_.random);
  log_publication(job.lease->stored, publication, destination->name(), parts_.store.tally());
  suppress(job.lease->stored, publication);
  settle(std::move(job), destination, std::move(publication));
}

// No attempt: the job is the next one of the connections that the next hop takes, or waits for a moment where it takes none.
void Queue::Impl::surplus(const DestinationPtr& destination, Job job, const RecipientReport& report) {
  const std::size_t before = destination->concurrency();
  destination->surplus(std::move(job), now());
  note_concurrency(*destination, before);
  if (destination->running() > 0) return;
  if (report.contact == Contact::Surplus) return went_down(destination, report.status);
  destination->rest_until(now() + std::min(report.retry_after.value_or(Duration{0}), Destination::kLongestRest));
  if (destinations_->is_current(destination->hop())) (void)close_if_full(*destination, now());
  give_back_waiting(destination);
}

void Queue::Impl::note_concurrency(const Destination& destination, std::size_t before) const {
  if (destination.concurrency() == before || destination.is_beginning()) return;
  operator_log::destination_concurrency(destination.name(), before, destination.concurrency());
}

void Queue::Impl::judge_contact(const DestinationPtr& destination, const Job& job, const std::vector<RecipientReport>& reports) {
  if (reports.empty()) return;
  const Contact contact = worst_contact(reports);
  if (contact == Contact::None) return went_down(destination, failure_of(reports, contact));
  if (contact == Contact::Unfit && destination->should_complain(now())) {
    operator_log::route_unfit(destination->name(), failure_of(reports, contact));
  }
  const std::size_t before = destination->concurrency();
  const bool was_down = destination->reached(job.lease->stored.message.account, contact == Contact::Broken, now());
  if (destination->concurrency() != before) {
    note_concurrency(*destination, before);
    start_deliveries(destination);
  }
  if (!was_down) return;
  operator_log::destination_recovered(destination->name());
  note_pause(destination, std::nullopt);
  open_if_roomy(*destination, now());
}

void Queue::Impl::went_down(const DestinationPtr& destination, const Status& status) {
  const auto outage = destination->failed(status, now(), parts_.random);
  if (!outage) return;
  if (outage->is_new) operator_log::destination_unavailable(destination->name(), status, outage->retry_in);
  note_pause(destination, outage->retry_in);
  if (destinations_->is_current(destination->hop())) reader_.close(destination->hop(), destination->next_probe(now()));
  give_back_waiting(destination);
}

void Queue::Impl::no_route(Job job) {
  // RFC 3463 §3.5: X.4.4, unable to route. The routes are configuration, which may be mended; but nobody waits for a report.
  const bool is_report = job.lease->stored.message.origin == store::MessageOrigin::Notification;
  Status status{451, EnhancedCode{4, 4, 4}, "no route leads to this domain"};
  if (is_report) status = Status{550, EnhancedCode{5, 4, 4}, "no route leads to this domain"};
  const Outcome outcome = is_report ? Outcome::Bounced : Outcome::Deferred;
  std::vector<RecipientReport> reports;
  for (const std::uint32_t index : job.recipients) {
    reports.push_back({index, outcome, status, {}, std::nullopt, Contact::Good, true});
  }
  Publication publication = publish_reports(job.lease->stored, reports, settings_.policy, now(), parts_.random);
  log_publication(job.lease->stored, publication, "-", parts_.store.tally());
  settle(std::move(job), nullptr, std::move(publication));
}

void Queue::Impl::settle(Job job, DestinationPtr destination, Publication publication) {
  auto unsynced = std::make_shared<Unsynced>(Unsynced{std::move(job), std::move(destination), {}});
  if (publication.is_empty()) return synced(std::move(unsynced), {});
  const store::StoredMessage& stored = unsynced->job.lease->stored;
  const auto& sender = stored.message.envelope.reverse_path;
  if (!publication.notices.empty()) {
    notices_.add_owed(publication, stored, sender && destinations_->is_routed(*sender), now());
  }
  unsynced->settlement = std::move(publication.settlement);
  write(std::move(unsynced));
}

void Queue::Impl::write(std::shared_ptr<Unsynced> unsynced) {
  ++unsynced_;
  // Shared: a store that is full for the moment gets it again.
  const std::shared_ptr<const store::Settlement> settlement(unsynced, &unsynced->settlement);
  spool().settle(settlement, [self = shared_from_this(), unsynced](Result<void> result) {
    asio::post(self->parts_.executor, [self, unsynced, result = std::move(result)] {
      --self->unsynced_;
      self->synced(unsynced, result);
    });
  });
}

void Queue::Impl::synced(std::shared_ptr<Unsynced> unsynced, const Result<void>& result) {
  if (!result && result.error().code() != ErrorCode::NotFound) return refused(std::move(unsynced), result.error());
  const Job& job = unsynced->job;
  std::vector<store::RecipientState>& states = job.lease->stored.delivery.recipients;
  for (store::RecipientChange& change : unsynced->settlement.changes) states[change.index] = std::move(change.state);
  const DestinationPtr destination = std::move(unsynced->destination);
  if (destination) let_go(destination, job);
  // What is left of a message that is gone is nothing.
  if (result) {
    close_part(job);
  } else {
    close_part(Job{job.lease, {}});
  }
  if (destination) take_up_next(destination);
  for (const store::NewNotification& notification : unsynced->settlement.notifications) {
    accepted({.due = *notification.delivery.due, .id = notification.message.id, .lane = notification.delivery.lane});
  }
  if (is_stopping_ || unsynced_ == 0) poke();
}

// The destination has room again.
void Queue::Impl::take_up_next(const DestinationPtr& destination) {
  const Instant at = now();
  if (destination->has_late() && may_take_on() && destinations_->is_current(destination->hop())) {
    for (const store::DueEntry& entry : destination->take_late()) {
      const bool is_its_own = destinations_->hop_of(entry.lane) == destination->hop();  // orders may have come in between
      if (is_its_own) (void)consider(destination, destination->hop(), entry, at);
    }
  }
  open_if_roomy(*destination, at);
}

// The message stays leased: sent again while this is not written down, it would arrive twice.
void Queue::Impl::refused(std::shared_ptr<Unsynced> unsynced, const Error& error) {
  storage_failed("settle", error, unsynced->job.lease->key.id);
  has_storage_failed_ = spool().has_failed();
  const bool may_pass = error.code() == ErrorCode::StorageFull || error.code() == ErrorCode::StorageShedding;
  if (may_pass && !has_storage_failed_) {
    refused_.push_back(std::move(unsynced));
  } else if (unsynced->destination) {
    let_go(unsynced->destination, unsynced->job);
  }
  if (is_stopping_) poke();
}

// What is left pending is read again when it is due, once all parts are closed.
void Queue::Impl::close_part(const Job& job) {
  Lease& lease = *job.lease;
  POSTERN_CHECK(lease.open_parts > 0);
  if (!is_stopping_) {
    for (const std::uint32_t index : job.recipients) note_left(lease, index);
  }
  if (--lease.open_parts > 0) return;
  leases_.remove(job.lease);
  if (lease.left.empty() || is_stopping_) return;
  const Instant at = now();
  for (const store::DueEntry& entry : lease.left) reader_.note(entry.lane, entry.key(), at);
  lease.left.clear();
  poke();
}

void Queue::Impl::note_left(Lease& lease, std::uint32_t recipient) {
  const store::RecipientState& state = lease.stored.delivery.recipients[recipient];
  if (state.stage != store::RecipientStage::Pending) return;
  std::string lane = store::lane_of(lease.stored, recipient);
  const auto same = std::ranges::find(lease.left, lane, &store::DueEntry::lane);
  if (same == lease.left.end()) {
    lease.left.push_back({.due = state.next_attempt, .id = lease.key.id, .lane = std::move(lane)});
  } else {
    same->due = std::min(same->due, state.next_attempt);
  }
}

}  // namespace postern::relay
