#include "sandbox/rules.h"

namespace postern::sandbox {

Decision judge(Environment environment, AccountMode mode, bool is_whitelisted) {
  if (environment == Environment::Test) return Decision::Simulate;
  if (mode == AccountMode::Production || is_whitelisted) return Decision::Relay;
  return Decision::Refuse;
}

}  // namespace postern::sandbox
