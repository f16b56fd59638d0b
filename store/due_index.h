// The due index: (lane, next attempt, message), so that each lane is read in the order in which its
// messages are attempted. Rows that are damaged are passed over: what stands behind them is due all
// the same, and examine() reports them.
#pragma once

#include "store/lane.h"
#include "store/records.h"
#include "store/tables.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::store {

// The entries of `lane` with due <= until, in order, strictly after `after` if given; at most
// `limit`.
Result<DueSlice> list_due(Transaction& transaction, std::string_view lane,
                          const std::optional<DueKey>& after, Instant until, std::size_t limit);
// Lanes that have entries, in order, strictly after `after` if given; at most `limit`. One step in
// the tree for each.
Result<std::vector<LaneHead>> list_lanes(Transaction& transaction,
                                         const std::optional<std::string>& after,
                                         std::size_t limit);
// All entries, lane by lane, strictly after `after` if given; at most `limit`.
Result<std::vector<DueEntry>> list_queued(Transaction& transaction,
                                          const std::optional<DueEntry>& after, std::size_t limit);
Result<bool> has_due(Transaction& transaction, std::string_view lane, const DueKey& key);

Result<void> put_due(WriteTransaction& transaction, std::string_view lane, const DueKey& key);
Result<void> erase_due(WriteTransaction& transaction, std::string_view lane, const DueKey& key);

// nullopt: not a row of this index.
std::optional<DueEntry> read_due_row(std::string_view key);

}  // namespace postern::store
