#include "relay/retry_schedule.h"

#include <algorithm>

namespace postern::relay {

Duration with_jitter(Duration delay, Random& random) {
  const auto fifth = static_cast<std::uint64_t>(std::max<Duration::rep>(delay.count() / 5, 1));
  return delay - Duration(static_cast<Duration::rep>(fifth)) + Duration(static_cast<Duration::rep>(random.below(2 * fifth + 1)));
}

std::optional<Instant> RetrySchedule::next_attempt(unsigned attempts, Instant accepted_at, Instant now, Random& random) const {
  if (now - accepted_at >= lifetime) return std::nullopt;
  const Instant next = now + with_jitter(wait_after(attempts), random);
  // A last try right at the end of the lifetime, not one that comes hours after it.
  return std::min(next, std::max(accepted_at + lifetime, now + std::chrono::seconds(1)));
}

Duration RetrySchedule::longest_wait(unsigned attempts) const {
  if (attempts == 0) return Duration{0};
  return wait_after(attempts) + wait_after(attempts) / 5;
}

Duration RetrySchedule::wait_after(unsigned attempts) const {
  Duration delay = first;
  for (unsigned i = 1; i < attempts && delay < longest; ++i) delay *= 2;
  return std::min(delay, longest);
}

}  // namespace postern::relay
