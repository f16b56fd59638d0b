#include "submission/quota.h"

#include <algorithm>

namespace postern::submission {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::seconds;

Instant next_day(Instant now) { return Instant(floor<days>(now) + days(1)); }

Instant next_month(Instant now) {
  const std::chrono::year_month_day today{floor<days>(now)};
  return Instant(std::chrono::sys_days((today.year() / today.month() + std::chrono::months(1)) / 1));
}

bool is_same_month(Instant a, Instant b) { return next_month(a) == next_month(b); }
bool is_same_day(Instant a, Instant b) { return floor<days>(a) == floor<days>(b); }

QuotaAnswer exceeded(std::uint64_t limit, Instant now, Instant until) {
  const auto wait = std::chrono::ceil<seconds>(until - now);
  return {QuotaAnswer::Kind::QuotaExceeded, std::max(seconds(1), wait), limit};
}

template <class Key>
QuotaAnswer take(RecentMap<Key, TokenBucket>& buckets, const Key& key, std::uint32_t per_second, double tokens, Instant now) {
  if (per_second == 0) return {QuotaAnswer::Kind::RateLimited, std::chrono::hours(24), per_second};
  const auto [bucket, is_new] = buckets.touch(key);
  if (is_new) {
    bucket = TokenBucket::full(per_second, now);
    buckets.shrink_to(kMaxQuotaEntries);
  }
  const auto wait = bucket.take(per_second, tokens, now);
  return wait ? QuotaAnswer{QuotaAnswer::Kind::RateLimited, *wait, per_second} : QuotaAnswer{};
}

}  // namespace

QuotaAnswer QuotaTable::answer(const RateQuestion& question, Instant now) {
  const auto& [account, plan, key, key_per_second, tokens] = question;
  if (!plan.per_second && !key_per_second) return {};
  const std::lock_guard lock(mutex_);
  if (key_per_second) {
    const double price = cost(key.octets, *key_per_second, tokens);
    const QuotaAnswer granted = take(key_buckets_, key, *key_per_second, price, now);
    if (granted.kind != QuotaAnswer::Kind::Granted) return granted;
  }
  if (!plan.per_second) return {};
  const double price = cost(account.octets, *plan.per_second, tokens);
  return take(account_buckets_, account, *plan.per_second, price, now);
}

// A machine that has a third of the rate pays three tokens a message.
double QuotaTable::cost(const std::array<std::uint8_t, 10>& who, std::uint32_t per_second, double messages) {
  if (shared_ == nullptr || messages == 0) return messages;
  const double one = 1 / shared_->share_of_rate(who, messages);
  return messages * std::max(1.0, std::min(one, kMostSecondsOfAMessage * per_second));
}

QuotaAnswer QuotaTable::take_message(const AccountId& account, const store::Plan& plan, const KeyId& key,
                                     std::optional<std::uint32_t> key_per_second, Instant now, std::uint32_t messages) {
  return answer({account, plan, key, key_per_second, static_cast<double>(messages)}, now);
}

QuotaAnswer QuotaTable::peek_message(const AccountId& account, const store::Plan& plan, const KeyId& key,
                                     std::optional<std::uint32_t> key_per_second, Instant now) {
  return answer({account, plan, key, key_per_second, 0}, now);
}

std::optional<QuotaTable::RateLeft> QuotaTable::rate_left(const AccountId& account, const store::Plan& plan, const KeyId& key,
                                                           std::optional<std::uint32_t> key_per_second, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto left_of = [now](std::uint32_t limit, const TokenBucket* bucket) {
    return RateLeft{limit, bucket ? bucket->left(limit, now) : limit};
  };
  std::optional<RateLeft> tighter;
  if (plan.per_second) tighter = left_of(*plan.per_second, account_buckets_.find(account));
  if (key_per_second) {
    const RateLeft of_key = left_of(*key_per_second, key_buckets_.find(key));
    if (!tighter || std::pair(of_key.left, of_key.limit) < std::pair(tighter->left, tighter->limit)) tighter = of_key;
  }
  return tighter;
}

QuotaTable::Usage& QuotaTable::usage(std::unique_lock<std::mutex>& lock, const AccountId& account, Instant now) {
  Usage* found = &usages_.touch(account).first;
  if (!found->is_loaded) {
    lock.unlock();
    const std::uint64_t day = load_(account, store::CounterPeriod::Day, now);
    const std::uint64_t month = load_(account, store::CounterPeriod::Month, now);
    lock.lock();
    // Another thread may have done the same, or have forgotten the account.
    found = &usages_.touch(account).first;
    if (!found->is_loaded) *found = {.day = day, .month = month, .unsaved = 0, .at = now, .is_loaded = true};
    usages_.shrink_to(kMaxQuotaEntries, [](const Usage& oldest) { return oldest.unsaved == 0; });
  }
  Usage& usage = *found;
  if (!is_same_day(usage.at, now)) {
    if (usage.unsaved > 0) keep({account, usage.at, usage.unsaved});
    usage.unsaved = usage.day = 0;
    if (!is_same_month(usage.at, now)) usage.month = 0;
  }
  usage.at = now;
  return usage;
}

