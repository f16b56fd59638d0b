// Look-ups that decode what they find: one record, all records whose keys begin alike, all that an account's index names.
#pragma once

#include "core/ids.h"
#include "store/octets.h"
#include "store/table.h"

#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

namespace postern::store {

template <class Decode>
using DecodedRecord = typename std::invoke_result_t<Decode, std::string_view>::value_type;

// CorruptRecord, IoError; nullopt: it is not there.
template <class Index, class Decode>
Result<std::optional<DecodedRecord<Decode>>> find_record(Transaction& transaction, Index table, std::string_view key,
                                                         Decode decode) {
  Result<std::optional<std::string_view>> octets = Table(transaction, table).find(key);
  if (!octets) return octets.error();
  if (!*octets) return std::optional<DecodedRecord<Decode>>();
  Result<DecodedRecord<Decode>> record = decode(**octets);
  if (!record) return record.error();
  return std::optional<DecodedRecord<Decode>>(std::move(*record));
}

// In the order of their keys; an empty prefix is all of the table.
template <class Index, class Decode>
Result<std::vector<DecodedRecord<Decode>>> list_records(Transaction& transaction, Index table, std::string_view prefix,
                                                        Decode decode) {
  std::vector<DecodedRecord<Decode>> records;
  Cursor cursor(Table(transaction, table));
  bool found = prefix.empty() ? cursor.first() : cursor.seek(prefix);
  for (; found && cursor.key().starts_with(prefix); found = cursor.next()) {
    Result<DecodedRecord<Decode>> record = decode(cursor.value());
    if (!record) return record.error();
    records.push_back(std::move(*record));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return records;
}

// The ids in an index whose keys are account id, id.
template <class Id>
Result<std::vector<Id>> list_ids_of(Transaction& transaction, DirectoryTable index, const AccountId& account) {
  std::vector<Id> ids;
  const std::string_view prefix = octets_of(account.octets);
  Cursor cursor(Table(transaction, index));
  for (bool found = cursor.seek(prefix); found && cursor.key().starts_with(prefix); found = cursor.next()) {
    KeyReader reader(cursor.key().substr(prefix.size()));
    ids.push_back(Id{reader.octets<10>()});
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return ids;
}

// The records of `ids` that are there, each by `find`.
template <class Record, class Id, class Find>
Result<std::vector<Record>> find_all(Transaction& transaction, const std::vector<Id>& ids, Find find) {
  std::vector<Record> records;
  for (const Id& id : ids) {
    Result<std::optional<Record>> record = find(transaction, id);
    if (!record) return record.error();
    if (*record) records.push_back(std::move(**record));
  }
  return records;
}

}  // namespace postern::store
