// Host name → endpoints, by the system's resolver. For smarthosts, whose names are configuration. Threads of its own do it, made
// once for the whole process: a look-up under way cannot be interrupted, so nobody ever waits for them, the end of the process
// included.
#pragma once

#include "core/result.h"
#include "net/awaitable.h"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace postern::dns {

inline constexpr std::size_t kMaxAddresses = 8;  // tried for one host; more only prolong a failing attempt

inline constexpr std::size_t kLookUpThreads = 4;    // a name whose servers are silent keeps one for up to half a minute
inline constexpr std::size_t kMaxLookUps = 256;     // that wait for a thread; one more fails at once

// Makes the threads now, so that the first look-up needs none. Else the first look-up does. Throws std::system_error where one
// cannot be made; those that were made stay.
void start_look_up_threads();

// All addresses of `host` in the system's order of preference, at most kMaxAddresses and at least one. An IP address, in
// brackets or not, needs no look-up. Errors: ResolveFailed, ConnectionTimedOut.
net::Awaitable<Result<std::vector<net::asio::ip::tcp::endpoint>>> look_up_host(std::string host, std::uint16_t port,
                                                                              std::chrono::seconds timeout);

}  // namespace postern::dns
