// What both doors do with a credential that is refused: a line in the log, and where the key was recognised a memory of it, so
// that after a rotation one can find who still uses the old key.
#pragma once

#include "auth/authenticator.h"
#include "auth/usage_tracker.h"
#include "core/operator_log.h"
#include "core/refusals.h"

#include <string>
#include <utility>

namespace postern::submission {

inline void log_auth_failure(const auth::AuthFailure& failure, const IpAddress& peer) {
  if (failure.owner) {
    operator_log::key_refused({failure.owner->account, failure.owner->key, peer}, failure.refusal);
  } else {
    operator_log::auth_failed(failure.refusal, peer);
  }
}

inline void remember_refusal(auth::UsageTracker& usage, const auth::AuthFailure& failure, store::KeyUsage use) {
  if (!failure.owner) return;
  usage.record_refusal(failure.owner->key, {std::move(use), std::string(refusal_row(failure.refusal).token)});
}

}  // namespace postern::submission
