// May this principal's message go to that recipient? Pure: the facts are looked up by the caller.
#pragma once

#include "auth/principal.h"
#include "core/decision.h"
#include "core/envelope.h"

#include <string_view>

namespace postern::submission {

struct RecipientFacts {
  bool is_whitelisted = false;   // on the account's sandbox whitelist
  bool has_route = false;        // a route leads to the domain
  std::string_view simulator_domain;
};

// A test key is told for good what a live one would be told for good.
Decision judge_recipient(const auth::Principal& principal, const Recipient& recipient, const RecipientFacts& facts);

}  // namespace postern::submission
