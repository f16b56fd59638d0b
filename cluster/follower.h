// Keeps a node's copy at the head: asks four times a second, says once a second how far it has come, and tells what the node holds.
// Its thread is the server's; the command line follows by what it writes.
#pragma once

#include "cluster/freshness.h"
#include "cluster/history.h"
#include "cluster/shared_directory.h"
#include "core/secret.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace postern::cluster {

// Three nodes then ask twelve times a second, for a millisecond each; a revoked key is refused everywhere a good third of a second
// later.
inline constexpr std::chrono::milliseconds kAskEvery{250};
inline constexpr std::chrono::milliseconds kBeatEvery{1'000};
// Behind that a node counts as one that is not heard of.
inline constexpr std::chrono::milliseconds kSilence{3'000};
inline constexpr std::chrono::hours kForgetEvery{24};

struct FollowState {
  std::uint64_t version = 0;                     // of the copy
  std::optional<std::chrono::milliseconds> age;  // since everything that was acknowledged is in force here; nullopt: never yet
  std::string trouble;                           // why it is not followed; empty: it is
};

class Follower {
 public:
  // All outlive this.
  Follower(store::Store& store, const Secret& where, const RowSeal& seal, Random& random, const store::Membership& membership,
           SharedDirectory& changes);
  ~Follower() { stop(); }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  void start();
  void stop();
  // Any thread.
  FollowState state() const;

 private:
  using Time = std::chrono::steady_clock::time_point;

  void run();
  Result<void> step();
  Result<void> beat(std::uint64_t version);
  Result<void> forget();
  void note(const Result<void>& stepped);

  const store::Membership membership_;
  store::Replica replica_;
  Random& random_;
  SharedDirectory& changes_;
  PostgresConnection connection_;
  History history_;
  std::uint64_t told_ = 0;  // the version that the last beat named
  Time next_beat_{};
  Time next_connect_{};
  Time next_forget_{};

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable stops_;
  bool is_stopping_ = false;
  Freshness freshness_;
  std::uint64_t version_ = 0;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace postern::cluster
