// Time as a value that tests can move. Instants are UTC, in microseconds.
#pragma once

#include <chrono>

namespace postern {

using Instant = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::microseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  // Any thread.
  virtual Instant now() const = 0;
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  Instant now() const override;
};

}  // namespace postern
