#include "relay/run_clock.h"

#include "relay/suppression.h"
#include "store/lane.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <utility>

namespace postern::relay {
namespace {

constexpr std::size_t kMaxHeldMessages = 10'000;  // of one advance, in memory

// Counts settlements that were handed over, and waits for their sync.
class Settling {
 public:
  ~Settling() { (void)wait(); }
  Completion begin() {
    const std::lock_guard lock(mutex_);
    ++open_;
    return [this](const Result<void>& result) {
      const std::lock_guard done(mutex_);
      // A message that somebody removed meanwhile is no failure.
      if (!result && result.error().code() != ErrorCode::NotFound && !failure_) failure_ = result.error();
      if (--open_ == 0) ended_.notify_all();
    };
  }
  Result<void> wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return open_ == 0; });
    return failure_ ? Result<void>(*failure_) : Result<void>();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t open_ = 0;
  std::optional<Error> failure_;
};

std::optional<Instant> earliest_pending(const store::DeliveryRecord& delivery) {
  std::optional<Instant> earliest;
  for (const store::RecipientState& state : delivery.recipients) {
    if (state.stage != store::RecipientStage::Pending) continue;
    earliest = std::min(earliest.value_or(state.next_attempt), state.next_attempt);
  }
  return earliest;
}

std::vector<std::uint32_t> due_recipients(const store::DeliveryRecord& delivery, Instant at) {
  std::vector<std::uint32_t> due;
  for (std::uint32_t i = 0; i < delivery.recipients.size(); ++i) {
    const store::RecipientState& state = delivery.recipients[i];
    if (state.stage == store::RecipientStage::Pending && state.next_attempt <= at) due.push_back(i);
  }
  return due;
}

std::optional<Instant> earlier(const std::optional<Instant>& a, const std::optional<Instant>& b) {
  return a && b ? std::min(*a, *b) : a ? a : b;
}

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a + 0x9e3779b97f4a7c15ULL * (b + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  return z ^ (z >> 27);
}

}  // namespace

std::uint64_t jitter_seed(std::uint64_t run_seed, std::uint32_t message, std::uint64_t attempts) {
  return mixed(mixed(run_seed, message), attempts);
}

// One advance: what waits in the run's lane, in the order of its time, and of its coming where that is the same.
class RunClock::Walk {
 public:
  Walk(RunClock& clock, const ActiveRun& run)
      : clock_(clock), run_(run), notices_(clock.store_, clock.random_, clock.settings_.notices) {}

