// The directory of a node: its changes go into the history that all nodes share, one at a time in the whole cluster.
//
// What waits in this process meanwhile goes together, as one version; each change stands or falls by itself.
//
// A change: hold the head; bring the copy up to it; try the change there and roll it back; put what it wrote as the next version;
// commit; do the same to the copy. So all rules stay where they are, in DirectoryWriter. Lock order is the database, then LMDB, and
// LMDB is not held while the network is waited for. A commit whose answer was lost is looked up behind the head by its id.
#pragma once

#include "cluster/history.h"
#include "core/secret.h"
#include "store/directory_log.h"
#include "store/replica.h"
#include "store/store.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace postern::cluster {

// Waits for another change of this process.
inline constexpr std::chrono::milliseconds kTurnPatience{5'000};
// Behind a failed connection nobody tries another for so long: who waits gets an answer.
inline constexpr std::chrono::milliseconds kReconnectPause{1'000};
// Changes that are made together.
inline constexpr std::size_t kTogether = 64;
// Changes that wait to be made later; above it they are refused, as where a disk stands still.
inline constexpr std::size_t kMaxLater = 10'000;
inline constexpr std::size_t kLaterOfAChange = 256;

// Brings the copy to the head. Not within a transaction of the history's. A history that was lost is taken over only from a server
// that still commits, and what only the old one had of revocations and suppressions is held (store/replica.h).
Result<store::ReplicaCursor> catch_up(History& history, store::Replica& replica);

// Any thread; none on an I/O thread.
class SharedDirectory final : public store::DirectoryLog {
 public:
  // `store`, `seal` and `random` outlive this; from here on until its end the directory follows it. Nobody writes while it
  // ends, and nothing that was given to Directory::write_later() is under way.
  SharedDirectory(store::Store& store, const Secret& where, const RowSeal& seal, Random& random,
                  const store::Membership& membership);
  ~SharedDirectory() override;
  SharedDirectory(const SharedDirectory&) = delete;
  SharedDirectory& operator=(const SharedDirectory&) = delete;

  Result<void> write(const store::DirectoryChange& change, const store::Actor& actor) override;
  void write_later(store::DirectoryChange change, store::Actor actor, Completion done) override;
  // Nothing is held: nothing happens. Else the first of it is told.
  Result<void> tell_held_facts();
  // The nodes as the database knows them, and the version that is the latest.
  struct Nodes {
    std::uint64_t latest = 0;
    std::vector<NodeState> nodes;
  };
  Result<Nodes> list_nodes();

 private:
  struct Later {
    store::DirectoryChange change;
    store::Actor actor;
    Completion done;
  };

  // What waits for its turn, on the stack of who waits.
  struct Waiting {
    store::Replica::Proposal proposal;
    bool is_answered = false;
  };

  Result<void> connect();
  void make_waiting(std::unique_lock<std::mutex>& lock);
  void end_turn(std::unique_lock<std::mutex>& lock);
  Result<Nodes> ask_nodes();
  Result<void> write_all(std::span<store::Replica::Proposal> proposals);
  enum class Attempt { Done, Again };
  Result<Attempt> attempt(std::span<store::Replica::Proposal> proposals);
  Result<Attempt> propose(const store::ReplicaCursor& head, std::span<store::Replica::Proposal> proposals);
  Result<void> settle(const store::ReplicaCursor& from, const lmdb::WriteSet& rows, const store::ReplicaCursor& to);
  Result<bool> find_change(const store::ClusterUuid& change);
  void run_later();
  void make_later(std::vector<Later> batch);
  Result<void> hold_facts(const store::DirectoryChange& change, const store::Actor& actor, const Error& why);

  store::Directory& directory_;
  const store::Membership membership_;
  store::Replica replica_;
  Random& random_;
  // Of who has the turn:
  PostgresConnection connection_;
  History history_;
  std::chrono::steady_clock::time_point next_connect_{};
  std::string refused_;  // why the last connection failed

  std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  bool is_turn_taken_ = false;
  std::condition_variable turn_ends_;  // or something was answered
  std::vector<Waiting*> waiting_;
  std::deque<Later> later_;
  bool is_stopping_ = false;
  std::thread thread_;  // made with the first that comes
};

}  // namespace postern::cluster
