// A session with a mail host → what a TLS report says of it (RFC 8460 §4.3).
#pragma once

#include "mx/sts_policies.h"
#include "mx/tls_policy.h"
#include "net/tls_peer.h"
#include "reports/tls_results.h"

#include <optional>
#include <string>

namespace postern::relay {

struct SeenSession {
  std::string domain{};  // the recipient's
  std::string host{};
  std::string address{};
  bool is_open = false;
  bool is_tls = false;
  bool is_tls_failure = false;  // it was TLS that failed
  net::TlsFault fault = net::TlsFault::None;
};

// nullopt: it says nothing of TLS, or only of what this message asks for. A session that was refused by `decision` is not open.
std::optional<reports::TlsSession> observe_tls(const SeenSession& seen, const mx::TlsDecision& decision,
                                               const std::optional<mx::StsAnswer>& sts);

}  // namespace postern::relay
