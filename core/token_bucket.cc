#include "core/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace postern {

TokenBucket TokenBucket::full(std::uint32_t per_second, Instant now) {
  TokenBucket bucket;
  bucket.tokens_ = per_second;
  bucket.filled_ = now;
  return bucket;
}

std::optional<std::chrono::seconds> TokenBucket::take(std::uint32_t per_second, double count, Instant now) {
  const double burst = per_second;
  const double elapsed = std::max(0.0, std::chrono::duration<double>(now - filled_).count());
  tokens_ = std::min(burst, tokens_ + elapsed * per_second);
  filled_ = now;
  if (tokens_ < 1) return std::chrono::seconds(std::max(1, static_cast<int>(std::ceil((1 - tokens_) / per_second))));
  tokens_ -= count;
  return std::nullopt;
}

std::uint32_t TokenBucket::left(std::uint32_t per_second, Instant now) const {
  const double elapsed = std::max(0.0, std::chrono::duration<double>(now - filled_).count());
  const double tokens = std::min<double>(per_second, tokens_ + elapsed * per_second);
  return tokens < 1 ? 0 : static_cast<std::uint32_t>(tokens);
}

}  // namespace postern
