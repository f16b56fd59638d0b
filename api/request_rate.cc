#include "api/request_rate.h"

#include <algorithm>
#include <limits>

namespace postern::api {

std::optional<std::chrono::seconds> AddressRate::take(const IpAddress& address, double count, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto [bucket, is_new] = buckets_.touch(limit_group(address));
  if (is_new) {
    bucket = TokenBucket::full(per_second_, now);
    buckets_.shrink_to(kMaxRatedCallers);
  }
  return bucket.take(per_second_, count, now);
}

std::uint32_t RequestRate::per_second(const Caller& caller, bool is_sending) const {
  if (!is_sending) return per_second_;
  const bool has_plan = caller.key && !caller.has_test_key() && caller.key->plan.per_second;
  if (has_plan) return std::max(per_second_, *caller.key->plan.per_second);
  const std::uint64_t most = std::uint64_t{per_second_} * kSendingFactor;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(most, std::numeric_limits<std::uint32_t>::max()));
}

std::optional<std::chrono::seconds> RequestRate::take(const Caller& caller, bool is_sending, Instant now) {
  const Kind kind = is_sending ? Kind::Sending : caller.key ? Kind::Keys : Kind::People;
  const std::uint32_t rate = per_second(caller, is_sending);
  const std::lock_guard lock(mutex_);
  const auto [bucket, is_new] = buckets_.touch({caller.account, kind});
  if (is_new) {
    bucket = TokenBucket::full(rate, now);
    buckets_.shrink_to(kMaxRatedCallers);
  }
  return bucket.take(rate, 1, now);
}

std::uint32_t RequestRate::left(const Caller& caller, Instant now) {
  const std::lock_guard lock(mutex_);
  const TokenBucket* bucket = buckets_.find({caller.account, caller.key ? Kind::Keys : Kind::People});
  return bucket ? bucket->left(per_second_, now) : per_second_;
}

}  // namespace postern::api
