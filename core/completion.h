// Completion: called once, on the commit thread, after the sync that made the write durable, or with the reason why it is not.
// What is refused or known at once (shedding, a failed store, a window that has room) is completed before the call returns, on
// the caller's thread. It must be short: hand the result to the waiter's own executor and return.
#pragma once

#include "core/result.h"

#include <functional>

namespace postern {

using Completion = std::function<void(Result<void>)>;

}  // namespace postern
