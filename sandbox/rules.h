// The rule that everything else serves: whether a recipient is simulated, reached for real, or refused.
#pragma once

#include "core/ids.h"

namespace postern::sandbox {

enum class Decision { Simulate, Relay, Refuse };

// A test key never reaches anybody; a live key of a sandbox account reaches its whitelist; production reaches all.
Decision judge(Environment environment, AccountMode mode, bool is_whitelisted);

}  // namespace postern::sandbox
