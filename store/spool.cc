// The spool: reads in a read transaction of their own, writes as requests to the commit queue. What the requests do is in
// message_table, settlement, event_log and retention.
#include "store/spool.h"

#include "core/check.h"
#include "lmdb/commit_queue.h"
#include "store/delivery_marks.h"
#include "store/due_index.h"
#include "store/event_log.h"
#include "store/examination.h"
#include "store/idempotency_table.h"
#include "store/inbound_table.h"
#include "store/message_table.h"
#include "store/message_writer.h"
#include "store/record_table.h"
#include "store/recovery.h"
#include "store/retention.h"
#include "store/run_table.h"
#include "store/schema.h"
#include "store/settlement.h"
#include "store/space_guard.h"
#include "store/spool_content.h"
#include "store/spool_impl.h"
#include "store/spool_requests.h"
#include "store/tables.h"

#include <algorithm>
#include <csignal>

namespace postern::store {

namespace {

// What one commit removes of what somebody asks to be removed: others wait for it.
constexpr std::size_t kMessagesPerRemoval = 64;
constexpr std::uint64_t kOctetsPerRemoval = 32ULL << 20;  // of content, and one message more
constexpr std::uint64_t kRecordsOctets = 8 * 1024;  // of a message beside its content, pages that they share included

// Made in place: a message is dozens of strings to move.
struct Acceptance {
  ContentWriter::Rest rest;
  NewMessage message;
};

Result<void> put_rest(SpoolTransaction spool, const MessageId& id, const ContentWriter::Rest& rest) {
  if (rest.streamed_chunks > 0) {
    Result<bool> was_open = spool.open_marks.remove(spool.transaction, id);
    if (!was_open) return was_open.error();
    if (!*was_open) return Error(ErrorCode::NotFound, "the streamed content of " + format_message_id(id) + " is gone");
  }
  if (rest.last_chunk.empty()) return {};
  return put_chunk(spool.transaction, {id, rest.streamed_chunks, rest.last_chunk, rest.last_sums});
}

Result<void> apply_acceptance(SpoolTransaction spool, const Acceptance& acceptance, Duration capture_retention) {
  const NewMessage& message = acceptance.message;
  const MessageRecord& record = message.record;
  if (std::optional<Error> lost = acceptance.rest.window->error()) return *lost;
  if (Result<void> room = spool.space.take(acceptance.rest.last_chunk.size() + kRecordsOctets); !room) return room;
  if (is_kept_for_reading(record)) {
    if (Result<void> room = spool.test_mail.check(record.account, record.content_octets); !room) return room;
  }
  Result<bool> exists = has_message(spool.transaction, record.id);
  if (!exists) return exists.error();
  if (*exists) return Error(ErrorCode::AlreadyExists, "there is a message " + format_message_id(record.id));
  if (message.claim) {
    Result<void> free = check_claim(spool.transaction, record.account, *message.claim, record.accepted_at);
    if (!free) return free;
  }
  if (Result<void> put = put_rest(spool, record.id, acceptance.rest); !put) return put;
  Result<void> inserted = insert_message(spool, record, message.delivery, capture_retention);
  if (!inserted) return inserted;
  if (message.inbound) {
    InboundRecord inbound = *message.inbound;
    inbound.octets = record.content_octets;
    if (Result<void> put = put_inbound(spool.transaction, inbound); !put) return put;
  }
  for (const Event& event : message.events) {
    if (Result<void> appended = append_event(spool, event); !appended) return appended;
  }
  if (!message.claim) return {};
  return put_claim(spool.transaction, record.account, *message.claim, record.id, record.accepted_at);
}

Result<void> write_totals(SpoolTransaction spool) {
  encode(spool.totals, spool.buffer);
  return WritableTable(spool.transaction, SpoolTable::Meta).put(kTotalsKey, spool.buffer);
}

class AcceptRequest final : public lmdb::CommitRequest {
 public:
  AcceptRequest(Spool::Impl& impl, ContentWriter& content, NewMessage&& message, Completion done)
      : impl_(impl), acceptance_{.rest = content.finish(), .message = std::move(message)}, done_(std::move(done)) {
    acceptance_.message.record.content_octets = acceptance_.rest.octets;
    acceptance_.message.record.chunk_count = acceptance_.rest.chunk_count();
  }
  Result<void> apply(WriteTransaction& transaction) override {
    return apply_acceptance(impl_.frame.of(transaction), acceptance_, impl_.limits.capture_retention);
  }
  void complete(Result<void> outcome) override;
  std::size_t octets() const override { return acceptance_.rest.last_chunk.size(); }

