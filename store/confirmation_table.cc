#include "store/confirmation_table.h"

#include "store/codec.h"
#include "store/record_table.h"

namespace postern::store {
namespace {

std::string confirmation_row(const AccountId& account, ConfirmationKind kind, std::string_view address) {
  std::string key(octets_of(account.octets));
  key.push_back(static_cast<char>(kind));
  return key.append(address);
}

}  // namespace

Result<std::optional<Confirmation>> find_confirmation(Transaction& transaction, const AccountId& account, ConfirmationKind kind,
                                                      std::string_view normalised_address) {
  if (!fits_in_key(normalised_address)) return std::optional<Confirmation>();
  const std::string key = confirmation_row(account, kind, normalised_address);
  return find_record(transaction, DirectoryTable::Confirmations, key, decode_confirmation);
}

Result<std::vector<Confirmation>> list_confirmations(Transaction& transaction, const AccountId& account) {
  return list_records(transaction, DirectoryTable::Confirmations, octets_of(account.octets), decode_confirmation);
}

Result<void> put_confirmation(WriteTransaction& transaction, const Confirmation& confirmation) {
  if (!fits_in_key(confirmation.address)) return Error(ErrorCode::InvalidArgument, "a confirmation is of one address");
  std::string record;
  encode_confirmation(confirmation, record);
  const std::string key = confirmation_row(confirmation.account, confirmation.kind, confirmation.address);
  return WritableTable(transaction, DirectoryTable::Confirmations).put(key, record);
}

Result<void> erase_confirmation(WriteTransaction& transaction, const AccountId& account, ConfirmationKind kind,
                                std::string_view normalised_address) {
  if (!fits_in_key(normalised_address)) return {};
  WritableTable confirmations(transaction, DirectoryTable::Confirmations);
  const std::string key = confirmation_row(account, kind, normalised_address);
  if (Result<bool> erased = confirmations.erase(key); !erased) return erased.error();
  return {};
}

}  // namespace postern::store
