#include "cluster/shared_directory.h"

#include "core/log.h"

#include <algorithm>
#include <utility>

namespace postern::cluster {
namespace {

using std::chrono::steady_clock;
using store::Actor;
using store::DirectoryChange;
using store::ReplicaCursor;

constexpr int kAttempts = 3;  // another process moved the copy, a server went away

Error unavailable(const Error& why) {
  return Error(ErrorCode::StorageShedding, "the cluster's database cannot be written: " + why.context());
}

Error too_many() {
  return Error(ErrorCode::StorageShedding, "too many changes wait for the cluster's database");
}

// What comes of the database and not of the change.
bool is_of_database(const Error& error) {
  switch (error.code()) {
    case ErrorCode::ConnectFailed:
    case ErrorCode::ConnectionReset:
    case ErrorCode::ConnectionTimedOut:
    case ErrorCode::ProtocolError:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<ReplicaCursor> catch_up(History& history, store::Replica& replica) {
  for (;;) {
    const Result<ReplicaCursor> from = replica.cursor();
    if (!from) return from.error();
    Result<Reading> reading = history.read(*from);
    if (!reading) return reading.error();
    if (reading->head == *from) return *from;
    const Reading::Path path = reading->path;
    Result<bool> moved = false;
    if (path == Reading::Path::Onward && from->version != 0) {
      moved = replica.advance(*from, reading->rows, reading->head);
    } else {
      if (path == Reading::Path::Lost) {
        log::write(log::Level::Warning, "cluster_history_lost", {{"version", from->version}, {"head", reading->head.version}});
        if (Result<void> confirmed = history.confirm(); !confirmed) return confirmed.error();
      }
      if (path != Reading::Path::Onward) reading = history.read({});
      if (!reading) return reading.error();
      moved = replica.replace(*from, std::move(reading->rows), reading->head, path == Reading::Path::Lost);
    }
    if (!moved) return moved.error();
    if (*moved) return reading->head;
  }
}

SharedDirectory::SharedDirectory(store::Store& store, const Secret& where, const RowSeal& seal, Random& random,
                                 const store::Membership& membership)
    : directory_(store.directory()),
      membership_(membership),
      replica_(store.directory(), &store.spool()),
      random_(random),
      connection_(where),
      history_(connection_, seal, random, membership.cluster) {
  directory_.follow(this);
}

SharedDirectory::~SharedDirectory() {
  directory_.follow(nullptr);
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<void> SharedDirectory::connect() {
  if (connection_.is_open()) return {};
  const auto now = steady_clock::now();
  if (now < next_connect_) return Error(ErrorCode::ConnectFailed, refused_);
  Result<void> opened = connection_.open();
  if (opened) return opened;
  refused_ = opened.error().context();
  next_connect_ = steady_clock::now() + kReconnectPause;
  return opened;
}

// Whoever has the turn makes what waits until its own is made.
Result<void> SharedDirectory::write(const DirectoryChange& change, const Actor& actor) {
  Waiting own{.proposal = {change, actor}};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&own);
  if (!turn_ends_.wait_for(lock, kTurnPatience, [&] { return own.is_answered || !is_turn_taken_; })) {
    if (std::erase(waiting_, &own) > 0) return too_many();
    turn_ends_.wait(lock, [&] { return own.is_answered; });  // somebody makes it just now
  }
  if (own.is_answered) return own.proposal.outcome;
  is_turn_taken_ = true;
  while (!own.is_answered) make_waiting(lock);
  end_turn(lock);
  return own.proposal.outcome;
}

// Without the lock while they are made.
void SharedDirectory::make_waiting(std::unique_lock<std::mutex>& lock) {
  const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kTogether));
  const std::vector<Waiting*> batch(waiting_.begin(), waiting_.begin() + count);
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  lock.unlock();
  std::vector<store::Replica::Proposal> proposals;
  for (const Waiting* one : batch) proposals.push_back(one->proposal);
  const Result<void> written = write_all(proposals);
  lock.lock();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i]->proposal.outcome = written ? proposals[i].outcome : written;
    batch[i]->is_answered = true;
  }
  turn_ends_.notify_all();
}

