// Keeps a server's leases of quotas and its shares of rates: asks the database four times a second, and at once where somebody
// waits. What it is asked itself it answers from memory and waits for nobody.
#pragma once

#include "cluster/lease_book.h"
#include "cluster/quota_ledger.h"
#include "cluster/rate_shares.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/secret.h"
#include "store/replica.h"
#include "store/store.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace postern::cluster {

inline constexpr std::chrono::milliseconds kRoundEvery{250};
inline constexpr std::chrono::milliseconds kExchangeEvery{1'000};
// What was counted before there were leases is on the disk by then: it is told at once, and once more.
inline constexpr std::chrono::milliseconds kCountedIsWritten{2'500};
// Without a word of the database for so long nobody waits for it: what is not leased is the node's share (docs/cluster.md).
inline constexpr std::chrono::milliseconds kAwayAfter{3'000};

class QuotaKeeper {
 public:
  // All outlive this.
  QuotaKeeper(store::Store& store, const Secret& where, const Clock& clock, Random& random, const store::Membership& membership);
  ~QuotaKeeper() { stop(); }
  QuotaKeeper(const QuotaKeeper&) = delete;
  QuotaKeeper& operator=(const QuotaKeeper&) = delete;

  void start();
  // Gives all leases back, if the database can be had; behind all that takes.
  void stop();

  // Any thread. As LeaseBook and RateShares have it. Where the cluster's format has no leases yet, all is ready.
  LeaseBook::Answer take(const AccountId& account, const QuotaLimits& limits, const QuotaUse& used, std::uint64_t recipients,
                         Instant now);
  LeaseBook::Answer look(const AccountId& account, const QuotaLimits& limits, const QuotaUse& used, std::uint64_t recipients,
                         Instant now);
  void give_back(const AccountId& account, std::uint64_t recipients, Instant taken_at);
  double share(const RatedId& who, double messages);

 private:
  using Time = std::chrono::steady_clock::time_point;

  void run();
  Result<void> step(bool gives_all);
  Result<void> connect(Time at);
  Result<void> report(Time at);
  Result<std::vector<QuotaLedger::Counted>> list_counted(Instant now) const;
  Result<bool> make_round(std::span<const LeaseQuestion> questions, std::vector<LeaseAnswer>& answers);
  Result<void> exchange(Time at);
  Result<void> note_nodes(std::size_t nodes);
  void note(const Result<void>& stepped);
  void look_for_silence(Time at);
  void wake_if_asked(const LeaseBook::Answer& answer);

  const store::Directory& directory_;
  store::Replica replica_;
  const Clock& clock_;
  const std::uint16_t node_;
  Random& random_;
  PostgresConnection connection_;
  QuotaLedger ledger_;
  int reports_ = 0;
  Time next_report_{};
  Time next_connect_{};
  Time next_exchange_{};

  std::mutex mutex_;  // of what follows
  std::condition_variable wakes_;
  bool is_stopping_ = false;
  bool has_leases_ = true;  // the format of the database knows them
  std::size_t nodes_ = 0;
  LeaseBook book_;
  RateShares shares_;
  Time heard_at_{};
  std::string trouble_;
  std::thread thread_;
};

}  // namespace postern::cluster
