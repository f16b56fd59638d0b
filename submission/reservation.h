// What a transaction takes of its account's rate and quotas. Test keys take nothing: they never
// count.
#pragma once

#include "auth/principal.h"
#include "core/clock.h"
#include "core/decision.h"
#include "submission/quota.h"

#include <cstdint>

namespace postern::submission {

// Takes `messages` of the rate; 0 takes and asks nothing. RateLimited with the wait and the rate.
Decision take_rate(QuotaTable& quota, const auth::Principal& who, std::uint32_t messages,
                   Instant now);
// What taking one would answer, and what reserving `recipients` would; nothing is taken.
Decision foresee_rate(QuotaTable& quota, const auth::Principal& who, Instant now);
Decision foresee_recipients(QuotaTable& quota, const auth::Principal& who, std::uint64_t recipients,
                            Instant now);

// Recipients held from the day's and month's quota, which go back with its destruction unless they
// were used.
class Reservation {
 public:
  // `quota` outlives it.
  explicit Reservation(QuotaTable& quota) : quota_(quota) {}
  ~Reservation();
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  // One more; the same principal each time. QuotaExceeded with the wait and the quota.
  Decision add(const auth::Principal& who, Instant now);
  // The message is accepted: they count for good.
  void use() { held_ = 0; }

 private:
  QuotaTable& quota_;
  AccountId account_;
  Instant since_;  // of the last of them
  std::uint64_t held_ = 0;
};

}  // namespace postern::submission
