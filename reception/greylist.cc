#include "reception/greylist.h"

#include "core/case_fold.h"

namespace postern::reception {

std::optional<std::chrono::seconds> Greylist::wait_of(const Newcomer& newcomer, Duration delay, Instant now) {
  const IpAddress network = limit_group(newcomer.peer);
  if (Instant* const last = known_.find(network); last != nullptr && now - *last < kKnownFor) {
    known_.touch(network).first = now;
    return std::nullopt;
  }
  std::string key = format_ip_address(network) + ' ' + fold_case(newcomer.reverse_path) + ' ' + fold_case(newcomer.recipient);
  if (key.size() > kMaxNewcomerOctets) key.resize(kMaxNewcomerOctets);
  const auto [first, is_new] = first_seen_.touch(key);
  first_seen_.shrink_to(kMaxNewcomers);
  const Duration since = now - first;
  if (is_new || since > kNewcomerWindow || since < Duration{0}) first = now;
  const Duration left = first + delay - now;
  if (left > Duration{0}) return std::chrono::ceil<std::chrono::seconds>(left);
  known_.touch(network).first = now;
  known_.shrink_to(kMaxNewcomers);
  return std::nullopt;
}

}  // namespace postern::reception
