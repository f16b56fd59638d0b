// Lease: a due message in the queue's hands. In memory only: whatever a crash leaves unsettled is simply due again.
#pragma once

#include "store/records.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace postern::relay {

struct Lease {
  store::DueEntry entry;
  store::StoredMessage stored;
  std::uint32_t open_groups = 0;  // waiting, under way, or settled and not yet synced
  bool has_several_groups = false;  // or parts of one
  // The entry as it was met again while the lease held: the settlement is visible already, its completion is still on the way.
  std::optional<store::DueEntry> met_again;
  Instant read_at;  // when `stored` was as the store has it
};

// The part of a leased message that goes to one destination.
struct Job {
  std::shared_ptr<Lease> lease;  // shared by the groups of one message
  std::vector<std::uint32_t> recipients;

  // What it costs to hold in memory, in units of a small message: records grow with the envelope.
  std::size_t weight() const { return 1 + lease->stored.message.envelope.recipients.size() / 16; }
};

}  // namespace postern::relay
