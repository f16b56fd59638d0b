#include "api/body_limits.h"

#include <algorithm>

namespace postern::api {
namespace {

// The biggest that is not mail: a webhook with its filters, a key with its networks.
constexpr std::size_t kSmallOctets = 64 * 1024;
// A thousand recipients with display names of the longest that we take.
constexpr std::size_t kAddressOctets = 1024 * 1024;
// A hundred e-mails of 160 KiB each: newsletters, where no e-mail may be big.
constexpr std::size_t kLeastBatchOctets = 16 * 1024 * 1024;

std::size_t email_octets(std::uint64_t max_message_octets) {
  return static_cast<std::size_t>(max_message_octets + max_message_octets / 3) + kAddressOctets;
}

}  // namespace

std::size_t max_body_octets(BodySize size, std::uint64_t max_message_octets) {
  switch (size) {
    case BodySize::Small: break;
    case BodySize::Email: return email_octets(max_message_octets);
    case BodySize::Batch: return std::max(email_octets(max_message_octets), kLeastBatchOctets);
  }
  return kSmallOctets;
}

}  // namespace postern::api
