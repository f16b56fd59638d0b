#include "store/statistics.h"

#include <algorithm>

namespace postern::store {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// The entry of that name, made where there is room; else that of all others, which has none.
template <class Entry, class Name>
Entry& entry_of(std::vector<Entry>& entries, Name Entry::*name, const Name& wanted, std::size_t most) {
  const auto find = [&](const Name& sought) {
    return std::ranges::find_if(entries, [&](const Entry& entry) { return entry.*name == sought; });
  };
  if (const auto found = find(wanted); found != entries.end()) return *found;
  const bool has_room = wanted == Name{} || entries.size() < most;
  const Name other{};
  if (!has_room) {
    if (const auto found = find(other); found != entries.end()) return *found;
  }
  Entry& made = entries.emplace_back();
  made.*name = has_room ? wanted : other;
  return made;
}

}  // namespace

std::size_t delay_class(Duration delay) {
  const auto took = std::chrono::duration_cast<milliseconds>(delay).count();
  const std::uint64_t ms = took < 0 ? 0 : static_cast<std::uint64_t>(took);
  return static_cast<std::size_t>(std::ranges::lower_bound(kDelayBounds, ms) - kDelayBounds.begin());
}

std::uint64_t delay_quantile(const std::vector<std::uint64_t>& classes, double share) {
  std::uint64_t all = 0;
  for (const std::uint64_t count : classes) all += count;
  const double wanted = share * static_cast<double>(all);
  double before = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const auto here = static_cast<double>(classes[i]);
    if (here > 0 && before + here >= wanted) {
      const std::uint64_t from = i == 0 ? 0 : kDelayBounds[i - 1];
      if (i >= kDelayBounds.size()) return from;
      return from + static_cast<std::uint64_t>(static_cast<double>(kDelayBounds[i] - from) * (wanted - before) / here);
    }
    before += here;
  }
  return 0;
}

void add_counts(StatsCounts& sum, const StatsCounts& more) {
  sum.accepted += more.accepted;
  sum.delivered += more.delivered;
  sum.deferred += more.deferred;
  sum.bounced += more.bounced;
  sum.refused += more.refused;
  sum.suppressed += more.suppressed;
  sum.complained += more.complained;
}

void add_stats(StatsRow& sum, const StatsRow& more, std::size_t most) {
  add_counts(sum.totals, more.totals);
  for (const KeyStats& entry : more.keys) {
    KeyStats& own = entry_of(sum.keys, &KeyStats::key, entry.key, most);
    own.accepted += entry.accepted;
    own.refused += entry.refused;
  }
  for (const DomainStats& entry : more.domains) {
    DomainStats& own = entry_of(sum.domains, &DomainStats::domain, entry.domain, most);
    own.accepted += entry.accepted;
    own.delivered += entry.delivered;
    own.deferred += entry.deferred;
    own.bounced += entry.bounced;
  }
  for (const RefusalStats& entry : more.refusals)
    entry_of(sum.refusals, &RefusalStats::token, entry.token, most).count += entry.count;
  if (sum.delays.size() < more.delays.size()) sum.delays.resize(more.delays.size());
  for (std::size_t i = 0; i < more.delays.size(); ++i) sum.delays[i] += more.delays[i];
}

StatsRow* Tally::row(const Whose& whose, Instant at) {
  const Instant hour = std::chrono::floor<hours>(at);
  const Place place{whose.account, whose.environment, hour};
  auto found = rows_.find(place);
  if (found == rows_.end()) {
    if (rows_.size() >= kMaxRows) return nullptr;
    StatsRow made;
    made.environment = whose.environment;
    made.start = hour;
    found = rows_.emplace(place, std::move(made)).first;
  }
  return &found->second;
}

void Tally::count_accepted(const Whose& whose, const KeyId& key, const std::vector<std::string>& domains, Instant at) {
  const std::lock_guard lock(mutex_);
  StatsRow* const into = row(whose, at);
  if (into == nullptr) return;
  ++into->totals.accepted;
  ++entry_of(into->keys, &KeyStats::key, key, kMaxStatsNames).accepted;
  for (const std::string& domain : domains) ++entry_of(into->domains, &DomainStats::domain, domain, kMaxStatsNames).accepted;
}

void Tally::count_refused(const Whose& whose, const KeyId& key, std::string_view token, Instant at) {
  const std::lock_guard lock(mutex_);
  StatsRow* const into = row(whose, at);
  if (into == nullptr) return;
  ++into->totals.refused;
  ++entry_of(into->keys, &KeyStats::key, key, kMaxStatsNames).refused;
  ++entry_of(into->refusals, &RefusalStats::token, std::string(token), kMaxStatsNames).count;
}

void Tally::count_outcome(const Whose& whose, std::string_view domain, Outcome outcome, Duration took, Instant at) {
  const std::lock_guard lock(mutex_);
  StatsRow* const into = row(whose, at);
  if (into == nullptr) return;
  DomainStats& of_domain = entry_of(into->domains, &DomainStats::domain, std::string(domain), kMaxStatsNames);
  switch (outcome) {
    case Outcome::Delivered:
      ++into->totals.delivered;
      ++of_domain.delivered;
      into->delays.resize(kDelayBounds.size() + 1);
      ++into->delays[delay_class(took)];
      return;
    case Outcome::Deferred:
      ++into->totals.deferred;
      ++of_domain.deferred;
      return;
    case Outcome::Bounced:
      ++into->totals.bounced;
      ++of_domain.bounced;
      return;
    case Outcome::Suppressed:
      ++into->totals.suppressed;
      return;
    case Outcome::Complained:
      ++into->totals.complained;
      return;
  }
}

std::vector<Tally::Counted> Tally::take() {
  std::map<Place, StatsRow> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(rows_);
  }
  std::vector<Counted> counted;
  counted.reserve(taken.size());
  for (auto& [place, row] : taken) counted.push_back({std::get<AccountId>(place), std::move(row)});
  return counted;
}

void Tally::put_back(const std::vector<Counted>& counted) {
  const std::lock_guard lock(mutex_);
  for (const Counted& one : counted) {
    StatsRow* const into = row({one.account, one.row.environment}, one.row.start);
    if (into != nullptr) add_stats(*into, one.row);
  }
}

}  // namespace postern::store
