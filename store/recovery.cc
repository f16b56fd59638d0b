// Recovery; see the header. docs/storage.md, "What a crash leaves".
#include "store/recovery.h"

#include "store/spool_content.h"

namespace postern::store {
namespace {

constexpr std::size_t kMessagesPerCommit = 64;  // each may have had hundreds of chunks

}  // namespace

Result<std::size_t> recover_spool(const LmdbEnvironment& environment, CommitQueue& queue) {
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
