// One dialogue with the first of a domain's mail hosts that can be had, as the queue would have it, as far as RCPT; no mail goes.
#pragma once

#include "app/settings.h"
#include "core/mailbox.h"
#include "core/result.h"
#include "core/status.h"
#include "relay/route.h"

#include <chrono>
#include <optional>
#include <string>

namespace postern::app {

struct DeliveryTrace {
  std::string dialogue;  // lines "> EHLO …" and "< 250 …", and "* …" for what is not said
  std::string remote;    // the last address that was tried
  bool is_taken = false;
  Status status;         // of the recipient; or why no session could be had
};

// `sender`: nullopt is the null reverse-path. Blocks until it is done; ResolveFailed, ConnectionTimedOut.
Result<DeliveryTrace> trace_delivery(const Settings& settings, const relay::Route& route, const std::optional<Mailbox>& sender,
                                     const Mailbox& recipient, std::chrono::seconds limit);

}  // namespace postern::app
