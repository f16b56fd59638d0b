// How long a request's body may be. What carries mail follows the largest message that the configuration lets in; all else is
// small.
#pragma once

#include <cstddef>
#include <cstdint>

namespace postern::api {

enum class BodySize {
  Small,  // names, addresses, settings
  Email,  // one e-mail with its attachments
  Batch,  // up to kMaxBatchEmails without attachments
};

// In octets. For Email a third more than the largest message, and room for what has a bound of its own, such as its addresses:
// attachments are base64 in both, so the third is for line ends, quotes and other letters of the texts, which JSON escapes. What
// fits may still be composed to more than the largest message, and is then message_too_big.
std::size_t max_body_octets(BodySize size, std::uint64_t max_message_octets);

}  // namespace postern::api