QuotaAnswer QuotaTable::room_for(const Usage& used, const store::Plan& plan, std::uint64_t recipients, Instant now) {
  if (plan.per_day && used.day + recipients > *plan.per_day) return exceeded(*plan.per_day, now, next_day(now));
  if (plan.per_month && used.month + recipients > *plan.per_month) return exceeded(*plan.per_month, now, next_month(now));
  return {};
}

QuotaAnswer QuotaTable::room_elsewhere(Claim claim, const Usage& used, const AccountId& account, const store::Plan& plan,
                                       std::uint64_t recipients, Instant now) {
  if (shared_ == nullptr || (!plan.per_day && !plan.per_month)) return {};
  const SharedQuotas::Question question{account, plan, used.day, used.month, recipients};
  switch (claim == Claim::Take ? shared_->take(question, now) : shared_->look(question, now)) {
    case SharedQuotas::Standing::Granted:
      return {};
    case SharedQuotas::Standing::DayUsedUp:
      return exceeded(plan.per_day.value_or(0), now, next_day(now));
    case SharedQuotas::Standing::MonthUsedUp:
      return exceeded(plan.per_month.value_or(0), now, next_month(now));
    case SharedQuotas::Standing::Pending:
    case SharedQuotas::Standing::Elsewhere:
      break;
  }
  return {QuotaAnswer::Kind::Elsewhere, seconds(1), plan.per_day ? *plan.per_day : *plan.per_month};
}

bool QuotaTable::is_ready(const AccountId& account, const store::Plan& plan, Instant now) {
  if (shared_ == nullptr || (!plan.per_day && !plan.per_month)) return true;
  std::unique_lock lock(mutex_);
  const Usage& used = usage(lock, account, now);
  return shared_->look({account, plan, used.day, used.month, 1}, now) != SharedQuotas::Standing::Pending;
}

QuotaAnswer QuotaTable::peek(const AccountId& account, const store::Plan& plan, std::uint64_t recipients, Instant now) {
  std::unique_lock lock(mutex_);
  const Usage& used = usage(lock, account, now);
  const QuotaAnswer room = room_for(used, plan, recipients, now);
  return room.kind == QuotaAnswer::Kind::Granted ? room_elsewhere(Claim::Look, used, account, plan, recipients, now) : room;
}

QuotaAnswer QuotaTable::reserve(const AccountId& account, const store::Plan& plan, std::uint64_t recipients, Instant now) {
  std::unique_lock lock(mutex_);
  Usage& used = usage(lock, account, now);
  QuotaAnswer room = room_for(used, plan, recipients, now);
  if (room.kind == QuotaAnswer::Kind::Granted) room = room_elsewhere(Claim::Take, used, account, plan, recipients, now);
  if (room.kind != QuotaAnswer::Kind::Granted) return room;
  used.day += recipients;
  used.month += recipients;
  used.unsaved += recipients;
  return {};
}

void QuotaTable::release(const AccountId& account, std::uint64_t recipients, Instant at) {
  const std::lock_guard lock(mutex_);
  if (shared_ != nullptr) shared_->give_back(account, recipients, at);
  Usage* const found = usages_.find(account);
  if (found == nullptr) return;
  Usage& used = *found;
  // What has been written behind already stays counted: that errs on the quota's side, by one transaction at most.
  const std::uint64_t back = std::min({recipients, used.unsaved, used.day, used.month});
  used.day -= back;
  used.month -= back;
  used.unsaved -= back;
}

std::vector<QuotaTable::Unsaved> QuotaTable::take_unsaved() {
  const std::lock_guard lock(mutex_);
  std::vector<Unsaved> taken;
  taken.reserve(kept_.size());
  for (const auto& [period, count] : kept_) taken.push_back(count);
  kept_.clear();
  for (auto& [account, used] : usages_) {
    if (used.unsaved > 0) taken.push_back({account, used.at, used.unsaved});
    used.unsaved = 0;
  }
  return taken;
}

void QuotaTable::keep(const Unsaved& count) {
  kept_.try_emplace({floor<days>(count.at), count.account}, Unsaved{count.account, count.at, 0}).first->second.recipients +=
      count.recipients;
}

void QuotaTable::put_back(const std::vector<Unsaved>& unsaved) {
  const std::lock_guard lock(mutex_);
  for (const Unsaved& count : unsaved) keep(count);
}

}  // namespace postern::submission
