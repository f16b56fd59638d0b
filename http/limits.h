// Every size and count of the HTTP server, each with its reason. The body's limit is the route's.
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

// Bodies that the connections of all clients hold at once, on their way in or out: some forty e-mails with 10 MiB of attachments
// each. Parsed and composed, a body takes up to five times as much, but no more than the workers have in hand.
inline constexpr std::size_t kMaxHeldBodyOctets = 512 * 1024 * 1024;
// Of them those of one account: two of the biggest e-mails.
inline constexpr std::size_t kMaxHeldBodyOctetsOfOne = 160 * 1024 * 1024;
// A response up to this size is not counted among them: strangers may ask for /openapi.json and read it slowly, and must not take
// the room of those who send.
inline constexpr std::size_t kUncountedResponseOctets = 256 * 1024;

// What is written under one deadline: a client must take so much within it.
inline constexpr std::size_t kWriteOctets = 64 * 1024;
// A response up to this size is copied behind its head, to leave in one write.
inline constexpr std::size_t kJoinedWriteOctets = 16 * 1024;

}  // namespace postern::http
