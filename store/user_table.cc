// Users.
#include "store/audit.h"
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
  const Result<std::optional<UserRecord>> before = find_user(user.id);
  if (!before) return before.error();
  Result<void> ready = replace_rows(transaction_, user, "that address is another user's");
  if (ready) ready = require_room(transaction_, DirectoryTable::AccountUsers, user.account, kMaxUsersPerAccount, "users");
  if (!ready) return ready;
  if (Result<void> put = put_with_rows(transaction_, user); !put) return put;
  return note_user(transaction_, actor_, *before ? &**before : nullptr, user);
}

Result<void> DirectoryWriter::remove_user(const UserId& id) {
  const Result<std::optional<UserRecord>> user = find_user(id);
  if (!user) return user.error();
  if (Result<void> erased = erase_with_rows<UserRecord>(transaction_, id, "user"); !erased) return erased;
  return note_removal(transaction_, actor_, {.account = (*user)->account, .action = "member.removed", .target_kind = "member",
                                             .target_id = format_id(id), .target_name = (*user)->email});
}

}  // namespace postern::store
