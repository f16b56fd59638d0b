#include "cluster/rate_shares.h"

#include <algorithm>
#include <map>

namespace postern::cluster {

double RateShares::share(const RatedId& who, double messages, Time at) {
  const auto [entry, is_new] = entries_.touch(who);
  if (is_new) entries_.shrink_to(kMaxRated);
  // Whoever was away for long begins anew: what the others do now is not known.
  if (at - entry.used_at > kDemandKnown) entry.share = 1;
  entry.used_at = at;
  entry.counted += messages;
  return entry.share;
}

std::vector<RateShares::Demand> RateShares::take_demand(Time at) {
  std::vector<Demand> demands;
  const double seconds = std::max(0.1, std::chrono::duration<double>(at - taken_at_).count());
  taken_at_ = at;
  for (auto& [who, entry] : entries_) {
    const double counted = std::exchange(entry.counted, 0);
    if (at - entry.used_at > kDemandKnown || demands.size() == kRatedOfAnExchange) {
      entry.demand = 0;
      continue;
    }
    // The first second counts as a whole; from then on smoothly, since few messages come in bursts.
    entry.demand = entry.demand == 0 ? counted / seconds : (entry.demand + counted / seconds) / 2;
    if (entry.demand > 0) demands.push_back({who, entry.demand});
  }
  return demands;
}

void RateShares::told(const std::vector<Demand>& own, const std::vector<Demand>& others) {
  std::map<RatedId, double> elsewhere;
  for (const Demand& other : others) elsewhere[other.who] += other.per_second;
  for (const Demand& mine : own) {
    Entry* const entry = entries_.find(mine.who);
    if (entry == nullptr) continue;
    const auto found = elsewhere.find(mine.who);
    entry->share = found == elsewhere.end() ? 1 : mine.per_second / (mine.per_second + found->second);
  }
}

}  // namespace postern::cluster
