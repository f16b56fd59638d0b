// MTA-STS policies (RFC 8461): the TXT record that announces one, the text that holds it, and which hosts it names. Pure.
#pragma once

#include "core/clock.h"
#include "mx/tls_policy.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mx {

inline constexpr std::size_t kMaxStsPolicyOctets = 65'536;     // RFC 8461 §3.2 advises a limit; policies have some hundred octets
inline constexpr std::size_t kMaxStsPatterns = 200;            // more than kMaxHosts can use
inline constexpr std::size_t kMaxStsIdOctets = 32;             // RFC 8461 §3.1
inline constexpr std::chrono::seconds kMaxStsAge{31'557'600};  // RFC 8461 §3.2

struct StsPolicy {
  StsMode mode = StsMode::None;
  std::vector<std::string> patterns;  // A-labels in lower case: a host, or "*." and what is below exactly one label
  std::chrono::seconds max_age{0};

  friend bool operator==(const StsPolicy&, const StsPolicy&) = default;
};

// The id that the TXT records of _mta-sts.<domain> announce; nullopt: not exactly one of them is a record of MTA-STS, or it has no
// id (RFC 8461 §3.1).
std::optional<std::string> find_sts_id(const std::vector<std::string>& texts);

// nullopt: it is no policy (RFC 8461 §3.2): another version, a field that is missing or malformed, enforce or testing without a
// host. Unknown fields are passed over, of a field that is there twice the first counts, line ends may be LF.
std::optional<StsPolicy> parse_sts_policy(std::string_view text);

// RFC 8461 §4.1. `host` in A-labels and lower case.
bool names_host(const StsPolicy& policy, std::string_view host);

// A policy as it is kept. `fetched` is when it was last found to be in force.
struct KeptStsPolicy {
  std::string id;
  StsPolicy policy;
  std::string text;  // as it was fetched, for reports (RFC 8460 §4.2)
  Instant fetched;

  bool is_over(Instant now) const { return now >= fetched + policy.max_age; }
};
std::string encode_sts_policy(const KeptStsPolicy& kept);
std::optional<KeptStsPolicy> decode_sts_policy(std::string_view octets);

}  // namespace postern::mx
