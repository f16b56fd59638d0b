// One row per account and address, so that the check at RCPT is a single look-up.
#include "store/whitelist_table.h"

#include "store/codec.h"
#include "store/directory.h"
#include "store/octets.h"
#include "store/table.h"

namespace postern::store {
namespace {

std::string whitelist_row(const AccountId& account, std::string_view address) {
  return std::string(octets_of(account.octets)).append(address);
}

}  // namespace

Result<bool> is_whitelisted(Transaction& transaction, const AccountId& account, std::string_view normalised_address) {
  if (!fits_in_key(normalised_address)) return false;
  Result<std::optional<std::string_view>> found =
      Table(transaction, DirectoryTable::Whitelist).find(whitelist_row(account, normalised_address));
  if (!found) return found.error();
  return found->has_value();
}

Result<std::vector<WhitelistEntry>> list_whitelist(Transaction& transaction, const AccountId& account) {
  std::vector<WhitelistEntry> entries;
  const std::string_view prefix = octets_of(account.octets);
  Cursor cursor(Table(transaction, DirectoryTable::Whitelist));
  for (bool found = cursor.seek(prefix); found && cursor.key().starts_with(prefix); found = cursor.next()) {
    Result<WhitelistEntry> entry = decode_whitelist_entry(cursor.value());
    if (!entry) return entry.error();
    entries.push_back(std::move(*entry));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return entries;
}

Result<void> add_to_whitelist(WriteTransaction& transaction, const AccountId& account, const WhitelistEntry& entry) {
  if (!fits_in_key(entry.address)) return Error(ErrorCode::InvalidArgument, "a whitelist entry is one address");
  const std::string_view prefix = octets_of(account.octets);
  std::size_t count = 0;
  Cursor cursor(Table(transaction, DirectoryTable::Whitelist));
  for (bool found = cursor.seek(prefix); found && cursor.key().starts_with(prefix); found = cursor.next()) {
    if (cursor.key().substr(prefix.size()) != entry.address) ++count;
  }
  if (Result<void> walked = cursor.status(); !walked) return walked;
  if (count >= kMaxWhitelistEntries) {
    return Error(ErrorCode::LimitExceeded,
                 "an account's whitelist has at most " + std::to_string(kMaxWhitelistEntries) + " addresses");
  }
  std::string record;
  encode_whitelist_entry(entry, record);
  return WritableTable(transaction, DirectoryTable::Whitelist).put(whitelist_row(account, entry.address), record);
}

Result<void> remove_from_whitelist(WriteTransaction& transaction, const AccountId& account,
                                   std::string_view normalised_address) {
  Result<bool> listed = is_whitelisted(transaction, account, normalised_address);
  if (!listed) return listed.error();
  if (!*listed) return Error(ErrorCode::NotFound, "that address is not on the whitelist");
  WritableTable whitelist(transaction, DirectoryTable::Whitelist);
  if (Result<bool> erased = whitelist.erase(whitelist_row(account, normalised_address)); !erased) return erased.error();
  return {};
}

}  // namespace postern::store
