// Completion: called once, on the commit thread, after the sync that made the write durable, or with the reason why it is not.
// It must be short: hand the result to the waiter's own executor and return.
#pragma once

#include "core/result.h"

#include <functional>

namespace postern::store {

using Completion = std::function<void(Result<void>)>;

}  // namespace postern::store
