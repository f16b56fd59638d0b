// The event log: sequence → event, and which events a message and an account have. Sequences grow in commit order and are never
// reused.
#pragma once

#include "core/event.h"
#include "store/spool_transaction.h"

#include <deque>
#include <optional>
#include <vector>

namespace postern::store {

// Gives the event its sequence, whatever stands there.
Result<void> append_event(SpoolTransaction spool, Event event);
// In order of sequence.
Result<std::vector<Event>> list_events_of(Transaction& transaction, const MessageId& id);
// The same strictly after `after`; newest first strictly before `before`.
Result<std::vector<Event>> list_events_of_after(Transaction& transaction, const MessageId& id, std::uint64_t after,
                                                std::size_t limit);
Result<std::vector<Event>> list_events_of_before(Transaction& transaction, const MessageId& id, std::uint64_t before,
                                                 std::size_t limit);
// In order of sequence, strictly after `after`.
Result<std::vector<Event>> list_events_after(Transaction& transaction, std::uint64_t after, std::size_t limit);
Result<std::optional<Event>> find_event(Transaction& transaction, std::uint64_t sequence);
// Oldest first, strictly after `after`.
Result<std::vector<Event>> list_events_of_account_after(Transaction& transaction, const AccountId& account,
                                                        std::uint64_t after, std::size_t limit);
// Newest first, strictly before `before`; nullopt: from the newest.
Result<std::vector<Event>> list_events_of_account_before(Transaction& transaction, const AccountId& account,
                                                         std::optional<std::uint64_t> before, std::size_t limit);
// Fills the index by account for a log that was written before there was one. Returns how many events.
Result<std::size_t> index_events_by_account(WriteTransaction& transaction);

// Removes at most `limit` of the oldest events: those from `before` or earlier.
Result<std::size_t> expire_events(WriteTransaction& transaction, Instant before, std::size_t limit);
// Where there are more than `max_count`: the oldest of those accounts that have more than their share of `total`.
Result<std::deque<std::uint64_t>> find_excess_events(Transaction& transaction, std::uint64_t max_count, std::uint64_t total);
// False: it is gone already.
Result<bool> erase_event(WriteTransaction& transaction, std::uint64_t sequence);

}  // namespace postern::store
