// Roll-ups of what happened to an account's mail: one row for each hour and for each day (UTC), live and test mail apart. A row has
// a bounded number of keys, domains and refusals; what is beyond them is counted together. Pure.
#pragma once

#include "store/records.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace postern::store {

// Of each breakdown of a row: a busy hour takes some kilobytes. Those that come later in it are the others, without a name.
inline constexpr std::size_t kMaxStatsNames = 64;

// Delivery times up to so many milliseconds; the last class, which has no bound, is behind them.
inline constexpr std::array<std::uint64_t, 15> kDelayBounds = {
    50, 100, 200, 500, 1'000, 2'000, 5'000, 10'000, 30'000, 60'000, 300'000, 900'000, 3'600'000, 21'600'000, 86'400'000};

// The class of a delivery time, below kDelayBounds.size() + 1.
std::size_t delay_class(Duration delay);
// The time within which `share` (0 to 1) of them were delivered, in milliseconds: between the bounds of its class in proportion. Of
// the last class its lower bound; 0 where there are none.
std::uint64_t delay_quantile(const std::vector<std::uint64_t>& classes, double share);

void add_counts(StatsCounts& sum, const StatsCounts& more);
// Adds `more` to `sum`, which gets at most `most` names of each breakdown.
void add_stats(StatsRow& sum, const StatsRow& more, std::size_t most = kMaxStatsNames);

// What was counted and is not written yet. Any thread.
class Tally {
 public:
  // Accounts counted at once between two writes; of a further one nothing is counted until then.
  static constexpr std::size_t kMaxRows = 65'536;

  struct Whose {
    AccountId account;
    Environment environment = Environment::Live;
  };
  // One message of `key`, with a recipient at each of `domains`.
  void count_accepted(const Whose& whose, const KeyId& key, const std::vector<std::string>& domains, Instant at);
  // `token`: of the refusal, of a message or one of its recipients.
  void count_refused(const Whose& whose, const KeyId& key, std::string_view token, Instant at);
  enum class Outcome { Delivered, Deferred, Bounced, Suppressed, Complained };
  // What became of one recipient. `took`: from the message's release to its delivery.
  void count_outcome(const Whose& whose, std::string_view domain, Outcome outcome, Duration took, Instant at);

  struct Counted {
    AccountId account;
    StatsRow row;  // of an hour
  };
  // What was counted since the last call; the caller writes it or puts it back.
  std::vector<Counted> take();
  void put_back(const std::vector<Counted>& counted);

 private:
  using Place = std::tuple<AccountId, Environment, Instant>;

  StatsRow* row(const Whose& whose, Instant at);  // under mutex_; nullptr: there are too many

  std::mutex mutex_;
  std::map<Place, StatsRow> rows_;
};

}  // namespace postern::store
