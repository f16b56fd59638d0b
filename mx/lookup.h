// The mail hosts of a domain, asked of the DNS: MX, then all hosts' addresses at once, then TLSA records of the hosts that are
// tried. Nothing blocks; what is secure, insecure and bogus is carried through.
#pragma once

#include "core/random.h"
#include "dns/resolver.h"
#include "mx/host.h"
#include "net/awaitable.h"

#include <cstdint>
#include <string>

namespace postern::mx {

// `domain` is normalised: A-labels in lower case, or an address literal. With addresses, in the order in which they are tried.
net::Awaitable<MailHosts> look_up_hosts(dns::Resolver& resolver, std::string domain, Random& random, dns::Limits limits = {});

// Where and whether the host's certificate is published (RFC 7672 §2.2.2): below its alias' last name where the whole way there is
// secure, else, or where there is nothing, below its own if that is secure.
net::Awaitable<HostTlsa> look_up_tlsa(dns::Resolver& resolver, Host host, std::uint16_t port, dns::Limits limits = {});

}  // namespace postern::mx
