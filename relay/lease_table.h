// The leases of the queue: one for each destination of a message. Pure.
#pragma once

#include "relay/due_reader.h"
#include "relay/held_mail.h"
#include "relay/lease.h"

#include <functional>
#include <memory>
#include <unordered_map>

namespace postern::relay {

class LeaseTable {
 public:
  // Of no destination in particular: it keeps the message from all of them.
  static constexpr HopId kAnyHop = 0;

  bool contains(const MessageId& id) const { return leases_.contains(id); }
  // With one open part.
  std::shared_ptr<Lease> add(HopId hop, const store::DueKey& key, store::StoredMessage&& stored,
                             Instant at);
  void remove(const std::shared_ptr<Lease>& lease);

  // True if the message is leased for the hop, for any, or for one that is not current: that one
  // may have what is this one's now. An entry that the lease was not given for is read again at its
  // end.
  bool has(HopId hop, const store::DueEntry& entry, const std::function<bool(HopId)>& is_current);

 private:
  std::unordered_multimap<MessageId, std::shared_ptr<Lease>, MessageIdHash> leases_;
};

}  // namespace postern::relay
