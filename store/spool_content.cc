// A chunk is one row, or several that follow each other, written straight into LMDB's pages. No row needs two pages in a row: in a
// file with a long list of free pages LMDB searches all of it for neighbours, and writes it anew with every commit.
#include "store/spool_content.h"

#include "store/crc32c.h"
#include "store/octets.h"
#include "store/tables.h"

#include <algorithm>

namespace postern::store {
namespace {

constexpr std::size_t kHeaderOctets = 6;
static_assert(kRowOctets == 4096 - 16 - kHeaderOctets);

constexpr std::uint8_t kLastRow = kRecordVersion;  // nothing follows
constexpr std::uint8_t kRowWithMore = 2;           // the chunk goes on in the next row

using Header = std::array<char, kHeaderOctets>;

// The first row has no number of its own: of a chunk of one row the key is all there is.
KeyOctets row_key(const MessageId& id, std::uint32_t index, std::uint8_t row) {
  KeyOctets key = KeyOctets().add(id.octets).add(index);
  return row == 0 ? key : key.add(row);
}

// The key is part of the sum: a row under another key is damage. So is one that claims to be the last.
std::uint32_t sum_row(std::string_view key, std::string_view content, std::uint8_t version) {
  const std::uint32_t begun = version == kRowWithMore ? crc32c(std::string_view("\2", 1)) : 0;
  return crc32c(content, crc32c(key, begun));
}

Header make_header(std::uint8_t version, std::uint32_t sum) {
  Header header{static_cast<char>(RecordKind::Chunk), static_cast<char>(version)};
  for (std::size_t i = 0; i < 4; ++i) header[2 + i] = static_cast<char>((sum >> (8 * i)) & 0xff);
  return header;
}

Result<void> put_row(WriteTransaction& transaction, std::string_view key, std::string_view content, const Header& header) {
  Result<std::span<char>> room =
      WritableTable(transaction, SpoolTable::Content).reserve(key, kHeaderOctets + content.size());
  if (!room) return room.error();
  std::memcpy(room->data(), header.data(), header.size());
  if (!content.empty()) std::memcpy(room->data() + header.size(), content.data(), content.size());
  return {};
}

// Calls visit(number, key, content, version) for each row of a chunk, until it fails.
template <class Visit>
Result<void> for_each_row(const MessageId& id, std::uint32_t index, std::string_view content, Visit visit) {
  POSTERN_CHECK(content.size() <= kChunkOctets);
  for (std::uint8_t row = 0;; ++row) {
    const std::string_view part = content.substr(0, kRowOctets);
    content.remove_prefix(part.size());
    const std::uint8_t version = content.empty() ? kLastRow : kRowWithMore;
    Result<void> visited = visit(row, row_key(id, index, row), part, version);
    if (!visited) return visited;
    if (content.empty()) return {};
  }
}

// Adds the row's content; the version, or nullopt: it is damaged.
std::optional<std::uint8_t> read_row(std::string_view key, std::string_view record, std::string& content) {
  if (record.size() < kHeaderOctets) return std::nullopt;
  const std::uint8_t version = record[1] == char{kRowWithMore} ? kRowWithMore : kLastRow;
  const std::string_view octets = record.substr(kHeaderOctets);
  const Header header = make_header(version, sum_row(key, octets, version));
  if (!record.starts_with(std::string_view(header.data(), header.size()))) return std::nullopt;
  content.append(octets);
  return version;
}

}  // namespace

ChunkSums sum_chunk(const MessageId& id, std::uint32_t index, std::string_view content) {
  ChunkSums sums{};
  const auto sum = [&sums](std::uint8_t row, std::string_view key, std::string_view part, std::uint8_t version) -> Result<void> {
    sums[row] = sum_row(key, part, version);
    return {};
  };
  (void)for_each_row(id, index, content, sum);
  return sums;
}

Result<void> put_chunk(WriteTransaction& transaction, const Chunk& chunk) {
  const auto put = [&](std::uint8_t row, std::string_view key, std::string_view part, std::uint8_t version) {
    return put_row(transaction, key, part, make_header(version, chunk.sums[row]));
  };
  return for_each_row(chunk.id, chunk.index, chunk.content, put);
}

Result<std::string> load_chunk(Transaction& transaction, const MessageId& id, std::uint32_t index) {
  Cursor cursor(Table(transaction, SpoolTable::Content));
  const KeyOctets first = row_key(id, index, 0);
  bool found = cursor.seek(first) && cursor.key() == std::string_view(first);
  if (Result<void> sought = cursor.status(); !sought) return sought.error();
  if (!found) {
    return Error(ErrorCode::NotFound, "no chunk " + std::to_string(index) + " of message " + format_message_id(id));
  }
  std::string content;
  content.reserve(kSmallContentOctets);
  for (std::uint8_t row = 0; found && row < kRowsOfChunk; ++row) {
    const KeyOctets key = row_key(id, index, row);
    if (cursor.key() != std::string_view(key)) break;
    const std::optional<std::uint8_t> version = read_row(key, cursor.value(), content);
    if (!version) break;
    if (*version == kLastRow) return content;
    if (row == 1) content.reserve(kChunkOctets);  // a small message is not worth it
    found = cursor.next();
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
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
