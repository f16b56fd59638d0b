// What a delivery to a domain's mail hosts would find out and decide, without a connection to any of them: the same look-ups and
// the same decisions as the queue's (relay/mx_sessions). An MTA-STS policy is fetched, as if none were kept.
#pragma once

#include "app/settings.h"
#include "core/result.h"
#include "mx/plan.h"
#include "mx/sts_policies.h"
#include "mx/tls_policy.h"
#include "relay/route.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

namespace postern::app {

struct JudgedHost {
  mx::HostTlsa tlsa;
  mx::TlsDecision decision;
};

struct DeliveryProbe {
  mx::MailHosts hosts;
  mx::Plan plan;
  std::optional<mx::StsAnswer> sts;          // nullopt: of an address literal
  std::map<std::size_t, JudgedHost> judged;  // by host: those that have a hop
};

// Blocks until it is done; ResolveFailed, ConnectionTimedOut.
Result<DeliveryProbe> probe_delivery(const Settings& settings, const relay::Route& route, const std::string& domain,
                                     std::chrono::seconds limit);

}  // namespace postern::app
