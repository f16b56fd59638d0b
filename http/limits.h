// Every size and count of the HTTP server, each with its reason. The body's limit is the route's (http/api.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace postern::http {

// Request line and fields together: what common servers take; a signed token and a browser's fields fit many times over.
inline constexpr std::size_t kMaxHeadOctets = 16 * 1024;
// RFC 9112 §3 recommends at least 8,000.
inline constexpr std::size_t kMaxTargetOctets = 8 * 1024;
// Longer than any registered method.
inline constexpr std::size_t kMaxMethodOctets = 32;
inline constexpr std::size_t kMaxFieldLines = 100;
// RFC 1035 bounds a name at 255; a port and brackets come on top.
inline constexpr std::size_t kMaxHostOctets = 270;
// Parameters of a query: nothing of ours takes ten.
inline constexpr std::size_t kMaxQueryParameters = 50;

// Digits of a chunk's size: 2^32 - 1 is above every body limit, and cannot overflow.
inline constexpr std::size_t kMaxChunkSizeDigits = 8;
// All chunk extensions of a body together (RFC 9112 §7.1.1 asks for a bound on the total): nobody needs them.
inline constexpr std::size_t kMaxChunkExtensionOctets = 256;

// What is read at a time; also the most of a pipelined request that waits while the one before is answered.
inline constexpr std::size_t kReadOctets = 16 * 1024;

// Depth of a JSON body.
inline constexpr std::size_t kMaxJsonDepth = 32;

}  // namespace postern::http
