// Claims idempotency keys for a server's messages, many in one round with the database, and says what became of them.
//
// A claim stands until its message is stored or will not be. What a server that died had claimed is settled at its next start, by
// what its own store has; until then a message with that key is put off, since the disk may hold the first. While nobody can be
// asked each node goes by itself, and tells afterwards: two nodes that took a message of one key are found then, not prevented.
#pragma once

#include "cluster/claim_ledger.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/secret.h"
#include "store/claim_log.h"
#include "store/replica.h"
#include "store/store.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace postern::cluster {

inline constexpr std::chrono::milliseconds kClaimPatience{1'000};  // for a message that is just being stored elsewhere
inline constexpr std::chrono::milliseconds kClaimAgain{100};
inline constexpr std::chrono::milliseconds kSettleEvery{1'000};  // where nobody claims
inline constexpr std::chrono::hours kForgetClaimsEvery{1};
// A server that answers and refuses (a row that is locked for long): so often it is asked again before each node goes by itself.
inline constexpr int kServerRefusals = 3;
inline constexpr std::size_t kClaimsOfARound = 500;
// Settled and not told yet: an outage's worth. Above it the others never hear of a key.
inline constexpr std::size_t kMaxUntold = 100'000;

class ClaimKeeper final : public store::ClaimLog {
 public:
  // All outlive this.
  ClaimKeeper(store::Store& store, const Secret& where, const Clock& clock, Random& random, const store::Membership& membership);
  ~ClaimKeeper() override { stop(); }
  ClaimKeeper(const ClaimKeeper&) = delete;
  ClaimKeeper& operator=(const ClaimKeeper&) = delete;

  void start();
  // Answers who waits, and tells what is settled; behind all that claims.
  void stop();

  void claim(const store::SharedClaim& wanted, store::ClaimOutcome& outcome, Completion done) override;
  void find(const AccountId& account, const std::array<std::uint8_t, 32>& key_digest, store::ClaimOutcome& outcome,
            Completion done) override;
  void settle(const store::SharedClaim& claimed, bool is_stored) override;

 private:
  using Time = std::chrono::steady_clock::time_point;
  using Key = std::pair<AccountId, std::array<std::uint8_t, 32>>;

  struct Waiting {
    store::SharedClaim wanted;
    store::ClaimOutcome* outcome;
    Completion done;
    Time until;
    Time next;
    bool only_looks = false;
  };
  struct Settled {
    store::SharedClaim claimed;
    bool is_stored = false;
  };

  static Key key_of(const store::SharedClaim& claim) { return {claim.account, claim.claim.key_digest}; }
  void ask(Waiting waiting);
  void run();
  Result<void> step(Time at);
  Result<void> connect(Time at);
  Result<void> settle_predecessors();
  Result<void> tell_settled();
  Result<void> answer_waiting(std::vector<Waiting>& batch);
  std::vector<Waiting> take_due(Time at);
  // Those that are Busy wait on, if they may.
  void finish(std::vector<Waiting> batch);
  void note(const Result<void>& stepped);
  Time next_time(Time at) const;

  store::Spool& spool_;
  const Clock& clock_;
  Random& random_;
  PostgresConnection connection_;
  ClaimLedger ledger_;
  Time next_connect_{};
  Time next_forget_{};
  bool is_settled_ = false;  // what a predecessor left
  int refusals_ = 0;         // of the server, one after the other

  std::mutex mutex_;  // of what follows
  std::condition_variable wakes_;
  bool is_stopping_ = false;
  bool is_away_ = true;        // the last round failed, and another is not due yet
  bool knows_claims_ = false;  // the format of the database does
  std::deque<Waiting> waiting_;
  std::set<Key> under_way_;  // claimed for a message of this node that is being stored
  std::deque<Settled> settled_;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace postern::cluster
