// A clock that stands until a test moves it.
#pragma once

#include "core/clock.h"

#include <atomic>

namespace postern::test {

class FakeClock final : public Clock {
 public:
  // 2026-01-05 10:00:00 UTC, a Monday, unless said otherwise.
  explicit FakeClock(Instant start = Instant{std::chrono::seconds{1'767'607'200}})
      : now_(start.time_since_epoch().count()) {}

  Instant now() const override { return Instant{Duration{now_.load()}}; }
  void advance(Duration by) { now_ += by.count(); }
  void set(Instant to) { now_ = to.time_since_epoch().count(); }

 private:
  std::atomic<Duration::rep> now_;
};

}  // namespace postern::test
