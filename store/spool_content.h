// Content in chunks of kChunkOctets, keyed by message and position. Chunks streamed before the message is committed stand under
// an entry of the `open` table: without it a chunk belongs to a committed message, with it to nobody yet.
#pragma once

#include "core/message_id.h"
#include "store/transaction.h"

#include <string>
#include <string_view>
#include <vector>

namespace postern::store {

// Requires: at most kChunkOctets.
Result<void> put_chunk(WriteTransaction& transaction, const MessageId& id, std::uint32_t index, std::string_view content);
// NotFound, CorruptRecord.
Result<std::string> load_chunk(Transaction& transaction, const MessageId& id, std::uint32_t index);
Result<void> erase_content(WriteTransaction& transaction, const MessageId& id);

Result<void> mark_open(WriteTransaction& transaction, const MessageId& id);
// False: it was not marked.
Result<bool> unmark_open(WriteTransaction& transaction, const MessageId& id);
// The first `limit` messages that are marked.
Result<std::vector<MessageId>> list_open(Transaction& transaction, std::size_t limit);

}  // namespace postern::store
