// wait_for: a pause that keeps no thread.
#pragma once

#include "core/clock.h"
#include "net/awaitable.h"

namespace postern::net {

// Resumes on the caller's executor; cancelling the coroutine ends it at once.
Awaitable<void> wait_for(Duration delay);

}  // namespace postern::net
