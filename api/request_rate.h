// RequestRate: how many requests a second one account may make. Its keys have one rate together, its signed-in people another: a
// program that runs wild keeps nobody from revoking its key. Requests that send mail have a third, above the plan's: the plan
// counts messages, and what is refused before there is one costs nevertheless.
#pragma once

#include "api/api.h"
#include "core/ids.h"
#include "core/ip_address.h"
#include "core/recent_map.h"
#include "core/token_bucket.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace postern::api {

// Requests that send, to others: a test key has no plan, and a plan may know no bound.
inline constexpr std::uint32_t kSendingFactor = 10;

// Remembered at once: whoever is forgotten may ask for a second's worth anew.
inline constexpr std::size_t kMaxRatedCallers = 65'536;

// Of what needs no credential, from one IPv4 address or IPv6 /64: a page's worth, and what a proxy brings of several people. A long
// answer counts as one request for each so many octets.
inline constexpr std::uint32_t kOpenRequestsPerSecond = 50;
inline constexpr std::size_t kOpenOctetsOfOne = 16 * 1024;

class AddressRate {
 public:
  explicit AddressRate(std::uint32_t per_second) : per_second_(per_second) {}

  // nullopt: granted, and counted. Else how long to wait. Any thread.
  std::optional<std::chrono::seconds> take(const IpAddress& address, double count, Instant now);

 private:
  const std::uint32_t per_second_;
  std::mutex mutex_;
  RecentMap<IpAddress, TokenBucket> buckets_;
};

class RequestRate {
 public:
  // Requires: not 0.
  explicit RequestRate(std::uint32_t per_second) : per_second_(per_second) {}

  // nullopt: granted, and counted. Else how long to wait, and nothing is counted. Any thread.
  std::optional<std::chrono::seconds> take(const Caller& caller, bool is_sending, Instant now);
  // How many more are granted at once now, of those that do not send.
  std::uint32_t left(const Caller& caller, Instant now);
  // What take() goes by: for requests that send the plan's rate where that is more, or kSendingFactor times the others' where the
  // plan has none.
  std::uint32_t per_second(const Caller& caller, bool is_sending) const;

 private:
  enum class Kind { People, Keys, Sending };

  const std::uint32_t per_second_;
  std::mutex mutex_;
  RecentMap<std::pair<AccountId, Kind>, TokenBucket> buckets_;
};

}  // namespace postern::api
