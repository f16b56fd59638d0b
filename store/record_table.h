// Records in their tables: one, or all whose keys begin alike. Each kind of record has its table (TableOf).
#pragma once

#include "store/codec.h"
#include "store/octets.h"
#include "store/tables.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::store {

template <auto Index>
struct In {
  static constexpr auto table = Index;
};
template <class Record>
struct TableOf;
template <> struct TableOf<AccountRecord> : In<DirectoryTable::Accounts> {};
template <> struct TableOf<KeyRecord> : In<DirectoryTable::Keys> {};
template <> struct TableOf<KeyOutline> : In<DirectoryTable::AccountKeys> {};
template <> struct TableOf<KeyUsage> : In<DirectoryTable::KeyUsages> {};
template <> struct TableOf<KeyRefusal> : In<DirectoryTable::KeyRefusals> {};
template <> struct TableOf<WhitelistEntry> : In<DirectoryTable::Whitelist> {};
template <> struct TableOf<Count> : In<DirectoryTable::Counters> {};
template <> struct TableOf<UserRecord> : In<DirectoryTable::Users> {};
template <> struct TableOf<Confirmation> : In<DirectoryTable::Confirmations> {};
template <> struct TableOf<ProductionRequest> : In<DirectoryTable::ProductionRequests> {};
template <> struct TableOf<DomainRecord> : In<DirectoryTable::Domains> {};
template <> struct TableOf<SuppressionRecord> : In<DirectoryTable::Suppressions> {};
template <> struct TableOf<WebhookRecord> : In<DirectoryTable::Webhooks> {};
template <> struct TableOf<WebhookProgress> : In<DirectoryTable::WebhookProgress> {};
template <> struct TableOf<PendingWebhookEvent> : In<DirectoryTable::PendingEvents> {};
template <> struct TableOf<UsageRow> : In<DirectoryTable::Usage> {};
template <> struct TableOf<SessionRecord> : In<DirectoryTable::Sessions> {};
template <> struct TableOf<AuditRecord> : In<DirectoryTable::Audit> {};
template <> struct TableOf<OrderRecord> : In<DirectoryTable::Orders> {};
template <> struct TableOf<StatsRow> : In<DirectoryTable::Stats> {};
template <> struct TableOf<Event> : In<SpoolTable::Events> {};
template <> struct TableOf<EventFacts> : In<SpoolTable::Events> {};
template <> struct TableOf<IdempotencyRecord> : In<SpoolTable::Idempotency> {};
template <> struct TableOf<RunRecord> : In<SpoolTable::Runs> {};
template <> struct TableOf<RunMemory> : In<SpoolTable::RunMemories> {};
template <> struct TableOf<SessionTranscript> : In<SpoolTable::Transcripts> {};
template <> struct TableOf<DestinationPause> : In<SpoolTable::DestinationPauses> {};
template <> struct TableOf<InboundRecord> : In<SpoolTable::Inbound> {};

// CorruptRecord, IoError; nullopt: it is not there.
template <class Record, auto Where = TableOf<Record>::table>
Result<std::optional<Record>> find_record(Transaction& transaction, std::string_view key) {
  Result<std::optional<std::string_view>> octets = Table(transaction, Where).find(key);
  if (!octets) return octets.error();
  if (!*octets) return std::optional<Record>();
  Result<Record> record = decode<Record>(**octets);
  if (!record) return record.error();
  return std::optional<Record>(std::move(*record));
}

// From the first key that is not below `start`, in the order of the keys, as long as they begin with `prefix` and there are fewer
// than `limit`.
template <class Record>
Result<std::vector<Record>> list_records(Transaction& transaction, std::string_view prefix, std::string_view start,
                                         std::size_t limit) {
  std::vector<Record> records;
  Cursor cursor(Table(transaction, TableOf<Record>::table));
  bool found = start.empty() ? cursor.first() : cursor.seek(start);
  for (; found && cursor.key().starts_with(prefix) && records.size() < limit; found = cursor.next()) {
    Result<Record> record = decode<Record>(cursor.value());
    if (!record) return record.error();
    records.push_back(std::move(*record));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return records;
}
// An empty prefix is all of the table.
template <class Record>
Result<std::vector<Record>> list_records(Transaction& transaction, std::string_view prefix = {}) {
  return list_records<Record>(transaction, prefix, prefix, ~std::size_t{0});
}

// Inserts or replaces.
template <class Record, auto Where = TableOf<Record>::table>
Result<void> put_record(WriteTransaction& transaction, std::string_view key, const Record& record) {
  std::string octets;
  encode(record, octets);
  return WritableTable(transaction, Where).put(key, octets);
}

}  // namespace postern::store