void SharedDirectory::end_turn(std::unique_lock<std::mutex>& lock) {
  is_turn_taken_ = false;
  lock.unlock();
  turn_ends_.notify_all();
}

Result<void> SharedDirectory::write_all(std::span<store::Replica::Proposal> proposals) {
  Error last;
  for (int i = 0; i < kAttempts; ++i) {
    if (Result<void> connected = connect(); !connected) return unavailable(connected.error());
    const Result<Attempt> tried = attempt(proposals);
    if (!tried) history_.roll_back();
    if (!tried && !is_of_database(tried.error())) return tried.error();
    if (tried && *tried == Attempt::Done) return {};
    last = tried ? Error(ErrorCode::StorageShedding, "other changes came first") : tried.error();
    if (connection_.is_open() && !tried) break;  // the server answered, and refuses
  }
  return unavailable(last);
}

Result<SharedDirectory::Attempt> SharedDirectory::attempt(std::span<store::Replica::Proposal> proposals) {
  if (Result<void> begun = history_.begin(); !begun) return begun.error();
  const Result<ReplicaCursor> head = history_.lock_head();
  if (!head) return head.error();
  // Nobody else writes meanwhile: whoever moves the copy moves it to this head.
  for (;;) {
    const Result<ReplicaCursor> here = replica_.cursor();
    if (!here) return here.error();
    if (*here == *head) return propose(*head, proposals);
    const Result<Reading> reading = history_.read(*here);
    if (!reading) return reading.error();
    if (reading->path != Reading::Path::Onward || here->version == 0) break;
    const Result<bool> moved = replica_.advance(*here, reading->rows, reading->head);
    if (!moved) return moved.error();
  }
  history_.roll_back();
  const Result<ReplicaCursor> caught = catch_up(history_, replica_);
  if (!caught) return caught.error();
  return Attempt::Again;
}

Result<SharedDirectory::Attempt> SharedDirectory::propose(const ReplicaCursor& head,
                                                          std::span<store::Replica::Proposal> proposals) {
  const Result<lmdb::WriteSet> rows = replica_.propose(proposals);
  if (!rows) return rows.error();
  const std::vector<store::SharedRow> shared = store::shared_rows(*rows);
  ReplicaCursor next = head;
  if (shared.empty()) {
    history_.roll_back();
  } else {
    ++next.version;
    random_.fill(next.change);
    if (Result<void> put = history_.put_rows(shared, next.version); !put) return put.error();
    if (Result<void> moved = history_.move_head(next, membership_.node); !moved) return moved.error();
    Result<bool> lasts = history_.commit();
    if (!lasts) return lasts.error();
    if (!*lasts) lasts = find_change(next.change);
    if (!lasts) return lasts.error();
    if (!*lasts) return Attempt::Again;
  }
  if (Result<void> settled = settle(head, *rows, next); !settled) return settled.error();
  return Attempt::Done;
}

// The one answer that has to be had: for a while.
Result<bool> SharedDirectory::find_change(const store::ClusterUuid& change) {
  Error last;
  for (int i = 0; i < kAttempts; ++i) {
    if (!connection_.is_open()) {
      if (i > 0) std::this_thread::sleep_for(kReconnectPause);
      if (const Result<void> opened = connection_.open(); !opened) {
        last = opened.error();
        continue;
      }
    }
    const Result<bool> found = history_.find_change(change);
    if (found) return found;
    last = found.error();
    history_.roll_back();
  }
  return Error(ErrorCode::StorageShedding, "it is not known whether the change was made: " + last.context());
}

