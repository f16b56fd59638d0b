// What the directory's files share: the transaction of a question, and records with indexes that lead to them. For store/ only.
#pragma once

#include "store/directory.h"
#include "store/record_table.h"

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace postern::store {

// Runs `read` in the writer's transaction, or in one of its own.
template <class Read>
auto DirectoryReads::look(Read read) const {
  using Answer = std::invoke_result_t<Read, Transaction&>;
  if (transaction_ != nullptr) return read(*transaction_);
  ReadTransaction own(*environment_);
  if (Result<void> begun = own.begin(); !begun) return Answer(begun.error());
  return read(own);
}

// A row of an index that leads to a record. Own: its key holds the record's id. Sole: no other record may have that key.
// First: who had it first keeps it.
enum class Claim { Own, Sole, First };
struct IndexRow {
  DirectoryTable index;
  std::string key;
  std::string value;
  Claim claim;
};
// The rows of every record that has any.
std::vector<IndexRow> index_rows(const AccountRecord& account);
std::vector<IndexRow> index_rows(const KeyRecord& key);
std::vector<IndexRow> index_rows(const UserRecord& user);
std::vector<IndexRow> index_rows(const DomainRecord& domain);
std::vector<IndexRow> index_rows(const WebhookRecord& webhook);
std::vector<IndexRow> index_rows(const SessionRecord& session);

// Another record than `id` has a key that only one may have.
Result<bool> are_taken(Transaction& transaction, const std::vector<IndexRow>& rows, std::string_view id);
Result<void> put_rows(WriteTransaction& transaction, const std::vector<IndexRow>& rows);
// Those that lead to `id`.
Result<void> erase_rows(WriteTransaction& transaction, const std::vector<IndexRow>& rows, std::string_view id);
// LimitExceeded: as many keys as an account may have begin with `account`. `noun`: what of.
Result<void> require_room(Transaction& transaction, DirectoryTable index, const AccountId& account, std::size_t limit,
                          std::string_view noun);

KeyOutline outline_of(const KeyRecord& key);

Result<bool> has_row(Transaction& transaction, DirectoryTable table, std::string_view key);
// Absent: no error.
Result<void> erase_row(WriteTransaction& transaction, DirectoryTable table, std::string_view key);
// What is stored beside a record: of one that is gone nothing is.
template <class Put>
Result<void> if_there(Transaction& transaction, DirectoryTable table, std::string_view key, Put put) {
  Result<bool> is_there = has_row(transaction, table, key);
  if (!is_there) return is_there.error();
  if (!*is_there) return {};
  return put();
}

// `prefix`, then text: the key of a row of an account's.
inline std::string text_row(std::string_view prefix, std::string_view text) { return std::string(prefix).append(text); }

// The record to which a row leads that holds an id.
template <class Record>
Result<std::optional<Record>> find_through(Transaction& transaction, DirectoryTable index, std::string_view key) {
  Result<std::optional<std::string_view>> id = Table(transaction, index).find(key);
  if (!id) return id.error();
  if (!*id) return std::optional<Record>();
  return find_record<Record>(transaction, **id);
}

// All to which an account's rows lead: by the end of their keys, or by their values.
enum class IdIn { Key, Value };
template <class Record>
Result<std::vector<Record>> list_through(Transaction& transaction, DirectoryTable index, const AccountId& account,
                                         IdIn id_in = IdIn::Key) {
  std::vector<Record> records;
  const std::string_view prefix = octets_of(account.octets);
  Cursor cursor(Table(transaction, index));
  for (bool found = cursor.seek(prefix); found && cursor.key().starts_with(prefix); found = cursor.next()) {
    const std::string_view id = id_in == IdIn::Value ? cursor.value() : cursor.key().substr(prefix.size());
    Result<std::optional<Record>> record = find_record<Record>(transaction, id);
    if (!record) return record.error();
    if (*record) records.push_back(std::move(**record));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return records;
}

// Takes away the rows that the record has had; its new ones follow by put_with_rows(). AlreadyExists: `taken` says what.
template <class Record>
Result<void> replace_rows(WriteTransaction& transaction, const Record& record, std::string_view taken) {
  const std::string_view id = octets_of(record.id.octets);
  Result<bool> is_taken = are_taken(transaction, index_rows(record), id);
  if (!is_taken) return is_taken.error();
  if (*is_taken) return Error(ErrorCode::AlreadyExists, std::string(taken));
  Result<std::optional<Record>> previous = find_record<Record>(transaction, id);
  if (!previous) return previous.error();
  if (!*previous) return {};
  return erase_rows(transaction, index_rows(**previous), id);
}
template <class Record>
Result<void> put_with_rows(WriteTransaction& transaction, const Record& record) {
  if (Result<void> put = put_record(transaction, octets_of(record.id.octets), record); !put) return put;
  return put_rows(transaction, index_rows(record));
}

// NotFound. `noun`: what there is none of.
template <class Record>
Result<void> erase_with_rows(WriteTransaction& transaction, const decltype(Record::id)& id, std::string_view noun) {
  Result<std::optional<Record>> record = find_record<Record>(transaction, octets_of(id.octets));
  if (!record) return record.error();
  if (!*record) return Error(ErrorCode::NotFound, "no " + std::string(noun) + " " + format_id(id));
  if (Result<void> erased = erase_rows(transaction, index_rows(**record), octets_of(id.octets)); !erased) return erased;
  Result<bool> erased = WritableTable(transaction, TableOf<Record>::table).erase(octets_of(id.octets));
  if (!erased) return erased.error();
  return {};
}

}  // namespace postern::store
