#include "relay/lease_table.h"

#include <algorithm>
#include <utility>

namespace postern::relay {

std::shared_ptr<Lease> LeaseTable::add(HopId hop, const store::DueKey& key,
                                       store::StoredMessage&& stored, Instant at) {
  auto lease = std::make_shared<Lease>(Lease{.key = key,
                                             .stored = std::move(stored),
                                             .hop = hop,
                                             .open_parts = 1,
                                             .left = {},
                                             .read_at = at});
  leases_.emplace(key.id, lease);
  return lease;
}

void LeaseTable::remove(const std::shared_ptr<Lease>& lease) {
  const auto [first, last] = leases_.equal_range(lease->key.id);
  const auto found =
      std::find_if(first, last, [&lease](const auto& one) { return one.second == lease; });
  if (found != last) leases_.erase(found);
}

bool LeaseTable::has(HopId hop, const store::DueEntry& entry,
                     const std::function<bool(HopId)>& is_current) {
  const auto [first, last] = leases_.equal_range(entry.id);
  for (auto one = first; one != last; ++one) {
    Lease& lease = *one->second;
    const bool is_its_own = lease.hop == hop;
    if (!is_its_own && lease.hop != kAnyHop && is_current(lease.hop)) continue;
    const bool is_known = is_its_own && lease.key.due == entry.due;
    const bool is_noted = std::ranges::find(lease.left, entry) != lease.left.end();
    if (!is_known && !is_noted) lease.left.push_back(entry);
    return true;
  }
  return false;
}

}  // namespace postern::relay
