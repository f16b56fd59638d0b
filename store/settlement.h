// What a delivery attempt or an operator changed of a message, applied to its records in a write transaction.
#pragma once

#include "store/spool.h"
#include "store/spool_transaction.h"

namespace postern::store {

// Applies the changes to the record as it is now. A change that says Pending does not revive a recipient that left Pending
// meanwhile (cancelled while an attempt was under way); one that says what became of it is believed.
// Refuses before it writes: NotFound, InvalidArgument (no such recipient), AlreadyExists (a notification's id).
Result<void> apply_settlement(SpoolTransaction spool, const Settlement& settlement, Duration capture_retention);

// Conflict: nothing is pending.
Result<void> apply_retry(SpoolTransaction spool, const MessageId& id, Instant now);
// Conflict: nothing is pending, or an attempt was made. The entry is of all its rows: its lane is empty where it has several.
Result<DueEntry> apply_reschedule(SpoolTransaction spool, const MessageId& id, Instant at);
Result<void> apply_cancel(SpoolTransaction spool, const MessageId& id, Instant now, Duration capture_retention);

}  // namespace postern::store
