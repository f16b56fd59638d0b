#include "cluster/claim_keeper.h"

#include "cluster/shared_directory.h"
#include "core/log.h"
#include "core/metrics.h"

#include <algorithm>

namespace postern::cluster {
namespace {

using std::chrono::steady_clock;
using store::ClaimOutcome;
using store::SharedClaim;

metrics::Counter claims_alone("postern_cluster_claims_alone_total",
                              "Messages with an idempotency key that were taken while no other node could be asked.");
metrics::Counter duplicates("postern_cluster_duplicates_total",
                            "Messages whose idempotency key turned out to be that of another node's message too.");

}  // namespace

ClaimKeeper::ClaimKeeper(store::Store& store, const Secret& where, const Clock& clock, Random& random,
                         const store::Membership& membership)
    : spool_(store.spool()), clock_(clock), random_(random), connection_(where), ledger_(connection_, membership) {}

void ClaimKeeper::start() {
  is_away_ = false;  // whoever asks before the first round waits for it
  knows_claims_ = true;
  next_forget_ = steady_clock::now() + kForgetClaimsEvery;
  thread_ = std::thread(&ClaimKeeper::run, this);
}

void ClaimKeeper::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wakes_.notify_all();
  thread_.join();
}

void ClaimKeeper::claim(const SharedClaim& wanted, ClaimOutcome& outcome, Completion done) {
  ask({.wanted = wanted, .outcome = &outcome, .done = std::move(done), .until = {}, .next = {}});
}

void ClaimKeeper::find(const AccountId& account, const std::array<std::uint8_t, 32>& key_digest, ClaimOutcome& outcome,
                       Completion done) {
  const SharedClaim key{.account = account, .claim = {.key_digest = key_digest, .fingerprint = {}}, .message = {}};
  ask({.wanted = key, .outcome = &outcome, .done = std::move(done), .until = {}, .next = {}, .only_looks = true});
}

void ClaimKeeper::ask(Waiting waiting) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_away_ && knows_claims_ && !is_stopping_) {
      waiting.next = steady_clock::now();
      waiting.until = waiting.next + kClaimPatience;
      waiting_.push_back(std::move(waiting));
      wakes_.notify_one();
      return;
    }
    if (knows_claims_ && !waiting.only_looks) claims_alone.add();
  }
  *waiting.outcome = {.kind = ClaimOutcome::Kind::Alone};
  waiting.done({});
}

void ClaimKeeper::settle(const SharedClaim& claimed, bool is_stored) {
  const std::lock_guard lock(mutex_);
  under_way_.erase(key_of(claimed));
  if (!knows_claims_) return;
  if (settled_.size() < kMaxUntold) settled_.push_back({claimed, is_stored});
  wakes_.notify_one();
}

ClaimKeeper::Time ClaimKeeper::next_time(Time at) const {
  Time next = at + kSettleEvery;
  if (!settled_.empty() && !is_away_) next = at;
  for (const Waiting& one : waiting_) next = std::min(next, one.next);
  return next;
}

void ClaimKeeper::run() {
  for (;;) {
    note(step(steady_clock::now()));
    std::unique_lock lock(mutex_);
    if (is_stopping_) break;
    const auto is_due = [this] {
      const Time now = steady_clock::now();
      return is_stopping_ || next_time(now) <= now;
    };
    wakes_.wait_until(lock, next_time(steady_clock::now()), is_due);
  }
  if (const Result<void> told = tell_settled(); !told) {
    log::write(log::Level::Warning, "cluster_claims_untold", {{"reason", told.error().context()}});
  }
}

// Whoever waits is answered in any case.
void ClaimKeeper::note(const Result<void>& stepped) {
  const bool is_refused = !stepped && connection_.is_open() && stepped.error().code() == ErrorCode::ProtocolError;
  refusals_ = is_refused ? refusals_ + 1 : 0;
  if (is_refused && refusals_ < kServerRefusals) return;
  std::deque<Waiting> left;
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    is_away_ = !stepped;
    before = std::exchange(trouble_, stepped ? "" : stepped.error().context());
    if (!stepped || is_stopping_) left.swap(waiting_);
  }
  if (!stepped) connection_.close();
  for (Waiting& one : left) {
    *one.outcome = {.kind = ClaimOutcome::Kind::Alone};
    if (!one.only_looks) claims_alone.add();
    one.done({});
  }
  if (!stepped && before.empty()) log::write(log::Level::Error, "cluster_claims_away", {{"reason", stepped.error().context()}});
  if (stepped && !before.empty()) log::write(log::Level::Info, "cluster_claims_back", {});
}

