// What a delivery attempt or an operator changed of a message, applied to its records in a write transaction.
#pragma once

#include "store/spool.h"
#include "store/spool_transaction.h"

namespace postern::store {

// What is told of a message that is held until `at`.
Event make_schedule_event(const MessageRecord& message, Instant at, Instant now);

// Applies the changes to the record as it is now. A change that says Pending does not revive a recipient that left Pending
// meanwhile (cancelled while an attempt was under way); one that says what became of it is believed.
// Refuses before it writes: NotFound, InvalidArgument (no such recipient), AlreadyExists (a notification's id).
Result<void> apply_settlement(SpoolTransaction spool, const Settlement& settlement, Duration capture_retention);

// Conflict: nothing is pending.
Result<void> apply_retry(SpoolTransaction spool, const MessageId& id, Instant now);
struct Schedule {
  Instant at;
  Instant now;
};
// Conflict: it waits for no time, or has begun.
Result<DueEntry> apply_reschedule(SpoolTransaction spool, const MessageId& id, const Schedule& schedule,
                                  Duration capture_retention);
Result<void> apply_cancel(SpoolTransaction spool, const MessageId& id, Instant now, Duration capture_retention);

}  // namespace postern::store
