// What is left of an account or a webhook that was removed: rows without a bound (a million suppressions), erased in slices, so
// that no commit keeps others waiting. A mark in the directory's Meta remembers them until the last is gone, also over a kill.
#pragma once

#include "store/tables.h"

#include <cstddef>
#include <string_view>

namespace postern::store {

// Rows that one commit erases: some milliseconds.
inline constexpr std::size_t kLeftoverSlice = 1'000;

// An account's keys, suppressions, usage, statistics, whitelist and confirmations, or a webhook's pending events, by the `id` (10
// octets) of whose it was, are erased by DirectoryWriter::remove_leftovers(). The record itself must go in the same transaction.
Result<void> leave_rows(WriteTransaction& transaction, std::string_view id);
Result<bool> has_leftovers(Transaction& transaction);
bool is_left_over(Transaction& transaction, std::string_view id);

}  // namespace postern::store
