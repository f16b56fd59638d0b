// Whitelists, and questions that were mailed to addresses: one row per account and address, so that the check at RCPT is a single
// look-up.
#include "store/audit.h"
#include "store/directory_index.h"

namespace postern::store {
namespace {

std::string whitelist_row(const AccountId& account, std::string_view address) {
  return text_row(octets_of(account.octets), address);
}

std::string confirmation_row(const AccountId& account, ConfirmationKind kind, std::string_view address) {
  std::string key(octets_of(account.octets));
  key.push_back(static_cast<char>(kind));
  return key.append(address);
}

}  // namespace

Result<bool> DirectoryReads::is_whitelisted(const AccountId& account, std::string_view normalised_address) const {
  if (!fits_in_key(normalised_address)) return false;
  return look([&](Transaction& transaction) {
    return has_row(transaction, DirectoryTable::Whitelist, whitelist_row(account, normalised_address));
  });
}

Result<std::vector<WhitelistEntry>> DirectoryReads::list_whitelist(const AccountId& account) const {
  return look([&](Transaction& transaction) {
    return list_records<WhitelistEntry>(transaction, octets_of(account.octets));
  });
}

Result<void> DirectoryWriter::add_to_whitelist(const AccountId& account, const WhitelistEntry& entry) {
  if (!fits_in_key(entry.address)) return Error(ErrorCode::InvalidArgument, "a whitelist entry is one address");
  const std::string row = whitelist_row(account, entry.address);
  Result<bool> is_known = has_row(transaction_, DirectoryTable::Whitelist, row);
  if (!is_known) return is_known.error();
  if (!*is_known) {
    constexpr std::string_view noun = "addresses on its whitelist";
    Result<void> room = require_room(transaction_, DirectoryTable::Whitelist, account, kMaxWhitelistEntries, noun);
    if (!room) return room;
    Result<void> noted = note_change(transaction_, actor_, {.account = account, .action = "whitelist.added",
                                                            .target_kind = "whitelist", .target_id = entry.address,
                                                            .target_name = entry.address});
    if (!noted) return noted;
  }
  return put_record(transaction_, row, entry);
}

Result<void> DirectoryWriter::remove_from_whitelist(const AccountId& account, std::string_view normalised_address) {
  Result<bool> listed = is_whitelisted(account, normalised_address);
  if (!listed) return listed.error();
  if (!*listed) return Error(ErrorCode::NotFound, "that address is not on the whitelist");
  const std::string address(normalised_address);
  Result<void> noted = note_change(transaction_, actor_,
                                   {.account = account, .action = "whitelist.removed", .target_kind = "whitelist",
                                    .target_id = address, .target_name = address});
  if (!noted) return noted;
  return erase_row(transaction_, DirectoryTable::Whitelist, whitelist_row(account, normalised_address));
}

Result<std::optional<Confirmation>> DirectoryReads::find_confirmation(const AccountId& account, ConfirmationKind kind,
                                                                      std::string_view normalised_address) const {
  if (!fits_in_key(normalised_address)) return std::optional<Confirmation>();
  return look([&](Transaction& transaction) {
    return find_record<Confirmation>(transaction, confirmation_row(account, kind, normalised_address));
  });
}

Result<std::vector<Confirmation>> DirectoryReads::list_confirmations(const AccountId& account) const {
  return look([&](Transaction& transaction) { return list_records<Confirmation>(transaction, octets_of(account.octets)); });
}

Result<void> DirectoryWriter::put_confirmation(const Confirmation& confirmation) {
  if (Result<void> required = require_account(confirmation.account); !required) return required;
  if (!fits_in_key(confirmation.address)) return Error(ErrorCode::InvalidArgument, "a confirmation is of one address");
  const std::string row = confirmation_row(confirmation.account, confirmation.kind, confirmation.address);
  return put_record(transaction_, row, confirmation);
}

Result<void> DirectoryWriter::remove_confirmation(const AccountId& account, ConfirmationKind kind,
                                                  std::string_view normalised_address) {
  if (!fits_in_key(normalised_address)) return {};
  return erase_row(transaction_, DirectoryTable::Confirmations, confirmation_row(account, kind, normalised_address));
}

}  // namespace postern::store