 private:
  Spool::Impl& impl_;
  Acceptance acceptance_;
  Completion done_;
};

class SettleRequest final : public lmdb::CommitRequest {
 public:
  SettleRequest(Spool::Impl& impl, std::shared_ptr<const Settlement> settlement, Completion done)
      : impl_(impl), settlement_(std::move(settlement)), done_(std::move(done)) {}
  Result<void> apply(WriteTransaction& transaction) override {
    return apply_settlement(impl_.frame.of(transaction), *settlement_, impl_.limits.capture_retention);
  }
  void complete(Result<void> outcome) override { done_(std::move(outcome)); }

 private:
  Spool::Impl& impl_;
  std::shared_ptr<const Settlement> settlement_;
  Completion done_;
};

class EventRequest final : public lmdb::CommitRequest {
 public:
  EventRequest(Spool::Impl& impl, Event event, Completion done)
      : impl_(impl), event_(std::move(event)), done_(std::move(done)) {}
  Result<void> apply(WriteTransaction& transaction) override {
    return append_event(impl_.frame.of(transaction), event_);
  }
  void complete(Result<void> outcome) override { done_(std::move(outcome)); }

 private:
  Spool::Impl& impl_;
  Event event_;
  Completion done_;
};

// What was streamed of a message that is not accepted after all goes with it.
void AcceptRequest::complete(Result<void> outcome) {
  if (!outcome) {
    if (outcome.error().code() == ErrorCode::StorageFull) (void)impl_.space.look();
    abandon_streamed_content(impl_.queue, impl_.frame, acceptance_.message.record.id, acceptance_.rest.streamed_chunks);
  }
  done_(std::move(outcome));
}

}  // namespace

Result<void> Spool::Impl::remove_excess(Expiry& expiry, std::size_t limit) {
  const std::size_t removed = expiry.contents + expiry.messages + expiry.events + expiry.idempotency;
  if (removed >= limit) return {};
  if (excess.size() == 0) {
    const std::uint64_t capacity = space.capacity();
    Result<Excess> found = with_reader([&](ReadTransaction& transaction) { return find_excess(transaction, limits, capacity); });
    if (!found) return found.error();
    excess = std::move(*found);
  }
  const Excess part = excess.take(limit - removed);
  if (part.size() == 0) return {};
  Expiry gone;
  Result<void> erased = run([&](SpoolTransaction spool) -> Result<void> {
    Result<Expiry> applied = erase_excess(spool, part);
    if (!applied) return applied.error();
    gone = *applied;
    return {};
  });
  if (!erased) return erased;
  expiry.contents += gone.contents;
  expiry.messages += gone.messages;
  expiry.events += gone.events;
  expiry.idempotency += gone.idempotency;
  return {};
}

Spool::Spool(std::unique_ptr<LmdbEnvironment> environment, const SpoolLimits& limits, std::chrono::milliseconds stall_after)
    : impl_(std::make_unique<Impl>(std::move(environment), limits, stall_after)) {}
Spool::~Spool() = default;

Result<void> Spool::can_accept() const {
  if (impl_->queue.has_failed()) return Error(ErrorCode::StorageFailed, "nothing is written until restart");
  if (impl_->queue.is_shedding()) return Error(ErrorCode::StorageShedding, "too much waits to be committed");
  if (const std::optional<Stall> stalled = stall()) {
    return Error(ErrorCode::StorageShedding, format_stall(*stalled, impl_->environment->folder()));
  }
  return impl_->space.check();
}

SpoolSpace Spool::look_at_space() const { return impl_->space.look(); }

std::uint64_t Spool::refused_for_room() const { return impl_->space.refused(); }

std::optional<Stall> Spool::stall() const { return impl_->queue.stall(); }

// A stopped process ends only when it goes on.
bool Spool::send_away(int process) const {
  if (!impl_->environment->gate().is_user(process)) return false;
  return ::kill(process, SIGTERM) == 0 && ::kill(process, SIGCONT) == 0;
}

std::unique_ptr<MessageWriter> Spool::open_message(const MessageId& id, const AccountId& account) {
  return std::make_unique<ContentWriter>(impl_->queue, impl_->frame, impl_->open_content, id, account);
}

void Spool::commit(std::unique_ptr<MessageWriter> writer, NewMessage&& message, Completion done) {
  auto* content = dynamic_cast<ContentWriter*>(writer.get());
  POSTERN_CHECK(content != nullptr && content->id() == message.record.id);
  impl_->queue.submit(std::make_unique<AcceptRequest>(*impl_, *content, std::move(message), std::move(done)),
                      lmdb::Urgency::Commits, lmdb::Admission::Bounded);
}

Result<std::optional<IdempotencyRecord>> Spool::find_idempotent(const AccountId& account,
                                                                const std::array<std::uint8_t, 32>& key_digest,
                                                                Instant now) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return find_idempotency(transaction, account, key_digest, now);
  });
}

