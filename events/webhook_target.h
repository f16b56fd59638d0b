// Where a webhook's requests may go: the rules for its URL, and for every address that its host turns out to have. Pure.
//
// An account names the URL, so without these rules it could have this machine ask hosts that only this machine reaches
// (server-side request forgery, CWE-918). The URL is judged when the webhook is made; the addresses are judged at every
// attempt, and the connection goes to an address that was judged: a name that changes in between gains nothing.
#pragma once

#include "core/ip_address.h"
#include "core/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::events {

inline constexpr std::size_t kMaxWebhookUrlOctets = 2048;  // what common clients and logs still take

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  friend bool operator==(const PortRange&, const PortRange&) = default;
};
// "443" or "1024-65535"; nullopt: not that, port 0, or the wrong way round.
std::optional<PortRange> parse_port_range(std::string_view text);

struct WebhookPolicy {
  bool allows_http = false;                   // TLS is required otherwise
  std::vector<IpNetwork> allowed_networks{};  // reachable in spite of their range: a receiver next door, tests
  // What else listens below 1024 takes a request's lines for its own: mail, remote shells, printers.
  std::vector<PortRange> ports{{80, 80}, {443, 443}, {1024, 65535}};
};

struct WebhookTarget {
  bool is_tls = true;
  std::string host;            // a name in lower case, or an IP address without brackets
  std::uint16_t port = 443;
  std::string host_field;      // Host: with the port where it is not the scheme's
  std::string request_target;  // path and query, "/" at least
};

// InvalidArgument, with words for people: not http(s), credentials or a fragment in it, no port or one that the policy leaves out,
// no host name, a literal of a forbidden network.
Result<WebhookTarget> parse_webhook_url(std::string_view url, const WebhookPolicy& policy);

// False for what is neither public (core/special_addresses) nor allowed by the policy.
bool may_contact(const IpAddress& address, const WebhookPolicy& policy);

}  // namespace postern::events
