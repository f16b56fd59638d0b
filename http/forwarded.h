// Whom a trusted proxy speaks for: X-Forwarded-For (with X-Forwarded-Proto) or Forwarded (RFC 7239), one of the two by
// configuration, since a proxy that sets one passes on what a client wrote into the other. Pure.
#pragma once

#include "core/ip_address.h"
#include "http/request_handler.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::http {

enum class ForwardedField { XForwardedFor, Forwarded };

struct TrustedProxies {
  std::vector<IpNetwork> networks;  // empty: none is believed
  ForwardedField field = ForwardedField::XForwardedFor;

  bool contain(const IpAddress& address) const;
};

// `peer` is the connection's. From a trusted proxy: the last address in the field that is no trusted proxy's, which no client can
// have written. `fields`: names in lower case, in their order. Without the field `peer` itself: the proxy's own health check. An
// entry that is no address ends the search: the proxy that wrote it hides its client, who then is no local one.
PeerFacts client_behind(const TrustedProxies& proxies, const PeerFacts& peer,
                        const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace postern::http
