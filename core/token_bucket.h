// A rate: so many tokens a second, of which at most one second's worth is saved up. The time is an argument.
#pragma once

#include "core/clock.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace postern {

class TokenBucket {
 public:
  // Full, so that the first second may take a whole second's worth.
  static TokenBucket full(std::uint32_t per_second, Instant now);

  // nullopt: granted, `count` taken. Else the seconds, 1 at least, until one token is there; nothing is taken. More may be taken
  // than there is: who comes next waits for it. A `count` of 0 only looks. A clock that was set back gives nothing and takes
  // nothing. Requires: `per_second` is not 0.
  std::optional<std::chrono::seconds> take(std::uint32_t per_second, double count, Instant now);

  // Whole tokens that are there.
  std::uint32_t left(std::uint32_t per_second, Instant now) const;

 private:
  double tokens_ = 0;
  Instant filled_;
};

}  // namespace postern