  Result<void> load() {
    const auto owner = clock_.store_.directory().find_account(run_.record().account);
    if (!owner) return owner.error();
    if (!*owner) return Error(ErrorCode::NotFound, "there is no such account");
    account_ = std::move(**owner);
    run_.recall_suppressions([this] { return recall(); });
    const std::string lane = store::clock_lane(run_.record().account, run_.record().name);
    const auto slice = clock_.store_.spool().due(lane, std::nullopt, Instant::max(), kMaxHeldMessages);
    if (!slice) return slice.error();
    for (const store::DueKey& key : slice->keys) {
      auto stored = clock_.store_.spool().find(key.id);
      if (!stored) return stored.error();
      if (*stored) add(std::move(**stored));
    }
    return {};
  }
  std::optional<Instant> next() const { return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first.first); }
  // Whose events the last step made.
  const std::vector<MessageId>& touched() const { return touched_; }

  // The attempt that is due first, at `now` or, where it is later, at its own time.
  void step(Instant now, Advance& advance) {
    auto first = waiting_.extract(waiting_.begin());
    const Instant at = std::max(first.key().first, now);
    store::StoredMessage stored = std::move(first.mapped());
    std::vector<RecipientReport> reports = attempt(stored, at);
    SeededRandom jitter(seed_of(stored));
    Publication publication = publish_reports(stored, reports, clock_.settings_.policy, at, jitter);
    run_.suppress(as_wanted_by(account_, suppressions_of(publication.settlement.events)));
    notices_.add_owed(publication, stored, true, at);
    ++advance.steps;
    advance.now = at;
    touched_ = {stored.message.id};
    store::Settlement& settlement = publication.settlement;
    advance.events.insert(advance.events.end(), settlement.events.begin(), settlement.events.end());
    for (const store::RecipientChange& change : settlement.changes) stored.delivery.recipients[change.index] = change.state;
    for (const store::NewNotification& notice : settlement.notifications) {
      touched_.push_back(notice.message.id);
      add({notice.message, notice.delivery});
    }
    clock_.store_.spool().settle(std::move(settlement), settling_.begin());
    add(std::move(stored));
  }
  Result<void> finish() { return settling_.wait(); }

 private:
  // As the queue does it: whom the run's list has is not asked about at the next hop.
  std::vector<RecipientReport> attempt(const store::StoredMessage& stored, Instant at) {
    std::vector<std::uint32_t> recipients = due_recipients(stored.delivery, at);
    std::vector<RecipientReport> suppressed;
    std::erase_if(recipients, [&](std::uint32_t index) {
      const bool is_listed = stored.message.origin == store::MessageOrigin::Submission &&
                             run_.is_suppressed(stored.message.envelope.recipients[index].mailbox, at);
      if (is_listed) suppressed.push_back(report_suppressed(index));
      return is_listed;
    });
    std::vector<RecipientReport> reports = clock_.hop_.attempt(stored, recipients, at);
    reports.insert(reports.end(), suppressed.begin(), suppressed.end());
    return reports;
  }
  // What an earlier process did. A message that cannot be read suppresses nobody, as in the queue.
  std::vector<store::SuppressionRecord> recall() {
    constexpr std::size_t kAtOnce = 500;
    std::vector<store::SuppressionRecord> found;
    std::optional<MessageId> after;
    for (bool has_more = true; has_more;) {
      const auto part = clock_.store_.spool().list_run_after(account_.id, run_.record().name, after, kAtOnce);
      has_more = part && part->size() == kAtOnce;
      for (const store::StoredMessage& stored : part ? *part : std::vector<store::StoredMessage>()) {
        after = stored.message.id;
        const auto events = clock_.store_.spool().events_of(stored.message.id);
        if (!events) continue;
        for (store::SuppressionRecord& one : as_wanted_by(account_, suppressions_of(*events))) found.push_back(std::move(one));
      }
    }
    std::ranges::stable_sort(found, {}, &store::SuppressionRecord::at);
    return found;
  }
  void add(store::StoredMessage stored) {
    const auto due = earliest_pending(stored.delivery);
    if (due) waiting_.emplace(std::pair(*due, number_++), std::move(stored));
  }
  // Not of the message's id, which no two runs share: of its place in the run and its attempt.
  std::uint64_t seed_of(const store::StoredMessage& stored) {
    auto [ordinal, is_new] = ordinals_.try_emplace(stored.message.id, 0);
    if (is_new) ordinal->second = clock_.runs_.ordinal_of(stored.message);
    std::uint64_t attempts = 0;
    for (const store::RecipientState& state : stored.delivery.recipients) attempts += state.attempts;
    return jitter_seed(run_.record().seed, ordinal->second, attempts);
  }

  RunClock& clock_;
  const ActiveRun& run_;
  store::AccountRecord account_;
  NoticeWriter notices_;
  std::map<std::pair<Instant, std::uint64_t>, store::StoredMessage> waiting_;
  std::map<MessageId, std::uint32_t> ordinals_;
  std::uint64_t number_ = 0;
  std::vector<MessageId> touched_;
  Settling settling_;  // last: it waits for what was handed over
};

RunClock::RunClock(store::Store& store, RunBook& runs, Random& random, RunClockSettings settings)
    : store_(store), runs_(runs), random_(random), settings_(std::move(settings)), hop_(settings_.simulator_domain, &runs) {}

Result<ActiveRun> RunClock::find(const AccountId& account, std::string_view run) const {
  auto active = runs_.find(account, run);
  if (!active || !active->record().clock) return Error(ErrorCode::NotFound, "the run has no clock of its own");
  return std::move(*active);
}

Result<Advance> RunClock::catch_up(const AccountId& account, std::string_view run) {
  RunTurns::Turn turn = walking_.try_take(account, run);
  if (!turn) return Advance{};
  const auto active = find(account, run);
  if (!active) return active.error();
  Result<Advance> advance = deliver(*active, nullptr, *active->record().clock, kMaxAdvanceSteps);
  return end(std::move(turn), account, run, std::move(advance));
}

Result<Advance> RunClock::advance_to(const AccountId& account, std::string_view run, Instant until, std::size_t max_steps) {
  return move(account, run, until, max_steps);
}

Result<Advance> RunClock::advance_to_next(const AccountId& account, std::string_view run) {
  const auto record = store_.spool().find_run(account, run);
  if (!record) return record.error();
  if (!*record || !(*record)->clock) return Error(ErrorCode::NotFound, "the run has no clock of its own");
  Result<Advance> caught_up = move(account, run, *(*record)->clock, kMaxAdvanceSteps);
  if (!caught_up || caught_up->has_more) return caught_up;
  const auto next = next_due(account, run);
  if (!next) return next.error();
  if (!*next) return caught_up;
  Result<Advance> moved = move(account, run, **next, kMaxAdvanceSteps);
  if (!moved) return moved;
  moved->steps += caught_up->steps;
  moved->events.insert(moved->events.begin(), caught_up->events.begin(), caught_up->events.end());
  moved->told.insert(moved->told.begin(), caught_up->told.begin(), caught_up->told.end());
  return moved;
}

