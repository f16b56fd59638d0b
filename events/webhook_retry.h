// When an event is tried again at its webhook, and when a webhook is taken to be gone. Pure.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "store/records.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace postern::events {

inline constexpr Duration kWebhookLifetime = std::chrono::hours(24);  // of an event, from its first attempt
inline constexpr Duration kDisableAfter = std::chrono::hours(24);     // without one success …
inline constexpr unsigned kDisableMinFailures = 10;                   // … and that many failures: a rare event is no proof
inline constexpr unsigned kDownAfterFailures = 10;                    // in a row: it is the receiver, not the events

// The attempt after `attempts` failed ones: 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, then every 2 h, each up to a fifth longer so
// that what failed together does not come back together. nullopt: it would be later than kWebhookLifetime, the event is given up.
std::optional<Instant> next_webhook_attempt(unsigned attempts, Instant first_attempt, Instant now, Random& random);

// No attempt after `attempts` failed ones is further ahead than that: what is, was planned before the clock was set back.
Duration longest_webhook_wait(unsigned attempts);

// Whether a webhook that just failed for the `failures`th time in a row is to be disabled.
bool is_webhook_dead(const store::WebhookProgress& progress, unsigned failures, Instant now);

}  // namespace postern::events