// The copy may have been moved by who follows the history: then only what is the node's own is left to do.
Result<void> SharedDirectory::settle(const ReplicaCursor& from, const lmdb::WriteSet& rows, const ReplicaCursor& to) {
  Result<bool> moved = replica_.advance(from, rows, to);
  if (!moved) return moved.error();
  lmdb::WriteSet own;
  for (const auto& [at, value] : rows.rows()) {
    if (store::is_shared(static_cast<store::DirectoryTable>(at.first))) continue;
    value ? own.put(at.first, at.second, *value) : own.erase(at.first, at.second);
  }
  while (!*moved) {
    const Result<ReplicaCursor> here = replica_.cursor();
    if (!here) return here.error();
    moved = replica_.advance(*here, own, *here);
    if (!moved) return moved.error();
  }
  return {};
}

void SharedDirectory::write_later(DirectoryChange change, Actor actor, Completion done) {
  std::unique_lock lock(mutex_);
  if (later_.size() >= kMaxLater) {
    lock.unlock();
    return done(too_many());
  }
  later_.push_back({std::move(change), std::move(actor), std::move(done)});
  if (!thread_.joinable()) thread_ = std::thread(&SharedDirectory::run_later, this);
  lock.unlock();
  wake_.notify_one();
}

void SharedDirectory::run_later() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return is_stopping_ || !later_.empty(); });
    if (later_.empty()) return;
    std::vector<Later> batch;
    while (!later_.empty() && batch.size() < kLaterOfAChange && (batch.empty() || batch.front().actor == later_.front().actor)) {
      batch.push_back(std::move(later_.front()));
      later_.pop_front();
    }
    lock.unlock();
    make_later(std::move(batch));
    lock.lock();
  }
}

// All in one change; where one of them fails, each for itself.
void SharedDirectory::make_later(std::vector<Later> batch) {
  const auto all = [&batch](store::DirectoryWriter& writer) -> Result<void> {
    for (const Later& one : batch) {
      if (Result<void> done = one.change(writer); !done) return done;
    }
    return {};
  };
  Result<void> written = write(all, batch.front().actor);
  for (const Later& one : batch) {
    Result<void> outcome = written;
    if (!outcome && outcome.error().code() != ErrorCode::StorageShedding && batch.size() > 1)
      outcome = write(one.change, one.actor);
    if (!outcome && outcome.error().code() == ErrorCode::StorageShedding) {
      outcome = hold_facts(one.change, one.actor, outcome.error());
    }
    one.done(std::move(outcome));
  }
}

Result<void> SharedDirectory::hold_facts(const DirectoryChange& change, const Actor& actor, const Error& why) {
  const Result<lmdb::WriteSet> rows = replica_.propose(change, actor);
  if (!rows) return rows.error();
  if (!store::has_facts(*rows)) return why;
  return replica_.hold(*rows);
}

Result<void> SharedDirectory::tell_held_facts() {
  const Result<bool> has_some = replica_.has_held_facts();
  if (!has_some) return has_some.error();
  if (!*has_some) return {};
  return write(replica_.tell_held_facts(), {});
}

Result<SharedDirectory::Nodes> SharedDirectory::list_nodes() {
  std::unique_lock lock(mutex_);
  if (!turn_ends_.wait_for(lock, kTurnPatience, [this] { return !is_turn_taken_; })) return too_many();
  is_turn_taken_ = true;
  lock.unlock();
  Result<Nodes> nodes = ask_nodes();
  lock.lock();
  end_turn(lock);
  if (!nodes) return unavailable(nodes.error());
  return nodes;
}

Result<SharedDirectory::Nodes> SharedDirectory::ask_nodes() {
  if (Result<void> connected = connect(); !connected) return connected.error();
  Result<std::vector<NodeState>> nodes = history_.list_nodes();
  if (!nodes) return nodes.error();
  const Result<std::uint64_t> latest = history_.latest();
  if (!latest) return latest.error();
  return Nodes{.latest = *latest, .nodes = std::move(*nodes)};
}

}  // namespace postern::cluster
