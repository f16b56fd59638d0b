// The due index; see the header.
#include "store/due_index.h"

#include "store/octets.h"
#include "store/tables.h"

namespace postern::store {
namespace {

KeyOctets due_key(Instant due, const MessageId& id) { return KeyOctets().add(due).add(id.octets); }

// A lane that cannot be read is none: the record has the domains. nullopt: the key is damaged, and examine() reports it. Neither
// may keep what stands behind it from being delivered.
std::optional<DueEntry> read_what_is_sound(std::string_view key, std::string_view value) {
  KeyReader key_reader(key);
  KeyReader value_reader(value);
  DueEntry entry;
  entry.due = key_reader.instant();
  entry.id.octets = key_reader.octets<16>();
  entry.lane = value_reader.number(8);
  if (!value_reader.is_complete()) entry.lane = kMixedLane;
  return key_reader.is_complete() ? std::optional<DueEntry>(entry) : std::nullopt;
}

Result<DueEntry> read_entry(std::string_view key, std::string_view value) {
  KeyReader key_reader(key);
  KeyReader value_reader(value);
  DueEntry entry;
  entry.due = key_reader.instant();
  entry.id.octets = key_reader.octets<16>();
  entry.lane = value_reader.number(8);
  if (key_reader.is_complete() && value_reader.is_complete()) return entry;
  return Error(ErrorCode::CorruptRecord, "an entry of the due index is damaged");
}

}  // namespace

Result<std::vector<DueEntry>> list_due(Transaction& transaction, const std::optional<DueEntry>& after, Instant until,
                                       std::size_t limit) {
  std::vector<DueEntry> entries;
  Cursor cursor(Table(transaction, SpoolTable::Due));
  bool found = false;
  if (after) {
    const KeyOctets key = due_key(after->due, after->id);
    found = cursor.seek(key);
    if (found && cursor.key() == std::string_view(key)) found = cursor.next();
  } else {
    found = cursor.first();
  }
  for (; found && entries.size() < limit; found = cursor.next()) {
    const std::optional<DueEntry> entry = read_what_is_sound(cursor.key(), cursor.value());
    if (!entry) continue;
    if (entry->due > until) return entries;
    entries.push_back(*entry);
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return entries;
}

Result<std::optional<Instant>> next_due(Transaction& transaction) {
  Cursor cursor(Table(transaction, SpoolTable::Due));
  if (!cursor.first()) {
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
    return std::optional<Instant>();
  }
  Result<DueEntry> entry = read_entry(cursor.key(), cursor.value());
  if (!entry) return entry.error();
  return std::optional<Instant>(entry->due);
}

Result<std::optional<DueEntry>> find_due(Transaction& transaction, Instant due, const MessageId& id) {
  const KeyOctets key = due_key(due, id);
  Result<std::optional<std::string_view>> value = Table(transaction, SpoolTable::Due).find(key);
  if (!value) return value.error();
  if (!*value) return std::optional<DueEntry>();
  Result<DueEntry> entry = read_entry(key, **value);
  if (!entry) return entry.error();
  return std::optional<DueEntry>(*entry);
}

Result<void> put_due(WriteTransaction& transaction, const DueEntry& entry) {
  const KeyOctets lane = KeyOctets().add(entry.lane);
  return WritableTable(transaction, SpoolTable::Due).put(due_key(entry.due, entry.id), lane);
}

Result<void> erase_due(WriteTransaction& transaction, Instant due, const MessageId& id) {
  Result<bool> erased = WritableTable(transaction, SpoolTable::Due).erase(due_key(due, id));
  if (!erased) return erased.error();
  return {};
}

}  // namespace postern::store
