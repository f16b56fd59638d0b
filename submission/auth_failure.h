// What both doors do with a credential that is refused: a line in the log, and where the key was recognised a memory of it, so
// that after a rotation one can find who still uses the old key.
#pragma once

#include "auth/authenticator.h"
#include "auth/usage_tracker.h"
#include "core/operator_log.h"
#include "core/refusals.h"
#include "submission/context.h"

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

inline void remember_refusal(const SubmissionContext& context, Door door, const auth::AuthFailure& failure, store::KeyUsage use) {
  if (!failure.owner) return;
  const RefusalRow& row = refusal_row(failure.refusal);
  if (context.refusals != nullptr) {
    context.refusals->add(failure.owner->account, {.at = use.at,
                                                   .environment = failure.owner->environment,
                                                   .key = failure.owner->key,
                                                   .is_http = door == Door::Http,
                                                   .token = std::string(row.token),
                                                   .words = std::string(row.text),
                                                   .from = {},
                                                   .to = {},
                                                   .peer = format_ip_address(use.address),
                                                   .client = use.helo_name});
  }
  context.usage.record_refusal(failure.owner->key, {std::move(use), std::string(row.token)});
}

}  // namespace postern::submission
