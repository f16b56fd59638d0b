// Content in chunks of kChunkOctets, keyed by message and position. Chunks streamed before the message is committed stand under
// an entry of the `open` table: without it a chunk belongs to a committed message, with it to nobody yet.
#pragma once

#include "core/message_id.h"
#include "store/spool.h"
#include "store/tables.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace postern::store {

// Content of a row that has a page of its own, the page's header of 16 octets and its own of 6 beside it.
inline constexpr std::size_t kRowOctets = 4096 - 16 - 6;
inline constexpr std::size_t kSmallContentOctets = 2 * kRowOctets;  // most mail: memory is taken for it at once
inline constexpr std::size_t kRowsOfChunk = kChunkOctets / kRowOctets;
static_assert(kChunkOctets % kRowOctets == 0 && kRowsOfChunk < 256, "a row's number is one octet");

// The checksums of a chunk's rows. Whoever makes a chunk sums it, on its own thread: the commit thread is everybody's.
using ChunkSums = std::array<std::uint32_t, kRowsOfChunk>;
// Requires, as put_chunk(): at most kChunkOctets.
ChunkSums sum_chunk(const MessageId& id, std::uint32_t index, std::string_view content);

struct Chunk {
  MessageId id;
  std::uint32_t index = 0;
  std::string_view content;
  ChunkSums sums;  // sum_chunk() of all that
};
Result<void> put_chunk(WriteTransaction& transaction, const Chunk& chunk);
// NotFound, CorruptRecord.
Result<std::string> load_chunk(Transaction& transaction, const MessageId& id, std::uint32_t index);
Result<void> erase_content(WriteTransaction& transaction, const MessageId& id);

Result<void> mark_open(WriteTransaction& transaction, const MessageId& id);
// False: it was not marked.
Result<bool> unmark_open(WriteTransaction& transaction, const MessageId& id);
// The first `limit` messages that are marked.
Result<std::vector<MessageId>> list_open(Transaction& transaction, std::size_t limit);

}  // namespace postern::store
