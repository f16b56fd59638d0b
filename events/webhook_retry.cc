#include "events/webhook_retry.h"

#include <algorithm>
#include <array>

namespace postern::events {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<Duration, 7> kWaits = {seconds(5), seconds(30), minutes(2), minutes(10), minutes(30), hours(1), hours(2)};
constexpr int kJitterPart = 5;  // at most a fifth on top

Duration wait_after(unsigned attempts) { return kWaits[std::min<std::size_t>(std::max(attempts, 1U), kWaits.size()) - 1]; }

}  // namespace

std::optional<Instant> next_webhook_attempt(unsigned attempts, Instant first_attempt, Instant now, Random& random) {
  const Duration wait = wait_after(attempts);
  const auto most = static_cast<std::uint64_t>((wait / kJitterPart).count());
  const Instant next = now + wait + Duration{static_cast<Duration::rep>(random.below(most))};
  if (next - first_attempt > kWebhookLifetime) return std::nullopt;
  return next;
}

Duration longest_webhook_wait(unsigned attempts) {
  if (attempts == 0) return Duration{0};
  return wait_after(attempts) + wait_after(attempts) / kJitterPart;
}

bool is_webhook_dead(const store::WebhookProgress& progress, unsigned failures, Instant now) {
  return progress.failing_since && now - *progress.failing_since >= kDisableAfter && failures >= kDisableMinFailures;
}

}  // namespace postern::events
