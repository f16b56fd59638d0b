// Which addresses a stranger's name may lead us to: webhooks, MX hosts. Pure.
#pragma once

#include "core/ip_address.h"

namespace postern {

// False for what is not a public unicast address (the special-purpose registries of RFC 6890), and for IPv6 addresses that
// stand for such an IPv4 address: loopback, private, link-local with the clouds' metadata services, shared (RFC 6598), unique
// local, multicast, documentation, NAT64 (RFC 6052), 6to4 and Teredo.
bool is_public_unicast(const IpAddress& address);

}  // namespace postern
