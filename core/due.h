// Whether it is time for something that is done now and then, by a clock that may be set.
#pragma once

#include "core/clock.h"

namespace postern {

// Of something done every `interval`: `next` has come, or is further ahead than it ever is, since the clock was set back.
inline bool is_due(Instant next, Duration interval, Instant now) { return next <= now || next - now > interval; }

}  // namespace postern
