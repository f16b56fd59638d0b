#include "store/leftovers.h"

#include "store/directory_index.h"

#include <array>
#include <string>
#include <vector>

namespace postern::store {
namespace {

// Their keys begin with the id of an account; of PendingEvents, with that of a webhook. Both are drawn at random.
constexpr std::array kLeftoverTables = {DirectoryTable::Suppressions, DirectoryTable::PendingEvents, DirectoryTable::Usage,
                                        DirectoryTable::Whitelist, DirectoryTable::Confirmations, DirectoryTable::Stats};

std::string mark_of(std::string_view id) { return std::string(kLeftoverKey).append(id); }

Result<bool> has_rows_of(Transaction& transaction, DirectoryTable table, std::string_view id) {
  Cursor cursor(Table(transaction, table));
  const bool found = cursor.seek(id) && cursor.key().starts_with(id);
  if (Result<void> sought = cursor.status(); !sought) return sought.error();
  return found;
}

// The first `limit` of an account's keys, which have rows in several tables.
Result<std::vector<KeyId>> list_key_ids(Transaction& transaction, std::string_view account, std::size_t limit) {
  std::vector<KeyId> keys;
  Cursor cursor(Table(transaction, DirectoryTable::AccountKeys));
  bool found = cursor.seek(account);
  for (; found && keys.size() < limit && cursor.key().starts_with(account); found = cursor.next()) {
    keys.push_back(KeyId{KeyReader(cursor.key().substr(account.size())).octets<10>()});
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return keys;
}

// The id of the first mark; empty: there is none.
Result<std::string> first_marked(Transaction& transaction) {
  Cursor cursor(Table(transaction, DirectoryTable::Meta));
  std::string id;
  if (cursor.seek(kLeftoverKey) && cursor.key().starts_with(kLeftoverKey)) id = cursor.key().substr(kLeftoverKey.size());
  if (Result<void> sought = cursor.status(); !sought) return sought.error();
  return id;
}

}  // namespace

Result<void> leave_rows(WriteTransaction& transaction, std::string_view id) {
  Result<bool> has_rows = has_rows_of(transaction, DirectoryTable::AccountKeys, id);
  for (std::size_t i = 0; has_rows && !*has_rows && i < kLeftoverTables.size(); ++i) {
    has_rows = has_rows_of(transaction, kLeftoverTables[i], id);
  }
  if (!has_rows) return has_rows.error();
  if (!*has_rows) return {};
  return WritableTable(transaction, DirectoryTable::Meta).put(mark_of(id), {});
}

Result<void> DirectoryWriter::remove_leftovers() {
  std::size_t limit = kLeftoverSlice;
  for (;;) {
    Result<std::string> id = first_marked(transaction_);
    if (!id) return id.error();
    if (id->empty()) return {};
    Result<std::vector<KeyId>> keys = list_key_ids(transaction_, *id, limit);
    if (!keys) return keys.error();
    for (const KeyId& key : *keys) {
      if (Result<void> removed = remove_key(key); !removed) return removed;
    }
    limit -= keys->size();
    for (const DirectoryTable table : kLeftoverTables) {
      if (limit == 0) return {};
      Result<std::size_t> erased = WritableTable(transaction_, table).erase_prefix(*id, limit);
      if (!erased) return erased.error();
      limit -= *erased;
    }
    if (Result<void> erased = erase_row(transaction_, DirectoryTable::Meta, mark_of(*id)); !erased) return erased;
  }
}

Result<bool> has_leftovers(Transaction& transaction) {
  Result<std::string> id = first_marked(transaction);
  if (!id) return id.error();
  return !id->empty();
}

bool is_left_over(Transaction& transaction, std::string_view id) {
  const Result<std::optional<std::string_view>> mark = Table(transaction, DirectoryTable::Meta).find(mark_of(id));
  return mark && mark->has_value();
}

}  // namespace postern::store
