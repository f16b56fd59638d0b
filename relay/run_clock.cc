#include "relay/run_clock.h"

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

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a + 0x9e3779b97f4a7c15ULL * (b + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  return z ^ (z >> 27);
}

}  // namespace

std::uint64_t jitter_seed(std::uint64_t run_seed, std::uint32_t message, std::uint64_t attempts) {
  return mixed(mixed(run_seed, message), attempts);
}

void SeededRandom::fill(std::span<std::uint8_t> octets) {
  for (auto& octet : octets) {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    octet = static_cast<std::uint8_t>(z >> 56);
  }
}

// One advance: what waits in the run's lane, in the order of its time, and of its coming where that is the same.
class RunClock::Walk {
 public:
  Walk(RunClock& clock, const ActiveRun& run)
      : clock_(clock), run_(run), notices_(clock.store_, clock.random_, clock.settings_.notices) {}

  Result<void> load() {
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

  // The attempt that is due first, at `now` or, where it is later, at its own time.
  void step(Instant now, Advance& advance) {
    auto first = waiting_.extract(waiting_.begin());
    const Instant at = std::max(first.key().first, now);
    store::StoredMessage stored = std::move(first.mapped());
    const std::vector<std::uint32_t> recipients = due_recipients(stored.delivery, at);
    std::vector<RecipientReport> reports = clock_.hop_.attempt(stored, recipients, at);
    SeededRandom jitter(seed_of(stored));
    Publication publication = publish_reports(stored, reports, clock_.settings_.policy, at, jitter);
    notices_.add_owed(publication, stored, true, at);
    ++advance.steps;
    advance.now = at;
    store::Settlement& settlement = publication.settlement;
    advance.events.insert(advance.events.end(), settlement.events.begin(), settlement.events.end());
    for (const store::RecipientChange& change : settlement.changes) stored.delivery.recipients[change.index] = change.state;
    for (const store::NewNotification& notice : settlement.notifications) add({notice.message, notice.delivery});
    clock_.store_.spool().settle(std::move(settlement), settling_.begin());
    add(std::move(stored));
  }
  Result<void> finish() { return settling_.wait(); }

 private:
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
  NoticeWriter notices_;
  std::map<std::pair<Instant, std::uint64_t>, store::StoredMessage> waiting_;
  std::map<MessageId, std::uint32_t> ordinals_;
  std::uint64_t number_ = 0;
  Settling settling_;  // last: it waits for what was handed over
};

RunClock::RunClock(store::Store& store, RunBook& runs, Random& random, RunClockSettings settings)
    : store_(store), runs_(runs), random_(random), settings_(std::move(settings)), hop_(settings_.simulator_domain, &runs) {}

Result<Advance> RunClock::catch_up(const AccountId& account, std::string_view run) {
  return move(account, run, std::nullopt, kMaxAdvanceSteps);
}

Result<Advance> RunClock::advance_to(const AccountId& account, std::string_view run, Instant until, std::size_t max_steps) {
  return move(account, run, until, max_steps);
}

Result<Advance> RunClock::advance_to_next(const AccountId& account, std::string_view run) {
  Result<Advance> caught_up = catch_up(account, run);
  if (!caught_up || caught_up->has_more) return caught_up;
  const auto next = next_due(account, run);
  if (!next) return next.error();
  if (!*next) return caught_up;
  Result<Advance> moved = move(account, run, **next, kMaxAdvanceSteps);
  if (!moved) return moved;
  moved->steps += caught_up->steps;
  moved->events.insert(moved->events.begin(), caught_up->events.begin(), caught_up->events.end());
  return moved;
}

Result<std::optional<Instant>> RunClock::next_due(const AccountId& account, std::string_view run) const {
  const auto slice = store_.spool().due(store::clock_lane(account, run), std::nullopt, Instant::max(), 1);
  if (!slice) return slice.error();
  return slice->keys.empty() ? std::optional<Instant>() : std::optional(slice->keys.front().due);
}

Result<Advance> RunClock::move(const AccountId& account, std::string_view run, std::optional<Instant> until,
                               std::size_t max_steps) {
  const std::lock_guard lock(locks_[store::run_hash(run) % kLocks]);
  const auto active = runs_.find(account, run);
  if (!active || !active->record().clock) return Error(ErrorCode::NotFound, "the run has no clock of its own");
  const Instant before = *active->record().clock;
  const Instant target = until.value_or(before);
  if (target < before) return Error(ErrorCode::InvalidArgument, "a run's clock goes forward only");
  if (target - active->record().clock_start > kLongestAdvance) {
    return Error(ErrorCode::InvalidArgument, "a run's clock goes 400 days at most");
  }
  Advance advance;
  advance.now = before;
  Walk walk(*this, *active);
  if (const auto loaded = walk.load(); !loaded) return loaded.error();
  for (auto next = walk.next(); next && *next <= target && !advance.has_more; next = walk.next()) {
    if (advance.steps == max_steps) {
      advance.has_more = true;
    } else {
      walk.step(before, advance);
    }
  }
  if (const auto finished = walk.finish(); !finished) return finished.error();
  if (!advance.has_more) advance.now = target;
  if (advance.now == before) return advance;
  if (const auto set = store_.spool().set_run_clock(account, run, advance.now); !set) return set.error();
  return advance;
}

}  // namespace postern::relay
