// Host name → endpoints, by the system's resolver. For smarthosts, whose names are configuration.
#pragma once

#include "core/result.h"
#include "net/awaitable.h"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace postern::relay {

inline constexpr std::size_t kMaxAddresses = 8;  // tried for one host; more only prolong a failing attempt

// All addresses of `host` in the system's order of preference, at most kMaxAddresses and at least one. An IP address, in
// brackets or not, needs no look-up. Errors: ResolveFailed, ConnectionTimedOut.
net::Awaitable<Result<std::vector<net::asio::ip::tcp::endpoint>>> look_up_host(std::string host, std::uint16_t port,
                                                                              std::chrono::seconds timeout);

}  // namespace postern::relay
