// What SPF, DKIM, DMARC and ARC say of a message that comes in, and what becomes of it by the policy of the domain that it came to.
// An answer of the DNS that does not come refuses and marks nothing.
#pragma once

#include "core/decision.h"
#include "dns/resolver.h"
#include "net/awaitable.h"
#include "provenance/message_check.h"
#include "store/records.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace postern::reception {

struct DoorVerdict {
  store::InboundVerdicts verdicts = {};
  std::string fields = {};  // for the top of the message, with their CR LF
  std::optional<Refused> refused = {};
};

// `subject.receiver`: our name, as Authentication-Results has it. Pure.
DoorVerdict judge_at_door(const provenance::SpfSubject& subject, const provenance::MessageVerdicts& found,
                          store::InboundPolicy policy);

// After the content's end; what the DNS has not said within `limit` is a temporary error. On an executor of one thread; `check`
// and `resolver` outlive it.
net::Awaitable<DoorVerdict> check_at_door(provenance::MessageCheck& check, dns::Resolver& resolver,
                                          provenance::SpfSubject subject, store::InboundPolicy policy,
                                          std::chrono::milliseconds limit);

// The header section of a message without the Authentication-Results that pretend to be ours.
std::string without_forged_results(const mime::HeaderScan& header, std::string_view id);

}  // namespace postern::reception