Result<void> ClaimKeeper::connect(Time at) {
  if (connection_.is_open()) return {};
  if (at < next_connect_) return Error(ErrorCode::ConnectFailed, trouble_);
  next_connect_ = at + kReconnectPause + std::chrono::milliseconds(random_.below(1'000));
  return connection_.open();
}

Result<void> ClaimKeeper::step(Time at) {
  if (Result<void> connected = connect(at); !connected) return connected;
  const Result<bool> knows_claims = ledger_.look();
  if (!knows_claims) return knows_claims.error();
  {
    const std::lock_guard lock(mutex_);
    knows_claims_ = *knows_claims;
  }
  if (!*knows_claims) {
    std::vector<Waiting> batch = take_due(Time::max());
    for (Waiting& one : batch) *one.outcome = {.kind = ClaimOutcome::Kind::Alone};
    finish(std::move(batch));
    return {};
  }
  if (!is_settled_) {
    if (Result<void> settled = settle_predecessors(); !settled) return settled;
    is_settled_ = true;
  }
  // Told first: who waits may wait for it.
  if (Result<void> told = tell_settled(); !told) return told;
  std::vector<Waiting> batch = take_due(at);
  const Result<void> answered = answer_waiting(batch);
  finish(std::move(batch));
  if (!answered) return answered;
  if (at < next_forget_) return {};
  next_forget_ = at + kForgetClaimsEvery;
  return ledger_.forget_what_is_old();
}

// Behind this every open claim of the node is one of this process.
Result<void> ClaimKeeper::settle_predecessors() {
  const auto open = ledger_.list_open();
  if (!open) return open.error();
  const std::lock_guard lock(mutex_);
  for (const SharedClaim& claim : *open) {
    const auto found = spool_.find_idempotent(claim.account, claim.claim.key_digest, clock_.now());
    if (!found) return found.error();
    settled_.push_back({claim, *found && (*found)->message == claim.message});
  }
  return {};
}

Result<void> ClaimKeeper::tell_settled() {
  for (;;) {
    std::vector<SharedClaim> stored, dropped;
    std::size_t count = 0;
    {
      const std::lock_guard lock(mutex_);
      std::set<Key> seen;
      for (const Settled& one : settled_) {
        if (count == kClaimsOfARound || !seen.insert(key_of(one.claimed)).second) break;
        (one.is_stored ? stored : dropped).push_back(one.claimed);
        ++count;
      }
    }
    if (count == 0) return {};
    if (!connection_.is_open()) return Error(ErrorCode::ConnectFailed, trouble_);
    if (!stored.empty()) {
      const auto others = ledger_.put_stored(stored);
      if (!others) return others.error();
      for (std::size_t i = 0; i < stored.size(); ++i) {
        if (!(*others)[i]) continue;
        duplicates.add();
        log::write(log::Level::Warning, "cluster_duplicate",
                   {{"id", format_message_id(stored[i].message)}, {"other", format_message_id(*(*others)[i])}});
      }
    }
    if (!dropped.empty()) {
      if (Result<void> gone = ledger_.drop(dropped); !gone) return gone;
    }
    const std::lock_guard lock(mutex_);
    settled_.erase(settled_.begin(), settled_.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

// Those that are due, no key twice: the next waits for what becomes of the first.
std::vector<ClaimKeeper::Waiting> ClaimKeeper::take_due(Time at) {
  const std::lock_guard lock(mutex_);
  std::vector<Waiting> batch;
  std::set<Key> seen;
  std::deque<Waiting> rest;
  for (Waiting& one : waiting_) {
    const bool is_first = one.next <= at && batch.size() < kClaimsOfARound && seen.insert(key_of(one.wanted)).second;
    if (is_first) {
      batch.push_back(std::move(one));
    } else {
      rest.push_back(std::move(one));
    }
  }
  waiting_ = std::move(rest);
  return batch;
}

Result<void> ClaimKeeper::answer_waiting(std::vector<Waiting>& batch) {
  std::vector<SharedClaim> wanted, looked;
  std::vector<Waiting*> claiming, looking;
  {
    const std::lock_guard lock(mutex_);
    for (Waiting& one : batch) {
      *one.outcome = {.kind = ClaimOutcome::Kind::Busy};
      if (under_way_.contains(key_of(one.wanted))) continue;
      (one.only_looks ? looked : wanted).push_back(one.wanted);
      (one.only_looks ? looking : claiming).push_back(&one);
    }
  }
  const auto give = [](const Result<std::vector<ClaimOutcome>>& outcomes, const std::vector<Waiting*>& to) {
    for (std::size_t i = 0; i < to.size() && outcomes; ++i) *to[i]->outcome = (*outcomes)[i];
  };
  if (!wanted.empty()) {
    const auto outcomes = ledger_.claim(wanted);
    give(outcomes, claiming);
    if (!outcomes) return outcomes.error();
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if ((*outcomes)[i].kind == ClaimOutcome::Kind::Free) under_way_.insert(key_of(wanted[i]));
    }
  }
  if (looked.empty()) return {};
  const auto outcomes = ledger_.find(looked);
  give(outcomes, looking);
  return outcomes ? Result<void>() : outcomes.error();
}

void ClaimKeeper::finish(std::vector<Waiting> batch) {
  const Time at = steady_clock::now();
  for (Waiting& one : batch) {
    if (one.outcome->kind == ClaimOutcome::Kind::Busy && at < one.until) {
      one.next = at + kClaimAgain;
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(one));
      continue;
    }
    if (one.outcome->kind == ClaimOutcome::Kind::Alone && !one.only_looks) claims_alone.add();
    one.done({});
  }
}

}  // namespace postern::cluster
