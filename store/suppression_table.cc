// Suppressions; the counting row has the account's id for its key and sorts before the addresses.
#include "store/suppression_table.h"

#include "core/case_fold.h"
#include "store/codec.h"
#include "store/directory.h"
#include "store/record_table.h"

#include <algorithm>

namespace postern::store {
namespace {

std::string suppression_row(const AccountId& account, std::string_view address) {
  return std::string(octets_of(account.octets)).append(fold_case(address));
}

Result<std::uint64_t> load_count(Transaction& transaction, const AccountId& account) {
  Result<std::optional<std::uint64_t>> count =
      find_record(transaction, DirectoryTable::Suppressions, octets_of(account.octets), decode_counter);
  if (!count) return count.error();
  return count->value_or(0);
}

Result<void> put_count(WriteTransaction& transaction, const AccountId& account, std::uint64_t count) {
  std::string record;
  encode_counter(count, record);
  return WritableTable(transaction, DirectoryTable::Suppressions).put(octets_of(account.octets), record);
}

}  // namespace

Result<bool> is_suppressed(Transaction& transaction, const AccountId& account, std::string_view normalised_address, Instant now) {
  const Result<std::optional<SuppressionRecord>> found = find_suppression(transaction, account, normalised_address);
  if (!found) return found.error();
  return found->has_value() && ((*found)->until.value_or(Instant::max()) > now);
}

Result<std::optional<SuppressionRecord>> find_suppression(Transaction& transaction, const AccountId& account,
                                                          std::string_view normalised_address) {
  if (!fits_in_key(normalised_address)) return std::optional<SuppressionRecord>();
  return find_record(transaction, DirectoryTable::Suppressions, suppression_row(account, normalised_address), decode_suppression);
}

Result<std::vector<SuppressionRecord>> list_suppressions(Transaction& transaction, const AccountId& account,
                                                         std::string_view after, std::size_t limit) {
  std::vector<SuppressionRecord> suppressions;
  const std::string_view prefix = octets_of(account.octets);
  const std::string start = suppression_row(account, after.substr(0, kMaxTextOctetsInKey));
  Cursor cursor(Table(transaction, DirectoryTable::Suppressions));
  bool found = cursor.seek(start);
  if (found && cursor.key() == start) found = cursor.next();
  for (; found && cursor.key().starts_with(prefix) && suppressions.size() < limit; found = cursor.next()) {
    Result<SuppressionRecord> suppression = decode_suppression(cursor.value());
    if (!suppression) return suppression.error();
    suppressions.push_back(std::move(*suppression));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return suppressions;
}

Result<void> put_suppression(WriteTransaction& transaction, const AccountId& account, const SuppressionRecord& suppression) {
  if (!fits_in_key(suppression.address)) return Error(ErrorCode::InvalidArgument, "a suppression is of one address");
  Result<std::optional<SuppressionRecord>> known = find_suppression(transaction, account, suppression.address);
  if (!known) return known.error();
  // What was suppressed for longer stays so.
  if (*known && (*known)->until.value_or(Instant::max()) > suppression.until.value_or(Instant::max())) return {};
  if (!*known) {
    Result<std::uint64_t> count = load_count(transaction, account);
    if (!count) return count.error();
    if (*count >= kMaxSuppressionsPerAccount) {
      return Error(ErrorCode::LimitExceeded,
                   "an account has at most " + std::to_string(kMaxSuppressionsPerAccount) + " suppressions");
    }
    if (Result<void> put = put_count(transaction, account, *count + 1); !put) return put;
  }
  SuppressionRecord folded = suppression;
  folded.address = fold_case(suppression.address);
  std::string record;
  encode_suppression(folded, record);
  return WritableTable(transaction, DirectoryTable::Suppressions).put(suppression_row(account, suppression.address), record);
}

Result<void> erase_suppression(WriteTransaction& transaction, const AccountId& account, std::string_view normalised_address) {
  Result<std::optional<SuppressionRecord>> known = find_suppression(transaction, account, normalised_address);
  if (!known) return known.error();
  if (!*known) return Error(ErrorCode::NotFound, "that address is not suppressed");
  Result<std::uint64_t> count = load_count(transaction, account);
  if (!count) return count.error();
  if (Result<void> put = put_count(transaction, account, *count > 0 ? *count - 1 : 0); !put) return put;
  WritableTable suppressions(transaction, DirectoryTable::Suppressions);
  if (Result<bool> erased = suppressions.erase(suppression_row(account, normalised_address)); !erased) return erased.error();
  return {};
}

Result<void> expire_suppressions(WriteTransaction& transaction, Instant now, std::string& after, std::size_t limit) {
  std::vector<std::string> ended;
  {
    Cursor cursor(Table(transaction, DirectoryTable::Suppressions));
    bool found = after.empty() ? cursor.first() : cursor.seek(after);
    if (found && cursor.key() == after) found = cursor.next();
    std::string last;
    for (std::size_t row = 0; found && row < limit; ++row, found = cursor.next()) {
      last = cursor.key();
      if (cursor.key().size() == AccountId{}.octets.size()) continue;  // how many there are
      const Result<SuppressionRecord> record = decode_suppression(cursor.value());
      if (record && record->until.value_or(Instant::max()) <= now) ended.emplace_back(cursor.key());
    }
    after = found ? last : std::string();
    if (Result<void> walked = cursor.status(); !walked) return walked;
  }
  for (const std::string& row : ended) {
    const AccountId account{KeyReader(row).octets<10>()};
    const std::string_view address = std::string_view(row).substr(account.octets.size());
    if (Result<void> erased = erase_suppression(transaction, account, address); !erased) return erased;
  }
  return {};
}

Result<bool> are_suppressions_folded(Transaction& transaction) {
  Result<std::optional<std::string_view>> mark = Table(transaction, DirectoryTable::Meta).find(kFoldedKey);
  if (!mark) return mark.error();
  return mark->has_value();
}

Result<void> fold_suppressions(WriteTransaction& transaction) {
  std::vector<std::pair<AccountId, SuppressionRecord>> mixed;
  {
    Cursor cursor(Table(transaction, DirectoryTable::Suppressions));
    for (bool found = cursor.first(); found; found = cursor.next()) {
      KeyReader reader(cursor.key());
      const AccountId account{reader.octets<10>()};
      const std::string_view address = cursor.key().substr(std::min(account.octets.size(), cursor.key().size()));
      if (address.empty() || fold_case(address) == address) continue;
      Result<SuppressionRecord> record = decode_suppression(cursor.value());
      if (!record) return record.error();
      mixed.emplace_back(account, std::move(*record));
    }
    if (Result<void> walked = cursor.status(); !walked) return walked;
  }
  for (const auto& [account, record] : mixed) {
    const std::string old_row = std::string(octets_of(account.octets)).append(record.address);
    WritableTable table(transaction, DirectoryTable::Suppressions);
    if (Result<bool> erased = table.erase(old_row); !erased) return erased.error();
    Result<std::uint64_t> count = load_count(transaction, account);
    if (!count) return count.error();
    if (Result<void> put = put_count(transaction, account, *count > 0 ? *count - 1 : 0); !put) return put;
    if (Result<void> put = put_suppression(transaction, account, record); !put) return put;
  }
  return WritableTable(transaction, DirectoryTable::Meta).put(kFoldedKey, kFoldedKey);
}

}  // namespace postern::store
