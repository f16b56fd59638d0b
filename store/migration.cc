// Schema versions; see the header.
#include "store/migration.h"

#include "lmdb/commit_queue.h"
#include "store/codec.h"
#include "store/due_index.h"
#include "store/message_table.h"
#include "store/octets.h"
#include "store/schema.h"
#include "store/tables.h"

#include <string>
#include <vector>

namespace postern::store {
namespace {

constexpr std::size_t kRowsPerCommit =
    4'096;  // each touches a page of its lane at most: 16 MiB that a commit writes

Error unknown_version(const Transaction& transaction, std::uint32_t version) {
  std::string sentence = transaction.environment().folder().string() + " has schema version " +
                         std::to_string(version) + ", this program reads versions " +
                         std::to_string(kOldestSchemaVersion) + " to " +
                         std::to_string(kSchemaVersion);
  sentence += version > kSchemaVersion ? "; it was written by a newer Postern: start that one "
                                         "again, or restore a backup from before the upgrade"
                                       : "; it was written by an older Postern";
  return Error(ErrorCode::SchemaMismatch, std::move(sentence));
}

// The first rows of the index without lanes, as they stand.
Result<std::vector<std::string>> list_old_rows(const LmdbEnvironment& environment) {
  std::vector<std::string> keys;
  ReadTransaction transaction(environment);
  if (Result<void> begun = transaction.begin(); !begun) return begun.error();
  Cursor cursor(Table(transaction, SpoolTable::DueOfOld));
  for (bool found = cursor.first(); found && keys.size() < kRowsPerCommit; found = cursor.next())
    keys.emplace_back(cursor.key());
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return keys;
}

// A row whose message is not there, or cannot be read, led nowhere before either: examine() says
// what is damaged.
Result<void> move_row(WriteTransaction& transaction, const std::string& key) {
  KeyReader reader(key);
  (void)reader.instant();
  const MessageId id{reader.octets<16>()};
  const Result<std::optional<StoredMessage>> stored = find_message(transaction, id);
  if (!stored && stored.error().code() != ErrorCode::CorruptRecord) return stored.error();
  if (stored && *stored) {
    for (const DueRow& row : due_rows((*stored)->message, (*stored)->delivery)) {
      if (Result<void> put = put_due(transaction, row.lane, {row.due, id}); !put) return put;
    }
  }
  Result<bool> erased = WritableTable(transaction, SpoolTable::DueOfOld).erase(key);
  if (!erased) return erased.error();
  return {};
}

}  // namespace

Result<std::optional<std::uint32_t>> schema_version(Transaction& transaction) {
  const Table meta(transaction, SpoolTable::Meta);  // index 0 in both environments
  Result<std::optional<std::string_view>> stored = meta.find(kSchemaKey);
  if (!stored) return stored.error();
  if (!*stored) return std::optional<std::uint32_t>();
  Result<SchemaVersion> version = decode<SchemaVersion>(**stored);
  if (!version) return version.error();
  if (version->number < kOldestSchemaVersion || version->number > kSchemaVersion) {
    return unknown_version(transaction, version->number);
  }
  return std::optional<std::uint32_t>(version->number);
}

Result<bool> check_schema(Transaction& transaction) {
  Result<std::optional<std::uint32_t>> version = schema_version(transaction);
  if (!version) return version.error();
  return version->has_value();
}

Result<void> write_schema(WriteTransaction& transaction) {
  std::string record;
  encode(SchemaVersion{kSchemaVersion}, record);
  return WritableTable(transaction, SpoolTable::Meta).put(kSchemaKey, record);
}

Result<bool> needs_migration(const LmdbEnvironment& directory, const LmdbEnvironment& spool) {
  for (const LmdbEnvironment* environment : {&directory, &spool}) {
    ReadTransaction transaction(*environment);
    if (Result<void> begun = transaction.begin(); !begun) return begun.error();
    Result<std::optional<std::uint32_t>> version = schema_version(transaction);
    if (!version) return version.error();
    if (*version != kSchemaVersion) return true;
  }
  ReadTransaction transaction(spool);
  if (Result<void> begun = transaction.begin(); !begun) return begun.error();
  Result<std::uint64_t> rows = Table(transaction, SpoolTable::DueOfOld).count();
  if (!rows) return rows.error();
  return *rows > 0;
}

Result<void> migrate(LmdbEnvironment& directory, LmdbEnvironment& spool) {
  lmdb::CommitQueue spool_queue(spool);
  if (Result<void> written = spool_queue.run(write_schema); !written) return written;
  if (Result<void> written = lmdb::CommitQueue(directory).run(write_schema); !written) return written;
  for (;;) {
    Result<std::vector<std::string>> keys = list_old_rows(spool);
    if (!keys) return keys.error();
    if (keys->empty()) return {};
    Result<void> moved = spool_queue.run([&keys](WriteTransaction& transaction) -> Result<void> {
      for (const std::string& key : *keys) {
        if (Result<void> one = move_row(transaction, key); !one) return one;
      }
      return {};
    });
    if (!moved) return moved;
  }
}

}  // namespace postern::store
