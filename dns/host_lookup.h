// Host name → where to connect, as the machine's own resolver does it: the hosts file first, then
// the DNS, short names by the search list. For names that people write: next hops and webhooks.
#pragma once

#include "core/result.h"
#include "dns/resolver.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace postern::dns {

inline constexpr std::size_t kMaxAddresses = 8;  // tried for one host; more only prolong a failing attempt

net::asio::ip::tcp::endpoint endpoint_of(const IpAddress& address, std::uint16_t port);

// At least one, at most kMaxAddresses; the families in turn, IPv6 first (RFC 8305 §4), so that one
// that does not work leaves room for the other. `host` is a name. ResolveFailed: there is none, or
// the DNS does not say. ConnectionTimedOut, Cancelled.
net::Awaitable<Result<std::vector<IpAddress>>> find_addresses(Resolver& resolver, std::string host,
                                                              Limits limits = {});

// The same for a name or an address, in brackets or not; an address needs no look-up. Without a
// `resolver` there is nothing else.
net::Awaitable<Result<std::vector<net::asio::ip::tcp::endpoint>>> find_endpoints(Resolver* resolver,
                                                                                std::string host,
                                                                                std::uint16_t port,
                                                                                Limits limits = {});

}  // namespace postern::dns
