// Usage; see the header.
#include "store/usage_table.h"

#include "store/codec.h"
#include "store/record_table.h"

namespace postern::store {
namespace {

constexpr std::size_t kDayAccountOctets = 10;  // in front of the day

Instant day_of(Instant at) { return std::chrono::floor<std::chrono::days>(at); }

KeyOctets day_row(const AccountId& account, Instant day) { return KeyOctets().add(account.octets).add(day); }

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) { return a + b < a ? ~std::uint64_t{0} : a + b; }

// The keys of at most `limit` rows of days before `before`.
Result<std::vector<std::string>> collect_ended(Transaction& transaction, Instant before, std::size_t limit) {
  std::vector<std::string> keys;
  Cursor cursor(Table(transaction, DirectoryTable::Usage));
  bool found = cursor.first();
  while (found && keys.size() < limit) {
    KeyReader reader(cursor.key());
    const AccountId account{reader.octets<kDayAccountOctets>()};
    if (reader.instant() < before) {
      keys.emplace_back(cursor.key());
      found = cursor.next();
    } else {
      found = cursor.seek(KeyOctets().add(account.octets).add(~std::uint64_t{0}));
    }
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return keys;
}

}  // namespace

Result<std::vector<UsageRow>> list_usage(Transaction& transaction, const AccountId& account, Instant from, Instant to,
                                         std::size_t limit) {
  std::vector<UsageRow> rows;
  const std::string_view prefix = octets_of(account.octets);
  Cursor cursor(Table(transaction, DirectoryTable::Usage));
  bool found = cursor.seek(day_row(account, day_of(from)));
  for (; found && cursor.key().starts_with(prefix) && rows.size() < limit; found = cursor.next()) {
    if (KeyReader(cursor.key().substr(kDayAccountOctets)).instant() >= to) break;
    Result<UsageRow> row = decode_usage(cursor.value());
    if (!row) return row.error();
    rows.push_back(*row);
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return rows;
}

Result<void> add_usage(WriteTransaction& transaction, const AccountId& account, const UsageRow& added) {
  UsageRow row = added;
  row.day = day_of(added.day);
  const KeyOctets key = day_row(account, row.day).add(row.key.octets);
  Result<std::optional<UsageRow>> before = find_record(transaction, DirectoryTable::Usage, key, decode_usage);
  if (!before) return before.error();
  if (*before) {
    row.messages = saturating_sum((*before)->messages, added.messages);
    row.recipients = saturating_sum((*before)->recipients, added.recipients);
  }
  std::string record;
  encode_usage(row, record);
  return WritableTable(transaction, DirectoryTable::Usage).put(key, record);
}

Result<std::size_t> expire_usage(WriteTransaction& transaction, Instant before, std::size_t limit) {
  Result<std::vector<std::string>> keys = collect_ended(transaction, day_of(before), limit);
  if (!keys) return keys.error();
  WritableTable usage(transaction, DirectoryTable::Usage);
  for (const std::string& key : *keys) {
    if (Result<bool> erased = usage.erase(key); !erased) return erased.error();
  }
  return keys->size();
}

}  // namespace postern::store
