// Chunks: kind, version, checksum over key and content, content; written straight into LMDB's page.
#include "store/spool_content.h"

#include "store/octets.h"
#include "store/spool.h"
#include "store/table.h"

namespace postern::store {
namespace {

constexpr std::size_t kChunkHeaderOctets = 6;
// The page header takes 16 octets of the first page of a large value.
static_assert((kChunkOctets + kChunkHeaderOctets + 16) <= 16 * 4096);

using Header = std::array<char, kChunkHeaderOctets>;

KeyOctets chunk_key(const MessageId& id, std::uint32_t index) { return KeyOctets().add(id.octets).add(index); }

// The key is part of the sum: a chunk under another key is damage.
Header make_header(std::string_view key, std::string_view content) {
  const std::uint32_t sum = crc32c(content, crc32c(key));
  Header header{static_cast<char>(RecordKind::Chunk), static_cast<char>(kRecordVersion)};
  for (std::size_t i = 0; i < 4; ++i) header[2 + i] = static_cast<char>((sum >> (8 * i)) & 0xff);
  return header;
}

}  // namespace

Result<void> put_chunk(WriteTransaction& transaction, const MessageId& id, std::uint32_t index,
                       std::string_view content) {
  const KeyOctets key = chunk_key(id, index);
  Result<std::span<char>> room =
      WritableTable(transaction, SpoolTable::Content).reserve(key, kChunkHeaderOctets + content.size());
  if (!room) return room.error();
  const Header header = make_header(key, content);
  std::memcpy(room->data(), header.data(), header.size());
  if (!content.empty()) std::memcpy(room->data() + header.size(), content.data(), content.size());
  return {};
}

Result<std::string> load_chunk(Transaction& transaction, const MessageId& id, std::uint32_t index) {
  const KeyOctets key = chunk_key(id, index);
  Result<std::optional<std::string_view>> record = Table(transaction, SpoolTable::Content).find(key);
  if (!record) return record.error();
  if (!*record) {
    return Error(ErrorCode::NotFound, "no chunk " + std::to_string(index) + " of message " + format_message_id(id));
  }
  if ((*record)->size() >= kChunkHeaderOctets) {
    const std::string_view content = (*record)->substr(kChunkHeaderOctets);
    const Header header = make_header(key, content);
    if ((*record)->starts_with(std::string_view(header.data(), header.size()))) return std::string(content);
  }
  return Error(ErrorCode::CorruptRecord,
               "chunk " + std::to_string(index) + " of message " + format_message_id(id) + " is damaged");
}

Result<void> erase_content(WriteTransaction& transaction, const MessageId& id) {
  Result<std::size_t> erased = WritableTable(transaction, SpoolTable::Content).erase_prefix(octets_of(id.octets));
  if (!erased) return erased.error();
  return {};
}

Result<void> mark_open(WriteTransaction& transaction, const MessageId& id) {
  return WritableTable(transaction, SpoolTable::Open).put(octets_of(id.octets), {});
}

Result<bool> unmark_open(WriteTransaction& transaction, const MessageId& id) {
  return WritableTable(transaction, SpoolTable::Open).erase(octets_of(id.octets));
}

Result<std::vector<MessageId>> list_open(Transaction& transaction, std::size_t limit) {
  std::vector<MessageId> ids;
  Cursor cursor(Table(transaction, SpoolTable::Open));
  for (bool found = cursor.first(); found && ids.size() < limit; found = cursor.next()) {
    ids.push_back(MessageId{KeyReader(cursor.key()).octets<16>()});
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return ids;
}

}  // namespace postern::store
