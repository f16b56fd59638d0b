// Instants as text and back.
#pragma once

#include "core/clock.h"
#include "core/result.h"

#include <string>
#include <string_view>

namespace postern {

std::string format_rfc3339(Instant instant);        // "2026-11-21T09:30:00Z"
std::string format_rfc5322_date(Instant instant);   // "Sat, 21 Nov 2026 09:30:00 +0000"
Result<Instant> parse_rfc3339(std::string_view text);  // "2026-11-21" and "2026-11-21T09:30:00Z"
// RFC 3339 §5.6, with fractions of a second and an offset as they come: "2026-11-21T11:30:00.858+02:00".
Result<Instant> parse_date_time(std::string_view text);
// "90s", "15m", "12h", "30d"; a bare number is refused so that units are always said.
Result<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration duration);     // the largest unit that divides it: "15m"

}  // namespace postern