Result<DueSlice> Spool::due(std::string_view lane, const std::optional<DueKey>& after, Instant until, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return list_due(transaction, lane, after, until, limit); });
}

Result<std::vector<LaneHead>> Spool::lanes(const std::optional<std::string>& after, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return list_lanes(transaction, after, limit); });
}

Result<std::vector<DueEntry>> Spool::queued(const std::optional<DueEntry>& after, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return list_queued(transaction, after, limit); });
}

Result<std::optional<StoredMessage>> Spool::find(const MessageId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return find_message(transaction, id); });
}

Result<std::string> Spool::read_chunk(const MessageId& id, std::uint32_t index) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return load_chunk(transaction, id, index); });
}

void Spool::settle(Settlement settlement, Completion done) {
  settle(std::make_shared<const Settlement>(std::move(settlement)), std::move(done));
}

void Spool::settle(std::shared_ptr<const Settlement> settlement, Completion done) {
  impl_->queue.submit(std::make_unique<SettleRequest>(*impl_, std::move(settlement), std::move(done)),
                      lmdb::Urgency::Soon, lmdb::Admission::Always);
}

Result<std::vector<InboundRecord>> Spool::list_inbound(const AccountId& account, const std::optional<MessageId>& before,
                                                       std::size_t limit) const {
  return impl_->with_reader(
      [&](ReadTransaction& transaction) { return store::list_inbound(transaction, account, before, limit); });
}

Result<std::optional<InboundRecord>> Spool::find_inbound(const AccountId& account, const MessageId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::find_inbound(transaction, account, id); });
}

Result<std::vector<InboundRecord>> Spool::unread_inbound(const std::optional<MessageId>& after, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return list_unread_inbound(transaction, after, limit); });
}

void Spool::note_inbound(InboundRecord record, Completion done) {
  impl_->queue.submit(make_inbound_request(std::move(record), std::move(done)), lmdb::Urgency::Soon,
                      lmdb::Admission::Always);
}

void Spool::set_pause(std::string name, std::optional<DestinationPause> pause, Completion done) {
  name = name.substr(0, kMaxTextOctetsInKey);
  impl_->queue.submit(make_pause_request(std::move(name), std::move(pause), std::move(done)),
                      lmdb::Urgency::Soon, lmdb::Admission::Always);
}

Result<std::vector<DestinationPause>> Spool::list_pauses() const {
  return impl_->with_reader([](ReadTransaction& transaction) {
    return list_records<DestinationPause>(transaction, {});
  });
}

Result<void> Spool::clear_pauses() {
  const Result<std::vector<DestinationPause>> pauses = list_pauses();
  if (!pauses) return pauses.error();
  if (pauses->empty()) return {};
  return impl_->run([&](SpoolTransaction spool) -> Result<void> {
    WritableTable table(spool.transaction, SpoolTable::DestinationPauses);
    for (const DestinationPause& pause : *pauses) {
      if (Result<bool> erased = table.erase(pause.name.substr(0, kMaxTextOctetsInKey)); !erased) return erased.error();
    }
    return {};
  });
}

Result<std::vector<StoredMessage>> Spool::list(const std::optional<MessageId>& before, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return list_messages(transaction, before, limit); });
}

Result<std::vector<Event>> Spool::events_of_after(const MessageId& id, std::uint64_t after, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return list_events_of_after(transaction, id, after, limit); });
}

Result<std::vector<Event>> Spool::events_of_before(const MessageId& id, std::uint64_t before, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return list_events_of_before(transaction, id, before, limit); });
}

Result<std::vector<Event>> Spool::events_of(const MessageId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return list_events_of(transaction, id); });
}

Result<std::vector<Event>> Spool::events_after(std::uint64_t after, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return list_events_after(transaction, after, limit); });
}

Result<std::optional<Event>> Spool::find_event(std::uint64_t sequence) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::find_event(transaction, sequence); });
}

