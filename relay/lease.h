// Lease: what of a due message goes to one destination, in the queue's hands. In memory only:
// whatever a crash leaves unsettled is simply due again.
#pragma once

#include "store/records.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace postern::relay {

struct Lease {
  store::DueKey key;
  store::StoredMessage stored;
  std::uint64_t hop =
      0;  // DueReader's: other destinations' recipients of the message are leased by themselves
  std::uint32_t open_parts = 0;  // waiting, under way, or settled and not yet synced
  // To be read again when the lease ends: what is left pending, and entries that were met elsewhere
  // while it held (somebody moved them, or the settlement is visible already and its completion
  // still on the way).
  std::vector<store::DueEntry> left;
  Instant read_at;  // when `stored` was as the store has it
};

// A leased message, or a part of its recipients: as many as one transaction may have.
struct Job {
  std::shared_ptr<Lease> lease;  // shared by the parts of one message
  std::vector<std::uint32_t> recipients;

  // What it costs to hold in memory, in units of a small message: records grow with the envelope.
  std::size_t weight() const { return 1 + lease->stored.message.envelope.recipients.size() / 16; }
};

}  // namespace postern::relay
