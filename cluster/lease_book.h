// What of the accounts' quotas this node may give out by itself, where several nodes share them. A node spends what it has leased;
// a round with the database brings more, and takes back what is not used. Pure: time and rows are arguments.
//
// What the database has of a node is one number for each period, "spent and may still be spent", which only that node writes and
// always writes as a whole: an answer that was lost is neither counted twice nor forgotten, and after a crash all of it counts as
// spent. Bounds: docs/cluster.md.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/recent_map.h"
#include "store/records.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace postern::cluster {

inline constexpr std::uint64_t kFirstLease = 100;         // recipients: of one message, as many as most servers take
inline constexpr std::chrono::seconds kLeaseAhead{5};     // a lease is to last for so long
inline constexpr std::chrono::seconds kLeaseIdle{10};     // behind that it goes back
inline constexpr std::chrono::milliseconds kDenialHolds{1'000};
inline constexpr std::chrono::minutes kLeaseKnown{10};    // an account that is not used is forgotten
inline constexpr std::size_t kMaxLeases = 65'536;         // accounts that are used at once
inline constexpr std::size_t kLeasesOfARound = 1'000;

struct QuotaLimits {
  std::optional<std::uint64_t> day;
  std::optional<std::uint64_t> month;

  bool is_any() const { return day || month; }
};
// Recipients in the running day and month.
struct QuotaUse {
  std::uint64_t day = 0;
  std::uint64_t month = 0;

  friend bool operator==(const QuotaUse&, const QuotaUse&) = default;
};

// What a round asks for one account.
struct LeaseQuestion {
  AccountId account;
  QuotaLimits limits;
  Instant day;             // its start
  QuotaUse held;           // spent here and may still be
  std::uint64_t left = 0;  // of these, may still be
  bool is_day_known = false;    // false: the node's own row may say more
  bool is_month_known = false;
  std::uint64_t asked = 0;   // at least; somebody waits for it
  std::uint64_t wanted = 0;  // at best
};
// What the database has of one node in one period.
struct LeaseRow {
  std::uint16_t node = 0;
  store::CounterPeriod period = store::CounterPeriod::Day;
  std::uint64_t granted = 0;
  std::uint64_t spent = 0;     // as the node said last; the rest it may still spend
  bool is_node_heard = true;   // false: it cannot give anything back
};
struct LeaseAnswer {
  QuotaUse held;            // what the node's rows are to say
  std::uint64_t given = 0;  // of these, what is new
  std::uint64_t free = 0;   // that no node has, behind it
  bool wants = false;       // others are to give back
  std::optional<store::CounterPeriod> exhausted;  // nobody has anything left
};

Instant start_of_month(Instant day);

// `rows`: all that there are of the account's day and month, under a lock. `nodes`: of the cluster.
LeaseAnswer decide_lease(const LeaseQuestion& question, std::span<const LeaseRow> rows, std::uint16_t own, std::size_t nodes);

// Not for several threads at once.
class LeaseBook {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Standing {
    Ready,      // as many are there
    Pending,    // the next round tells
    Elsewhere,  // other nodes hold what is left, or nobody can be asked: a second later it may be otherwise
    Exhausted,  // for this period
  };
  struct Answer {
    Standing standing = Standing::Ready;
    store::CounterPeriod period = store::CounterPeriod::Day;  // that is exhausted
  };

  // `used`: what this node counted by itself before this. Ready: taken.
  Answer take(const AccountId& account, const QuotaLimits& limits, const QuotaUse& used, std::uint64_t recipients, Instant now,
              Time at);
  // What take() would answer. What is not there is asked for in the next round.
  Answer look(const AccountId& account, const QuotaLimits& limits, const QuotaUse& used, std::uint64_t recipients, Instant now,
              Time at);
  // Of what was taken on the day of `taken_at`, unused.
  void give_back(const AccountId& account, std::uint64_t recipients, Instant taken_at);

  // Nobody can be asked: a share of what was free is spent beside the lease, once until the database has heard of it.
  void set_away(bool is_away) { is_away_ = is_away; }
  bool is_away() const { return is_away_; }
  void set_nodes(std::size_t nodes) { nodes_ = nodes; }

  // `wanted`: accounts whose leases other nodes want. What it gives back is not spent from here on. `gives_all`: this node stops.
  std::vector<LeaseQuestion> begin_round(const std::set<AccountId>& wanted, Time at, bool gives_all = false);
  // `is_acknowledged`: the answers last in the database. False: that is not known, or they do not.
  void end_round(std::span<const LeaseQuestion> questions, std::span<const LeaseAnswer> answers, bool is_acknowledged, Time at);
  // Somebody waits for a round.
  bool is_asked(Time at) const { return asked_since_ && at >= *asked_since_; }

 private:
  struct Entry {
    QuotaLimits limits;
    Instant day;
    QuotaUse spent;
    std::uint64_t left = 0;
    std::uint64_t told_left = 0;  // as the database has it
    bool is_day_known = false;
    bool is_month_known = false;
    std::uint64_t free = 0;  // behind the last round
    std::uint64_t asked = 0;
    std::optional<Time> denied_until;
    std::optional<store::CounterPeriod> exhausted;
    std::optional<std::uint64_t> share;  // what is left of it; there is one until the database has heard of what was spent of it
    bool is_stale = false;               // the database has something else than this
    double demand = 0;  // recipients a second
    double counted = 0;
    Time counted_since{};
    Time used_at{};
  };

  Entry& touch(const AccountId& account, const QuotaLimits& limits, const QuotaUse& used, Instant now, Time at);
  Answer look(Entry& entry, std::uint64_t recipients, Time at);
  Answer look_alone(Entry& entry, std::uint64_t recipients) const;
  std::uint64_t share_of(const Entry& entry) const;
  static std::uint64_t aim(const Entry& entry);
  // The database has all of it.
  static bool is_clean(const Entry& entry) { return entry.left == 0 && !entry.share && !entry.is_stale && entry.asked == 0; }
  static bool is_idle(const Entry& entry, Time at) { return at - entry.used_at >= kLeaseIdle; }

  RecentMap<AccountId, Entry> entries_;
  std::optional<Time> asked_since_;  // a round at or behind it has somebody to answer
  bool is_away_ = false;
  std::size_t nodes_ = 0;  // 0: not known
};

}  // namespace postern::cluster