Result<std::uint64_t> Spool::last_sequence() const {
  return impl_->with_reader([](ReadTransaction& transaction) -> Result<std::uint64_t> {
    Result<SpoolTotals> totals = load_totals(transaction);
    if (!totals) return totals.error();
    return totals->next_sequence - 1;
  });
}

Result<EventIdKey> Spool::event_id_key(Random& random) {
  EventIdKey key;
  const auto find = [&key](Transaction& transaction) -> Result<bool> {
    const auto found = Table(transaction, SpoolTable::Meta).find(kEventIdsKey);
    if (!found) return found.error();
    if (!*found) return false;
    const Result<EventIdKey> decoded = decode<EventIdKey>(**found);
    if (!decoded) return decoded.error();
    key = *decoded;
    return true;
  };
  const Result<bool> found = impl_->with_reader([&](ReadTransaction& transaction) { return find(transaction); });
  if (!found) return found.error();
  if (*found) return key;
  const Result<void> made = impl_->run([&](SpoolTransaction spool) -> Result<void> {
    const Result<bool> is_there = find(spool.transaction);  // another process was faster
    if (!is_there) return is_there.error();
    if (*is_there) return {};
    random.fill(key.octets);
    key.last_numbered = spool.totals.next_sequence - 1;
    encode(key, spool.buffer);
    return WritableTable(spool.transaction, SpoolTable::Meta).put(kEventIdsKey, spool.buffer);
  });
  if (!made) return made.error();
  return key;
}

Result<bool> Spool::has_delivered(const AccountId& account) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return is_marked_delivered(transaction, account); });
}

Result<std::vector<StoredMessage>> Spool::list_of(const AccountId& account, const std::optional<MessageId>& before,
                                                  std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return list_messages_of(transaction, account, before, limit);
  });
}

Result<std::vector<StoredMessage>> Spool::list_newer_of(const AccountId& account, const MessageId& after,
                                                        std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return list_newer_messages_of(transaction, account, after, limit);
  });
}

Result<std::vector<Event>> Spool::events_of_account_before(const AccountId& account, std::optional<std::uint64_t> before,
                                                           std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return list_events_of_account_before(transaction, account, before, limit);
  });
}

Result<std::vector<Event>> Spool::events_of_account_after(const AccountId& account, std::uint64_t after,
                                                          std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return list_events_of_account_after(transaction, account, after, limit);
  });
}

void Spool::record_event(Event event, Completion done) {
  impl_->queue.submit(std::make_unique<EventRequest>(*impl_, std::move(event), std::move(done)), lmdb::Urgency::Commits,
                      lmdb::Admission::Always);
}

Result<SpoolUsage> Spool::usage() const {
  Result<LmdbEnvironment::Space> space = impl_->environment->space();
  if (!space) return space.error();
  SpoolUsage usage{.used_octets = space->used_octets,
                   .file_octets = space->file_octets,
                   .free_disk_octets = space->free_disk_octets};
  return impl_->with_reader([&](ReadTransaction& transaction) -> Result<SpoolUsage> {
    Result<std::uint64_t> messages = Table(transaction, SpoolTable::Messages).count();
    Result<std::uint64_t> settled = Table(transaction, SpoolTable::Settled).count();
    Result<std::uint64_t> events = Table(transaction, SpoolTable::Events).count();
    Result<SpoolTotals> totals = load_totals(transaction);
    if (!messages || !settled || !events) return Error(ErrorCode::IoError, "count the spool's records");
    if (!totals) return totals.error();
    usage.messages = *messages;
    usage.queued = *messages - std::min(*messages, *settled);
    usage.events = *events;
    usage.captured_octets = totals->captured_octets;
    return usage;
  });
}

Result<void> Spool::raise_last_sequence(std::uint64_t sequence) {
  return impl_->run([&](SpoolTransaction spool) -> Result<void> {
    spool.totals.next_sequence = std::max(spool.totals.next_sequence, sequence + 1);
    return {};
  });
}

Result<void> Spool::retry_now(const MessageId& id, Instant now) {
  return impl_->run([&](SpoolTransaction spool) { return apply_retry(spool, id, now); });
}

Result<DueEntry> Spool::reschedule(const MessageId& id, Instant at, Instant now) {
  std::optional<DueEntry> moved;
  const Result<void> done = impl_->run([&](SpoolTransaction spool) -> Result<void> {
    Result<DueEntry> applied = apply_reschedule(spool, id, {at, now}, impl_->limits.capture_retention);
    if (!applied) return applied.error();
    moved = *applied;
    return {};
  });
  if (!done) return done.error();
  return *moved;
}

