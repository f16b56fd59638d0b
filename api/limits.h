// Every size and count of the endpoints that is no record's own, each with its reason. Of a body: api/body_limits.h.
#pragma once

#include <cstddef>

namespace postern::api {

// Depth of a JSON body: none of our schemas reaches ten.
inline constexpr std::size_t kMaxJsonDepth = 32;
// Values of a JSON body, names not counted: a batch of a hundred e-mails has a thousand recipients in each.
inline constexpr std::size_t kMaxJsonValues = 128 * 1024;
// Memory of a parsed body: long strings, which big bodies consist of, take at most three times their length while they are
// parsed; small bodies of many small values take more for each octet.
inline constexpr std::size_t kJsonMemoryFactor = 4;
inline constexpr std::size_t kJsonMemoryBase = 2 * 1024 * 1024;
// A bigger one is parsed on a worker: of the smallest values this much takes about a millisecond.
inline constexpr std::size_t kMaxInlineJsonOctets = 64 * 1024;

// Records that are looked at for one page of a list whose filter may fit few: some milliseconds of a worker. Then the answer's
// `next` says where to go on.
inline constexpr std::size_t kMaxListReads = 2'000;

}  // namespace postern::api
