// The mail hosts of a recipient domain, as the DNS has them: what mx/lookup finds, mx/plan orders and mx/tls_policy judges.
#pragma once

#include "core/ip_address.h"
#include "core/status.h"
#include "net/tls_peer.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postern::mx {

struct Host {
  std::string name;  // the MX record's; of an implicit MX the domain itself. A-labels in lower case
  std::uint16_t preference = 0;
  std::vector<IpAddress> addresses{};  // IPv6 and IPv4 in turn (RFC 8305 §4)
  std::vector<std::string> aliases{};  // CNAME targets on the way to them; the last one has them
  bool is_secure = false;              // the addresses were validated, aliases included
  std::string failure{};               // the DNS gave no answer for either family: why not; empty otherwise
};

// The hosts in the order in which they are tried.
struct MailHosts {
  std::string domain;         // A-labels in lower case, or an address literal
  bool is_mx_secure = false;  // the MX records, or their absence, were validated
  bool is_implicit = false;   // there is no MX record (RFC 5321 §5.1), or the domain is a literal
  std::vector<Host> hosts{};
  std::optional<Status> failure{};  // there are none to try, for good or for now
};

// What the DNS said of a host's TLSA records.
enum class TlsaFinding {
  NotAsked,  // the host's addresses are not secure: it would prove nothing (RFC 7672 §2.2)
  Absent,    // there is none, or none that was validated
  Found,     // validated
  Unknown,   // forged, or no answer: the host is not to be used (RFC 7672 §2.1.3)
};
struct HostTlsa {
  TlsaFinding finding = TlsaFinding::NotAsked;
  std::string base{};                     // the name that they were found under, without port and protocol
  std::vector<net::TlsaRecord> usable{};  // net::find_usable()
  std::size_t records = 0;                // with those that are not
  std::string why{};                      // Unknown
};

}  // namespace postern::mx
