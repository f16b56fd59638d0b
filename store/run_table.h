// The index of runs' messages, and the records of runs that were made.
#pragma once

#include "store/runs.h"
#include "store/spool_transaction.h"
#include "store/tables.h"

#include <optional>
#include <string_view>
#include <vector>

namespace postern::store {

// Nothing for what belongs to no run.
Result<void> index_run_message(WriteTransaction& transaction, const MessageRecord& message);
Result<void> unindex_run_message(WriteTransaction& transaction, const MessageRecord& message);
// For a spool of before there was the index.
Result<void> index_all_run_messages(WriteTransaction& transaction);

// The run's messages strictly newer than `after` (nullopt: from the oldest), oldest first; or strictly older than `before`
// (nullopt: from the newest), newest first. Notices about them included.
Result<std::vector<StoredMessage>> list_run_after(Transaction& transaction, const AccountId& account, std::string_view run,
                                                  const std::optional<MessageId>& after, std::size_t limit);
Result<std::vector<StoredMessage>> list_run_before(Transaction& transaction, const AccountId& account, std::string_view run,
                                                   const std::optional<MessageId>& before, std::size_t limit);
// The account's runs, at most `limit`, in no order that means anything.
Result<std::vector<RunOutline>> list_runs(Transaction& transaction, const AccountId& account, std::size_t limit);

Result<std::optional<RunRecord>> find_run(Transaction& transaction, const AccountId& account, std::string_view run);
// AlreadyExists; LimitExceeded: the account has kMaxRunsOfAccount.
Result<void> insert_run(WriteTransaction& transaction, const RunRecord& run);
// NotFound; InvalidArgument: it would go back.
Result<void> set_run_clock(WriteTransaction& transaction, const AccountId& account, std::string_view run, Instant clock);
// Events up to `sequence` were offered to webhooks; never less than before. NotFound.
Result<void> set_run_told(WriteTransaction& transaction, const AccountId& account, std::string_view run, std::uint64_t sequence);
// Nothing where the run was not made, or was made again since.
Result<void> put_run_memory(WriteTransaction& transaction, const RunMemory& memory);
Result<std::optional<RunMemory>> find_run_memory(Transaction& transaction, const AccountId& account, std::string_view run);
// NotFound: it has no record. Its messages stay.
Result<void> erase_run(WriteTransaction& transaction, const AccountId& account, std::string_view run);
// The run that ended first, at `now` or before.
Result<std::optional<RunRecord>> find_ended_run(Transaction& transaction, Instant now);

}  // namespace postern::store
