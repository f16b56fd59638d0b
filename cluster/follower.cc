#include "cluster/follower.h"

#include "core/log.h"
#include "core/metrics.h"

namespace postern::cluster {
namespace {

using std::chrono::steady_clock;

metrics::Gauge copied_version("postern_cluster_version", "Version of what the nodes of the cluster share that is in force here.");
metrics::Gauge age("postern_cluster_age_seconds", "Since everything that was acknowledged elsewhere is in force here.");

}  // namespace

Follower::Follower(store::Store& store, const Secret& where, const RowSeal& seal, Random& random,
                   const store::Membership& membership, SharedDirectory& changes)
    : membership_(membership),
      replica_(store.directory(), &store.spool()),
      random_(random),
      changes_(changes),
      connection_(where),
      history_(connection_, seal, random, membership.cluster),
      next_forget_(steady_clock::now() + kForgetEvery) {}

void Follower::start() {
  thread_ = std::thread(&Follower::run, this);
}

void Follower::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stops_.notify_all();
  if (thread_.joinable()) thread_.join();
}

FollowState Follower::state() const {
  const std::lock_guard lock(mutex_);
  FollowState state{.version = version_, .age = std::nullopt, .trouble = trouble_};
  if (const auto known_at = freshness_.known_at()) {
    state.age = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - *known_at);
  }
  return state;
}

void Follower::run() {
  for (;;) {
    note(step());
    std::unique_lock lock(mutex_);
    if (stops_.wait_for(lock, kAskEvery, [this] { return is_stopping_; })) return;
  }
}

// One line when it stops being followed, one when it is again.
void Follower::note(const Result<void>& stepped) {
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    before = trouble_;
    trouble_ = stepped ? "" : stepped.error().context();
  }
  const FollowState now = state();
  copied_version.set(static_cast<double>(now.version));
  if (now.age) age.set(std::chrono::duration<double>(*now.age).count());
  if (!stepped) connection_.close();
  if (!stepped && before.empty()) log::write(log::Level::Error, "cluster_not_followed", {{"reason", stepped.error().context()}});
  if (stepped && !before.empty()) log::write(log::Level::Info, "cluster_followed", {});
}

Result<void> Follower::step() {
  const Time at = steady_clock::now();
  if (!connection_.is_open()) {
    {
      const std::lock_guard lock(mutex_);
      freshness_.note_connection_lost();
      if (at < next_connect_) return Error(ErrorCode::ConnectFailed, trouble_);
    }
    // Not all nodes at once, when a server is back.
    next_connect_ = at + kReconnectPause + std::chrono::milliseconds(random_.below(1'000));
    if (Result<void> opened = connection_.open(); !opened) return opened;
  }
  const Time asked = steady_clock::now();
  const Result<store::ReplicaCursor> here = catch_up(history_, replica_);
  if (!here) return here.error();
  {
    const std::lock_guard lock(mutex_);
    freshness_.note_reading(asked);
    version_ = here->version;
  }
  if (here->version != told_ || asked >= next_beat_) {
    if (Result<void> beaten = beat(here->version); !beaten) return beaten;
  }
  if (asked >= next_forget_) {
    if (Result<void> forgotten = forget(); !forgotten) return forgotten;
  }
  return changes_.tell_held_facts();
}

Result<void> Follower::beat(std::uint64_t version) {
  {
    const std::lock_guard lock(mutex_);
    freshness_.note_commit_sent();
  }
  const Result<bool> is_known = history_.beat(membership_.node, version);
  if (!is_known) return is_known.error();
  if (!*is_known) return Error(ErrorCode::NotFound, "this node was removed from the cluster");
  const std::lock_guard lock(mutex_);
  freshness_.note_commit_acknowledged();
  told_ = version;
  next_beat_ = steady_clock::now() + kBeatEvery;
  return {};
}

Result<void> Follower::forget() {
  next_forget_ = steady_clock::now() + kForgetEvery;
  if (Result<void> begun = history_.begin(); !begun) return begun;
  if (const auto head = history_.lock_head(); !head) return head.error();
  if (Result<void> forgotten = history_.forget_what_is_old(); !forgotten) return forgotten;
  const Result<bool> lasts = history_.commit();
  return lasts ? Result<void>() : lasts.error();
}

}  // namespace postern::cluster
