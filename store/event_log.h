// The event log: sequence → event, and which events a message has. Sequences grow in commit order and are never reused.
#pragma once

#include "core/event.h"
#include "store/spool_transaction.h"

#include <vector>

namespace postern::store {

Result<void> append_event(SpoolTransaction spool, Event event);
Result<std::vector<Event>> list_events_of(Transaction& transaction, const MessageId& id);
Result<std::vector<Event>> list_events_after(Transaction& transaction, std::uint64_t after, std::size_t limit);

// Removes at most `limit` of the oldest events: those from `before` or earlier, and those above `max_count`.
Result<std::size_t> expire_events(WriteTransaction& transaction, Instant before, std::uint64_t max_count,
                                  std::size_t limit);

}  // namespace postern::store