Result<void> Spool::cancel(const MessageId& id, Instant now) {
  return impl_->run(
      [&](SpoolTransaction spool) { return apply_cancel(spool, id, now, impl_->limits.capture_retention); });
}

Result<std::size_t> Spool::remove_messages(std::span<const MessageId> ids) {
  std::size_t removed = 0;
  while (!ids.empty()) {
    std::size_t done = 0;
    std::size_t gone = 0;
    Result<void> erased = impl_->run([&](SpoolTransaction spool) -> Result<void> {
      std::uint64_t octets = 0;
      done = gone = 0;  // a batch may be tried again
      for (; done < std::min(ids.size(), kMessagesPerRemoval) && octets < kOctetsPerRemoval; ++done) {
        Result<MessageFacts> facts = load_message_facts(spool.transaction, ids[done]);
        if (!facts && facts.error().code() == ErrorCode::NotFound) continue;
        if (!facts) return facts.error();
        if (Result<void> one = erase_message(spool, ids[done]); !one) return one;
        octets += facts->content_octets;
        ++gone;
      }
      return {};
    });
    if (!erased) return erased.error();
    removed += gone;
    ids = ids.subspan(done);
  }
  return removed;
}

// A run goes with all that it holds: its messages first, so that what a crash leaves is still a run that has ended.
Result<std::size_t> Spool::remove_ended_runs(Instant now, std::size_t limit) {
  std::size_t gone = 0;
  for (std::size_t removed = 0; removed < limit;) {
    const auto ended = impl_->with_reader([&](ReadTransaction& transaction) { return find_ended_run(transaction, now); });
    if (!ended) return ended.error();
    if (!*ended) return gone;
    const auto messages = list_run_after((*ended)->account, (*ended)->name, std::nullopt, kMessagesPerRemoval);
    if (!messages) return messages.error();
    std::vector<MessageId> ids;
    for (const StoredMessage& stored : *messages) ids.push_back(stored.message.id);
    if (Result<std::size_t> erased = remove_messages(ids); !erased) return erased.error();
    removed += ids.size();
    if (ids.size() == kMessagesPerRemoval) continue;
    if (Result<void> erased = remove_run((*ended)->account, (*ended)->name); !erased) return erased.error();
    ++gone;
    ++removed;
  }
  return gone;
}

Result<Expiry> Spool::remove_expired(Instant now, std::size_t limit) {
  impl_->environment->drop_dead_readers();
  Expiry expiry;
  Result<std::size_t> runs = remove_ended_runs(now, limit);
  if (!runs) return runs.error();
  Result<void> removed = impl_->run([&](SpoolTransaction spool) -> Result<void> {
    Result<Expiry> applied = apply_expiry(spool, impl_->limits, now, limit);
    if (!applied) return applied.error();
    expiry = *applied;
    expiry.runs = *runs;
    return {};
  });
  if (!removed) return removed.error();
  if (Result<void> bounded = impl_->remove_excess(expiry, limit); !bounded) return bounded.error();
  // What the last commit freed can be used once another one has been made, and where mail is refused there may be none.
  if (impl_->space.look().finding != SpaceFinding::Room) {
    if (Result<void> written = impl_->run(write_totals); !written) return written.error();
    (void)impl_->space.look();
  }
  return expiry;
}

Result<void> Spool::copy_to(const std::filesystem::path& folder) const { return impl_->environment->copy_to(folder); }

Result<std::vector<std::string>> Spool::examine() const {
  return impl_->with_reader([](ReadTransaction& transaction) {
    return Result<std::vector<std::string>>(examine_all(transaction, spool_examination_steps(), examine_spool));
  });
}

Result<void> Spool::examine(std::size_t step, const ReportFinding& report) const {
  return impl_->with_reader([&](ReadTransaction& transaction) -> Result<void> {
    examine_spool(transaction, step, report);
    return {};
  });
}

void Spool::start() { impl_->queue.start(); }

Result<std::size_t> Spool::recover() {
  Result<void> counted = impl_->run([](SpoolTransaction spool) { return count_test_mail(spool); });
  if (!counted) return counted.error();
  return recover_spool(*impl_->environment, impl_->queue);
}

bool Spool::has_failed() const { return impl_->queue.has_failed(); }

}  // namespace postern::store
