// Recovery; see the header. docs/storage.md, "What a crash leaves".
#include "store/recovery.h"

#include "store/delivery_marks.h"
#include "store/event_log.h"
#include "store/message_table.h"
#include "store/run_table.h"
#include "store/schema.h"
#include "store/spool_content.h"
#include "store/tables.h"

namespace postern::store {
namespace {

constexpr std::size_t kMessagesPerCommit = 64;  // each may have had hundreds of chunks

Result<bool> lacks(Transaction& transaction, SpoolTable index, SpoolTable of) {
  Result<std::uint64_t> rows = Table(transaction, index).count();
  if (!rows) return rows.error();
  Result<std::uint64_t> records = Table(transaction, of).count();
  if (!records) return records.error();
  return *rows == 0 && *records > 0;
}

// A spool of before the account indexes gets them once, in one commit.
Result<void> index_by_account(WriteTransaction& transaction) {
  Result<bool> is_missing = lacks(transaction, SpoolTable::AccountMessages, SpoolTable::Messages);
  if (!is_missing) return is_missing.error();
  if (*is_missing) {
    if (Result<std::size_t> indexed = index_messages_by_account(transaction); !indexed) return indexed.error();
  }
  is_missing = lacks(transaction, SpoolTable::AccountEvents, SpoolTable::Events);
  if (!is_missing) return is_missing.error();
  if (*is_missing) {
    if (Result<std::size_t> indexed = index_events_by_account(transaction); !indexed) return indexed.error();
  }
  return {};
}

// The same for runs. Most spools have no test mail, so that an empty index says nothing.
Result<void> index_by_run(WriteTransaction& transaction) {
  WritableTable meta(transaction, SpoolTable::Meta);
  Result<std::optional<std::string_view>> done = Table(transaction, SpoolTable::Meta).find(kRunsIndexedKey);
  if (!done) return done.error();
  if (*done) return {};
  if (Result<void> indexed = index_all_run_messages(transaction); !indexed) return indexed;
  return meta.put(kRunsIndexedKey, {});
}

}  // namespace

Result<std::size_t> recover_spool(const LmdbEnvironment& environment, lmdb::CommitQueue& queue) {
  if (Result<void> indexed = queue.run(index_by_account); !indexed) return indexed.error();
  if (Result<void> indexed = queue.run(index_by_run); !indexed) return indexed.error();
  if (Result<void> marked = queue.run(mark_earlier_deliveries); !marked) return marked.error();
  std::size_t removed = 0;
  for (;;) {
    std::vector<MessageId> ids;
    {
      ReadTransaction transaction(environment);
      if (Result<void> begun = transaction.begin(); !begun) return begun.error();
      Result<std::vector<MessageId>> listed = list_open(transaction, kMessagesPerCommit);
      if (!listed) return listed.error();
      ids = std::move(*listed);
    }
    if (ids.empty()) return removed;
    Result<void> cleaned = queue.run([&ids](WriteTransaction& transaction) -> Result<void> {
      for (const MessageId& id : ids) {
        if (Result<void> erased = erase_content(transaction, id); !erased) return erased;
        if (Result<bool> unmarked = unmark_open(transaction, id); !unmarked) return unmarked.error();
      }
      return {};
    });
    if (!cleaned) return cleaned.error();
    removed += ids.size();
  }
}

}  // namespace postern::store
