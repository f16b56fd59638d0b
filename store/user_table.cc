// Users.
#include "store/directory_index.h"

namespace postern::store {

Result<std::optional<UserRecord>> DirectoryReads::find_user(const UserId& id) const {
  return look([&](Transaction& transaction) { return find_record<UserRecord>(transaction, octets_of(id.octets)); });
}

Result<std::optional<UserRecord>> DirectoryReads::find_user_by_email(std::string_view normalised_address) const {
  if (!fits_in_key(normalised_address)) return std::optional<UserRecord>();
  return look([&](Transaction& transaction) {
    return find_through<UserRecord>(transaction, DirectoryTable::UserEmails, normalised_address);
  });
}

Result<std::vector<UserRecord>> DirectoryReads::list_users(const AccountId& account) const {
  return look([&](Transaction& transaction) {
    return list_through<UserRecord>(transaction, DirectoryTable::AccountUsers, account);
  });
}

Result<void> DirectoryWriter::put_user(const UserRecord& user) {
  if (Result<void> required = require_account(user.account); !required) return required;
  if (!fits_in_key(user.email)) return Error(ErrorCode::InvalidArgument, "a user is named by one address");
  Result<void> ready = replace_rows(transaction_, user, "that address is another user's");
  if (ready) ready = require_room(transaction_, DirectoryTable::AccountUsers, user.account, kMaxUsersPerAccount, "users");
  if (!ready) return ready;
  return put_with_rows(transaction_, user);
}

Result<void> DirectoryWriter::remove_user(const UserId& id) { return erase_with_rows<UserRecord>(transaction_, id, "user"); }

}  // namespace postern::store
