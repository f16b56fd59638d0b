#include "relay/source_book.h"

#include "core/bytes.h"
#include "core/metrics.h"
#include "core/operator_log.h"
#include "core/time_format.h"

#include <chrono>

namespace postern::relay {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr int kKeptDays = 3;
constexpr int kTidiedDays = 32;  // a process that was stopped for a month still tidies up

metrics::Counter missing_sources("postern_egress_source_missing_total",
                                 "Connections that were not opened because the source's address is not on this machine.");

sys_days day_of(Instant now) { return std::chrono::floor<days>(now); }

}  // namespace

std::string warm_up_key(Instant now, std::string_view source, std::string_view provider) {
  return format_rfc3339(now).substr(0, 10).append(" ").append(source).append(" ").append(provider);
}

Instant end_of_day(Instant now) { return day_of(now) + days(1); }

void SourceBook::note_missing(std::string_view source, const IpAddress& address, Instant now) {
  missing_sources.add();
  const auto [known, is_new] = missing_.try_emplace(address);
  known->second.until = now + kMissingFor;
  const bool is_due = now - known->second.named_at >= kNamedEvery || now < known->second.named_at;
  if (!is_new && !is_due) return;
  known->second.named_at = now;
  operator_log::egress_source_missing(source, format_ip_address(address));
}

bool SourceBook::is_missing(const IpAddress& address, Instant now) const {
  const auto known = missing_.find(address);
  // A clock that was set back keeps nobody waiting for longer.
  return known != missing_.end() && now < known->second.until && known->second.until - now <= kMissingFor;
}

bool SourceBook::is_missing(const EgressSource& source, Instant now) const {
  if (missing_.empty()) return false;
  return (!source.v4 || is_missing(*source.v4, now)) && (!source.v6 || is_missing(*source.v6, now));
}

SourceBook::Count* SourceBook::count_of(const EgressSource& source, std::string_view provider, Instant now) {
  const sys_days today = day_of(now);
  if (!allowed_on(source.warm_up, today)) return nullptr;
  if (today != day_) {
    counts_.clear();
    day_ = today;
    for (int age = kKeptDays; age < kKeptDays + kTidiedDays; ++age) {
      memory_.erase(format_rfc3339(now - days(age)).substr(0, 10));
    }
  }
  const auto [count, is_new] = counts_.try_emplace(warm_up_key(now, source.name, provider));
  if (is_new) {
    const auto kept = memory_.find(count->first);
    count->second = kept ? parse_unsigned(*kept).value_or(0) : 0;
  }
  return &*count;
}

bool SourceBook::has_share(const EgressSource& source, std::string_view provider, Instant now) {
  if (!source.warm_up.from) return true;
  const Count* const count = count_of(source, provider, now);
  return count == nullptr || count->second < *allowed_on(source.warm_up, day_of(now));
}

// Shares are small: each is written at once.
void SourceBook::take_share(const EgressSource& source, std::string_view provider, Instant now) {
  Count* const count = source.warm_up.from ? count_of(source, provider, now) : nullptr;
  if (count != nullptr) memory_.put(count->first, std::to_string(++count->second));
}

void SourceBook::give_back(const EgressSource& source, std::string_view provider, Instant now) {
  Count* const count = source.warm_up.from ? count_of(source, provider, now) : nullptr;
  if (count == nullptr || count->second == 0) return;  // midnight has passed in between
  memory_.put(count->first, std::to_string(--count->second));
}

}  // namespace postern::relay
