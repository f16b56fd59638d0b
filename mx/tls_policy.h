// How well a session with a mail host has to be protected, and by what the host is known: one decision of everything that has a
// say in it. DANE before MTA-STS before what is offered (RFC 7672, RFC 8461 §2); a message may ask for more (REQUIRETLS) or less
// (TLS-Required: No; RFC 8689). Pure.
#pragma once

#include "core/status.h"
#include "mx/host.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mx {

// What the message asks for. REQUIRETLS in the envelope overrides the field (RFC 8689 §4.1).
enum class TlsDemand { Usual, RequireTls, NotRequired };

// What the operator asks for, of every host of the route.
enum class TlsFloor {
  Never,          // no TLS, whatever is published
  Opportunistic,  // what the recipient's domain publishes; what is offered where it publishes nothing
  Verified,       // at least a certificate that is valid for the host
};

enum class StsMode { None, Testing, Enforce };
// What the MTA-STS policy of the domain says of one host.
struct StsView {
  StsMode mode = StsMode::None;
  bool matches = false;  // the host is among its mx patterns
};

// In rising order.
enum class TlsLevel {
  Clear,          // no TLS
  Opportunistic,  // if offered, without looking at the certificate; in the clear where it does not work
  Encrypted,      // TLS or nothing, without looking at the certificate
  Verified,       // and a certificate by the CAs for one of the names
  Dane,           // and what the TLSA records say
};
inline constexpr std::size_t kTlsLevels = 5;
std::string_view tls_level_name(TlsLevel level);  // "dane": for metrics, logs and people

// Closed set, for metrics.
enum class DaneOutcome { Ok, Unusable, NotApplicable, InsecureChain, TempFail };
inline constexpr std::size_t kDaneOutcomes = 5;
std::string_view dane_outcome_name(DaneOutcome outcome);  // "insecure_chain"

struct TlsFacts {
  std::string domain;  // the recipient's
  std::string host;
  bool is_mx_secure = false;
  HostTlsa tlsa;
  StsView sts;
};

struct TlsDecision {
  TlsLevel level = TlsLevel::Opportunistic;
  std::vector<std::string> names;     // Verified and Dane: what the certificate may be for, the first as SNI
  std::vector<net::TlsaRecord> tlsa;  // Dane: at least one
  DaneOutcome dane = DaneOutcome::InsecureChain;
  std::string reason;             // for people, a clause: "its TLSA records are validated"
  std::optional<Status> refusal;  // nothing may go to this host: 4yz for now, 5yz this message for good
};

TlsDecision decide_tls(const TlsFacts& facts, TlsDemand demand, TlsFloor floor);

// The demand of a message whose header section begins `content` (RFC 8689 §5: one field, "No").
TlsDemand find_tls_demand(bool is_require_tls, std::string_view content);

}  // namespace postern::mx
