// Suppressions: one row per account and address, whatever the case of its letters, and a row that counts them, so that neither the
// check at RCPT nor the limit walks the list. The counting row has the account's id for its key and sorts before the addresses.
#include "core/case_fold.h"
#include "store/audit.h"
#include "store/directory_index.h"
#include "store/suppression_fold.h"

#include <algorithm>

namespace postern::store {
namespace {

std::string suppression_row(const AccountId& account, std::string_view entry) {
  return text_row(octets_of(account.octets), fold_case(entry));
}

// Raises the account's count by one, up to `limit`, or lowers it by one.
Result<void> count_one_more(WriteTransaction& transaction, const AccountId& account, std::size_t limit) {
  const std::string_view key = octets_of(account.octets);
  Result<std::optional<Count>> count = find_record<Count, DirectoryTable::Suppressions>(transaction, key);
  if (!count) return count.error();
  const std::uint64_t before = count->value_or(Count{}).number;
  if (before >= limit) {
    return Error(ErrorCode::LimitExceeded, "an account has at most " + std::to_string(limit) + " suppressions");
  }
  return put_record<Count, DirectoryTable::Suppressions>(transaction, key, Count{before + 1});
}
Result<void> count_one_less(WriteTransaction& transaction, const AccountId& account) {
  const std::string_view key = octets_of(account.octets);
  Result<std::optional<Count>> count = find_record<Count, DirectoryTable::Suppressions>(transaction, key);
  if (!count) return count.error();
  const std::uint64_t before = count->value_or(Count{}).number;
  return put_record<Count, DirectoryTable::Suppressions>(transaction, key, Count{before > 0 ? before - 1 : 0});
}

Instant end_of(const SuppressionRecord& suppression) { return suppression.until.value_or(Instant::max()); }

}  // namespace

std::string suppression_entry(std::string_view normalised_address, std::string_view stream) {
  std::string entry(normalised_address);
  if (!stream.empty()) entry.append(" ").append(stream);
  return entry;
}

Result<bool> DirectoryReads::is_suppressed(const AccountId& account, std::string_view entry, Instant now) const {
  const Result<std::optional<SuppressionRecord>> found = find_suppression(account, entry);
  if (!found) return found.error();
  return found->has_value() && end_of(**found) > now;
}

Result<std::optional<SuppressionRecord>> DirectoryReads::find_suppression(const AccountId& account,
                                                                          std::string_view entry) const {
  if (!fits_in_key(entry)) return std::optional<SuppressionRecord>();
  return look([&](Transaction& transaction) {
    return find_record<SuppressionRecord>(transaction, suppression_row(account, entry));
  });
}

Result<std::vector<SuppressionRecord>> DirectoryReads::list_suppressions(const AccountId& account, std::string_view after,
                                                                         std::size_t limit) const {
  std::string start = suppression_row(account, after.substr(0, kMaxTextOctetsInKey));
  start.push_back('\0');  // the first key behind
  return look([&](Transaction& transaction) {
    return list_records<SuppressionRecord>(transaction, octets_of(account.octets), start, limit);
  });
}

Result<void> DirectoryWriter::put_suppression(const AccountId& account, const SuppressionRecord& suppression) {
  if (Result<void> required = require_account(account); !required) return required;
  const std::string entry = fold_case(suppression_entry(suppression.address, suppression.stream));
  if (!fits_in_key(entry)) return Error(ErrorCode::InvalidArgument, "a suppression is of one address");
  Result<std::optional<SuppressionRecord>> known = find_suppression(account, entry);
  if (!known) return known.error();
  if (*known && end_of(**known) > end_of(suppression)) return {};  // what was suppressed for longer stays so
  if (!*known) {
    Result<void> counted = count_one_more(transaction_, account, kMaxSuppressionsPerAccount);
    if (!counted) return counted;
  }
  SuppressionRecord folded = suppression;
  folded.address = fold_case(suppression.address);
  folded.stream = fold_case(suppression.stream);
  if (Result<void> put = put_record(transaction_, suppression_row(account, entry), folded); !put) return put;
  return note_by_person(transaction_, actor_, {.account = account, .action = "suppression.added", .target_kind = "suppression",
                                               .target_id = entry, .target_name = entry});
}

Result<void> DirectoryWriter::remove_suppression(const AccountId& account, std::string_view entry) {
  Result<std::optional<SuppressionRecord>> known = find_suppression(account, entry);
  if (!known) return known.error();
  if (!*known) return Error(ErrorCode::NotFound, "that address is not suppressed");
  if (Result<void> counted = count_one_less(transaction_, account); !counted) return counted;
  const std::string address = fold_case(entry);
  Result<void> noted = note_by_person(transaction_, actor_, {.account = account, .action = "suppression.removed",
                                                             .target_kind = "suppression", .target_id = address,
                                                             .target_name = address});
  if (!noted) return noted;
  return erase_row(transaction_, DirectoryTable::Suppressions, suppression_row(account, entry));
}

Result<void> DirectoryWriter::expire_suppressions(Instant now, std::string& after, std::size_t limit) {
  std::vector<std::string> ended;
  {
    Cursor cursor(Table(transaction_, DirectoryTable::Suppressions));
    bool found = after.empty() ? cursor.first() : cursor.seek(after);
    if (found && cursor.key() == after) found = cursor.next();
    std::string last;
    for (std::size_t row = 0; found && row < limit; ++row, found = cursor.next()) {
      last = cursor.key();
      if (cursor.key().size() == AccountId{}.octets.size()) continue;  // how many there are
      const Result<SuppressionRecord> record = decode<SuppressionRecord>(cursor.value());
      if (record && end_of(*record) <= now) ended.emplace_back(cursor.key());
    }
    after = found ? last : std::string();
    if (Result<void> walked = cursor.status(); !walked) return walked;
  }
  for (const std::string& row : ended) {
    const AccountId account{KeyReader(row).octets<10>()};
    const std::string_view address = std::string_view(row).substr(account.octets.size());
    if (Result<void> erased = remove_suppression(account, address); !erased) return erased;
  }
  return {};
}

Result<bool> are_suppressions_folded(Transaction& transaction) {
  return has_row(transaction, DirectoryTable::Meta, kFoldedKey);
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
      Result<SuppressionRecord> record = decode<SuppressionRecord>(cursor.value());
      if (!record) return record.error();
      mixed.emplace_back(account, std::move(*record));
    }
    if (Result<void> walked = cursor.status(); !walked) return walked;
  }
  DirectoryWriter writer(transaction);
  for (const auto& [account, record] : mixed) {
    const std::string old_row = text_row(octets_of(account.octets), record.address);
    if (Result<void> erased = erase_row(transaction, DirectoryTable::Suppressions, old_row); !erased) return erased;
    if (Result<void> counted = count_one_less(transaction, account); !counted) return counted;
    if (Result<void> put = writer.put_suppression(account, record); !put) return put;
  }
  return WritableTable(transaction, DirectoryTable::Meta).put(kFoldedKey, kFoldedKey);
}

}  // namespace postern::store