Result<std::optional<Instant>> RunClock::next_due(const AccountId& account, std::string_view run) const {
  const auto slice = store_.spool().due(store::clock_lane(account, run), std::nullopt, Instant::max(), 1);
  if (!slice) return slice.error();
  std::optional<Instant> next;
  if (!slice->keys.empty()) next = slice->keys.front().due;
  RunListener* const listener = listener_to(account);
  const auto record = listener ? store_.spool().find_run(account, run) : Result<std::optional<store::RunRecord>>();
  if (!record) return record.error();
  if (!*record) return next;
  const RunTurns::Turn turn = telling_.wait(account, run);
  const auto told_again = listener->next_due(**record);
  if (!told_again) return told_again.error();
  return earlier(next, *told_again);
}

Result<void> RunClock::tell(const AccountId& account, std::string_view run) {
  RunListener* const listener = listener_to(account);
  if (!listener) return {};
  const RunTurns::Turn turn = telling_.wait(account, run);
  const auto active = find(account, run);
  if (!active) return active.error();
  std::vector<RunTelling> told;
  const auto until = std::chrono::steady_clock::now() + kLongestTelling;
  const auto next = listener->tell(active->record(), {}, *active->record().clock, until, told);
  if (!next) return next.error();
  return listener->remember(active->record());
}

// What is due is delivered first, and told then, at one instant.
class RunClock::Course {
 public:
  Course(Walk& walk, RunListener* listener, const store::RunRecord& run) : walk_(walk), listener_(listener), run_(run) {}

  // What was due before anything moves.
  Result<void> begin(Instant now, Advance& advance) { return listener_ ? tell({}, now, advance) : Result<void>(); }
  std::optional<Instant> next() const { return earlier(walk_.next(), telling_due_); }
  // Something is due that was not begun: the time is over, or the server stops.
  bool is_late() const { return is_late_; }
  Result<void> step(Instant now, Advance& advance) {
    const auto delivery = walk_.next();
    if (!delivery || telling_due_.value_or(Instant::max()) < *delivery) {
      advance.now = std::max(*telling_due_, now);
      return tell({}, advance.now, advance);
    }
    walk_.step(now, advance);
    if (!listener_) return {};
    if (const auto stored = walk_.finish(); !stored) return stored;
    return tell(walk_.touched(), advance.now, advance);
  }

 private:
  Result<void> tell(const std::vector<MessageId>& messages, Instant now, Advance& advance) {
    const std::size_t before = advance.told.size();
    const auto next = listener_->tell(run_, messages, now, until_, advance.told);
    if (!next) return next.error();
    telling_due_ = *next;
    is_late_ = telling_due_ && *telling_due_ <= now;
    advance.steps += advance.told.size() - before;
    return {};
  }

  Walk& walk_;
  RunListener* const listener_;
  const store::RunRecord& run_;
  const std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + kLongestTelling;
  std::optional<Instant> telling_due_;
  bool is_late_ = false;
};

Result<Advance> RunClock::move(const AccountId& account, std::string_view run, Instant until, std::size_t max_steps) {
  RunTurns::Turn turn = walking_.wait(account, run);
  RunListener* const listener = listener_to(account);
  std::optional<RunTurns::Turn> telling;
  if (listener) telling.emplace(telling_.wait(account, run));
  const auto active = find(account, run);
  if (!active) return active.error();
  return end(std::move(turn), account, run, deliver(*active, listener, until, max_steps));
}

// Takes along what came while somebody was at it.
Result<Advance> RunClock::end(RunTurns::Turn turn, const AccountId& account, std::string_view run, Result<Advance> advance) {
  while (!turn.end()) {
    const auto active = find(account, run);
    if (!active) return active.error();
    const auto late = deliver(*active, nullptr, *active->record().clock, kMaxAdvanceSteps);
    if (!late) return late;
    if (!advance) continue;
    advance->steps += late->steps;
    advance->events.insert(advance->events.end(), late->events.begin(), late->events.end());
  }
  return advance;
}

Result<Advance> RunClock::deliver(const ActiveRun& active, RunListener* listener, Instant until, std::size_t max_steps) {
  const store::RunRecord& run = active.record();
  const Instant before = *run.clock;
  if (until < before) return Error(ErrorCode::InvalidArgument, "a run's clock goes forward only");
  if (until - run.clock_start > kLongestAdvance) return Error(ErrorCode::InvalidArgument, "a run's clock goes 400 days at most");
  Advance advance;
  advance.now = before;
  Walk walk(*this, active);
  if (const auto loaded = walk.load(); !loaded) return loaded.error();
  Course course(walk, listener, run);
  if (const auto begun = course.begin(before, advance); !begun) return begun.error();
  for (auto next = course.next(); next && *next <= until; next = course.next()) {
    advance.has_more = advance.steps >= max_steps || course.is_late();
    if (advance.has_more) break;
    if (const auto stepped = course.step(before, advance); !stepped) return stepped.error();
  }
  if (const auto finished = walk.finish(); !finished) return finished.error();
  if (!advance.has_more) advance.now = until;
  if (listener) {
    if (const auto remembered = listener->remember(run); !remembered) return remembered.error();
  }
  if (advance.now == before) return advance;
  if (const auto set = store_.spool().set_run_clock(run.account, run.name, advance.now); !set) return set.error();
  return advance;
}

}  // namespace postern::relay
