// RequestRate: how many requests a second one account may make beside those that send mail, which the plan's rate bounds. An
// account's keys have one rate together, its signed-in people another: a program that runs wild keeps nobody from revoking its key.
#pragma once

#include "core/ids.h"
#include "core/recent_map.h"
#include "core/token_bucket.h"
#include "http/api.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace postern::http {

// Remembered at once: whoever is forgotten may ask for a second's worth anew.
inline constexpr std::size_t kMaxRatedCallers = 65'536;

class RequestRate {
 public:
  // Requires: not 0.
  explicit RequestRate(std::uint32_t per_second) : per_second_(per_second) {}

  // nullopt: granted, and counted. Else how long to wait, and nothing is counted. Any thread.
  std::optional<std::chrono::seconds> take(const Caller& caller, Instant now);
  // How many more are granted at once now.
  std::uint32_t left(const Caller& caller, Instant now);
  std::uint32_t per_second() const { return per_second_; }

 private:
  const std::uint32_t per_second_;
  std::mutex mutex_;
  RecentMap<std::pair<AccountId, bool>, TokenBucket> buckets_;  // of the account's keys (true), of its people (false)
};

}  // namespace postern::http
