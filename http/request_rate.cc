#include "http/request_rate.h"

namespace postern::http {

std::optional<std::chrono::seconds> RequestRate::take(const Caller& caller, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto [bucket, is_new] = buckets_.touch({caller.account, caller.key.has_value()});
  if (is_new) {
    bucket = TokenBucket::full(per_second_, now);
    buckets_.shrink_to(kMaxRatedCallers);
  }
  return bucket.take(per_second_, 1, now);
}

std::uint32_t RequestRate::left(const Caller& caller, Instant now) {
  const std::lock_guard lock(mutex_);
  const TokenBucket* bucket = buckets_.find({caller.account, caller.key.has_value()});
  return bucket ? bucket->left(per_second_, now) : per_second_;
}

}  // namespace postern::http
