// The due index: (next attempt, message) → lane, in the order in which the queue attempts.
#pragma once

#include "store/records.h"
#include "store/tables.h"

#include <optional>
#include <vector>

namespace postern::store {

Result<std::vector<DueEntry>> list_due(Transaction& transaction, const std::optional<DueEntry>& after, Instant until,
                                       std::size_t limit);
Result<std::optional<Instant>> next_due(Transaction& transaction);
Result<std::optional<DueEntry>> find_due(Transaction& transaction, Instant due, const MessageId& id);

Result<void> put_due(WriteTransaction& transaction, const DueEntry& entry);
Result<void> erase_due(WriteTransaction& transaction, Instant due, const MessageId& id);

}  // namespace postern::store
