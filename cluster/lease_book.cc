#include "cluster/lease_book.h"

#include <algorithm>
#include <cmath>

namespace postern::cluster {
namespace {

using std::chrono::days;
using std::chrono::floor;
using store::CounterPeriod;

constexpr std::size_t kNodesAtMost = 255;  // where it is not known how many there are

std::uint64_t less(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

// What other nodes have of a period.
struct Others {
  std::uint64_t granted = 0;
  std::uint64_t unspent = 0;  // and can give back
  std::uint64_t own = 0;      // as the node's own row has it
};

Others sum_up(std::span<const LeaseRow> rows, CounterPeriod period, std::uint16_t own) {
  Others sum;
  for (const LeaseRow& row : rows) {
    if (row.period != period) continue;
    if (row.node == own) {
      sum.own = row.granted;
      continue;
    }
    sum.granted += row.granted;
    if (row.is_node_heard) sum.unspent += less(row.granted, row.spent);
  }
  return sum;
}

}  // namespace

Instant start_of_month(Instant day) {
  const std::chrono::year_month_day date{floor<days>(day)};
  return Instant(std::chrono::sys_days(date.year() / date.month() / 1));
}

LeaseAnswer decide_lease(const LeaseQuestion& question, std::span<const LeaseRow> rows, std::uint16_t own, std::size_t nodes) {
  const Others day = sum_up(rows, CounterPeriod::Day, own);
  const Others month = sum_up(rows, CounterPeriod::Month, own);
  LeaseAnswer answer{.held = question.held, .exhausted = std::nullopt};
  if (!question.is_day_known) answer.held.day = std::max(answer.held.day, day.own);
  if (!question.is_month_known) answer.held.month = std::max(answer.held.month, month.own);
  std::uint64_t free = ~std::uint64_t{0};
  const auto look_at = [&](const std::optional<std::uint64_t>& limit, std::uint64_t held, const Others& others,
                           CounterPeriod period) {
    if (!limit) return;
    const std::uint64_t of_period = less(*limit, held + others.granted);
    if (of_period < std::max<std::uint64_t>(1, question.asked) && others.unspent == 0) answer.exhausted = period;
    free = std::min(free, of_period);
  };
  look_at(question.limits.month, answer.held.month, month, CounterPeriod::Month);
  look_at(question.limits.day, answer.held.day, day, CounterPeriod::Day);
  const std::uint64_t part = std::max<std::uint64_t>(1, free / (2 * std::max<std::size_t>(1, nodes)));
  answer.given = std::min(free, std::max(question.asked, std::min(question.wanted, part)));
  if (answer.given < question.asked) answer.given = 0;  // nobody is served by less, and others may be
  answer.wants = question.asked > 0 && answer.given == 0;
  answer.held.day += answer.given;
  answer.held.month += answer.given;
  answer.free = free - answer.given;
  return answer;
}

LeaseBook::Entry& LeaseBook::touch(const AccountId& account, const QuotaLimits& limits, const QuotaUse& used, Instant now,
                                   Time at) {
  const Instant today = floor<days>(now);
  auto [entry, is_new] = entries_.touch(account);
  if (is_new) {
    entry.day = today;
    entry.spent = used;
    entry.counted_since = at;
    entries_.shrink_to(kMaxLeases, is_clean);
  }
  if (entry.day != today) {
    const bool is_same_month = start_of_month(entry.day) == start_of_month(today);
    entry.is_month_known = entry.is_month_known && is_same_month;
    if (!is_same_month) entry.spent.month = used.month;
    entry.spent.day = used.day;
    entry.is_day_known = false;
    entry.is_stale = entry.is_stale || entry.left > 0;  // the month's row counts what goes with the day
    entry.left = 0;
    entry.share.reset();
    entry.denied_until.reset();
    entry.day = today;
  }
  const auto is_lower = [](const std::optional<std::uint64_t>& a, const std::optional<std::uint64_t>& b) {
    return a && (!b || *a < *b);
  };
  if (entry.left > 0 && (is_lower(limits.day, entry.limits.day) || is_lower(limits.month, entry.limits.month))) {
    entry.left = 0;  // it may be more than there is now
    entry.is_stale = true;
  }
  entry.limits = limits;
  entry.used_at = at;
  return entry;
}

// Twice what will be needed until the next but one; some seconds' worth, so that a round in between may fail.
std::uint64_t LeaseBook::aim(const Entry& entry) {
  const double ahead = std::ceil(entry.demand * static_cast<double>(kLeaseAhead.count()));
  return std::max(kFirstLease, static_cast<std::uint64_t>(ahead));
}

std::uint64_t LeaseBook::share_of(const Entry& entry) const {
  const std::uint64_t nodes = nodes_ > 0 ? nodes_ : kNodesAtMost;
  if (entry.is_day_known && entry.is_month_known) return entry.free / nodes;
  std::uint64_t share = ~std::uint64_t{0};
  if (entry.limits.day) share = std::min(share, less(*entry.limits.day / nodes, entry.spent.day));
  if (entry.limits.month) share = std::min(share, less(*entry.limits.month / nodes, entry.spent.month));
  return share;
}

LeaseBook::Answer LeaseBook::look_alone(Entry& entry, std::uint64_t recipients) const {
  if (!entry.share) entry.share = share_of(entry);
  if (recipients <= entry.left + *entry.share) return {};
  if (entry.exhausted) return {Standing::Exhausted, *entry.exhausted};
  return {Standing::Elsewhere};
}

LeaseBook::Answer LeaseBook::look(Entry& entry, std::uint64_t recipients, Time at) {
  if (recipients <= entry.left) return {};
  if (is_away_) return look_alone(entry, recipients);
  entry.asked = std::max(entry.asked, recipients - entry.left);
  const bool is_denied = entry.denied_until && at < *entry.denied_until;
  const Time from = is_denied ? *entry.denied_until : at;
  if (!asked_since_ || from < *asked_since_) asked_since_ = from;
  if (!is_denied) return {Standing::Pending};
  if (entry.exhausted) return {Standing::Exhausted, *entry.exhausted};
  return {Standing::Elsewhere};
}

LeaseBook::Answer LeaseBook::look(const AccountId& account, const QuotaLimits& limits, const QuotaUse& used,
                                  std::uint64_t recipients, Instant now, Time at) {
  return look(touch(account, limits, used, now, at), recipients, at);
}

LeaseBook::Answer LeaseBook::take(const AccountId& account, const QuotaLimits& limits, const QuotaUse& used,
                                  std::uint64_t recipients, Instant now, Time at) {
  Entry& entry = touch(account, limits, used, now, at);
  entry.counted += static_cast<double>(recipients);
  const double seconds = std::chrono::duration<double>(at - entry.counted_since).count();
  if (seconds >= 1) {
    entry.demand = (entry.demand + entry.counted / seconds) / 2;
    entry.counted = 0;
    entry.counted_since = at;
  }
  const Answer answer = look(entry, recipients, at);
  if (answer.standing != Standing::Ready) return answer;
  const std::uint64_t leased = std::min(entry.left, recipients);
  entry.left -= leased;
  if (leased < recipients) *entry.share -= recipients - leased;
  entry.spent.day += recipients;
  entry.spent.month += recipients;
  return answer;
}

void LeaseBook::give_back(const AccountId& account, std::uint64_t recipients, Instant taken_at) {
  Entry* const entry = entries_.find(account);
  if (entry == nullptr || entry->day != floor<days>(taken_at)) return;
  const std::uint64_t back = std::min({recipients, entry->spent.day, entry->spent.month});
  entry->spent.day -= back;
  entry->spent.month -= back;
  entry->left += back;
}

std::vector<LeaseQuestion> LeaseBook::begin_round(const std::set<AccountId>& wanted, Time at, bool gives_all) {
  std::vector<LeaseQuestion> questions;
  asked_since_.reset();
  entries_.shrink_to(1, [at](const Entry& oldest) { return is_clean(oldest) && at - oldest.used_at >= kLeaseKnown; });
  for (auto& [account, entry] : entries_) {
    const bool is_waited_for = entry.asked > 0 && !(entry.denied_until && at < *entry.denied_until);
    const bool is_wanted = (entry.left > 0 || entry.told_left > 0) && wanted.contains(account);
    const bool goes_back = entry.left > 0 && (gives_all || is_idle(entry, at));
    const bool is_low = !is_idle(entry, at) && entry.left > 0 && entry.left < aim(entry) / 2;
    if (!is_waited_for && !is_wanted && !goes_back && !is_low && !entry.share && !entry.is_stale) {
      if (entry.asked > 0 && entry.denied_until && (!asked_since_ || *entry.denied_until < *asked_since_)) {
        asked_since_ = entry.denied_until;
      }
      continue;
    }
    if (questions.size() == kLeasesOfARound) {
      asked_since_ = at;
      break;
    }
    if (goes_back) entry.left = 0;
    if (is_wanted) entry.left /= 2;
    entry.is_stale = true;  // until it is acknowledged
    LeaseQuestion question{.account = account,
                           .limits = entry.limits,
                           .day = entry.day,
                           .held = {entry.spent.day + entry.left, entry.spent.month + entry.left},
                           .left = entry.left,
                           .is_day_known = entry.is_day_known,
                           .is_month_known = entry.is_month_known};
    if (is_waited_for && !gives_all) question.asked = entry.asked;
    if ((is_waited_for || (is_low && !is_wanted)) && !gives_all) question.wanted = less(aim(entry), entry.left);
    questions.push_back(question);
  }
  return questions;
}

void LeaseBook::end_round(std::span<const LeaseQuestion> questions, std::span<const LeaseAnswer> answers, bool is_acknowledged,
                          Time at) {
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const LeaseQuestion& question = questions[i];
    Entry* const entry = entries_.find(question.account);
    if (entry == nullptr || entry->day != question.day) continue;
    if (!is_acknowledged) {
      if (entry->asked > 0) asked_since_ = at;
      continue;
    }
    const LeaseAnswer& answer = answers[i];
    const QuotaUse now{entry->spent.day + entry->left, entry->spent.month + entry->left};
    const bool is_told = now == question.held;  // nothing was spent beside the lease meanwhile
    entry->spent.day += answer.held.day - answer.given - question.held.day;
    entry->spent.month += answer.held.month - answer.given - question.held.month;
    entry->told_left = question.left + answer.given;
    entry->left += answer.given;
    entry->free = answer.free;
    entry->is_day_known = entry->is_month_known = true;
    entry->is_stale = !is_told;
    if (is_told) entry->share.reset();
    entry->exhausted = answer.exhausted;
    if (question.asked == 0) continue;
    entry->asked = 0;
    if (answer.wants) {
      entry->denied_until = at + kDenialHolds;
    } else {
      entry->denied_until.reset();
    }
  }
}

}  // namespace postern::cluster
