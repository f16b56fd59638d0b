// Users; the address and account indexes are kept in step.
#include "store/user_table.h"

#include "store/codec.h"
#include "store/directory.h"
#include "store/record_table.h"

namespace postern::store {
namespace {

KeyOctets account_row(const UserRecord& user) { return KeyOctets().add(user.account.octets).add(user.id.octets); }

Result<void> erase_index_rows(WriteTransaction& transaction, const UserRecord& user) {
  WritableTable emails(transaction, DirectoryTable::UserEmails);
  if (Result<bool> erased = emails.erase(user.email); !erased) return erased.error();
  WritableTable rows(transaction, DirectoryTable::AccountUsers);
  if (Result<bool> erased = rows.erase(account_row(user)); !erased) return erased.error();
  return {};
}

}  // namespace

Result<std::optional<UserRecord>> find_user(Transaction& transaction, const UserId& id) {
  return find_record(transaction, DirectoryTable::Users, octets_of(id.octets), decode_user);
}

Result<std::optional<UserRecord>> find_user_by_email(Transaction& transaction, std::string_view normalised_address) {
  if (!fits_in_key(normalised_address)) return std::optional<UserRecord>();
  Result<std::optional<std::string_view>> row = Table(transaction, DirectoryTable::UserEmails).find(normalised_address);
  if (!row) return row.error();
  if (!*row) return std::optional<UserRecord>();
  KeyReader reader(**row);
  return find_user(transaction, UserId{reader.octets<10>()});
}

Result<std::vector<UserRecord>> list_users(Transaction& transaction, const AccountId& account) {
  Result<std::vector<UserId>> ids = list_ids_of<UserId>(transaction, DirectoryTable::AccountUsers, account);
  if (!ids) return ids.error();
  return find_all<UserRecord>(transaction, *ids, find_user);
}

Result<void> put_user(WriteTransaction& transaction, const UserRecord& user) {
  if (!fits_in_key(user.email)) return Error(ErrorCode::InvalidArgument, "a user is named by one address");
  Result<std::optional<UserRecord>> twin = find_user_by_email(transaction, user.email);
  if (!twin) return twin.error();
  if (*twin && (*twin)->id != user.id) return Error(ErrorCode::AlreadyExists, "that address is another user's");
  Result<std::optional<UserRecord>> previous = find_user(transaction, user.id);
  if (!previous) return previous.error();
  if (*previous) {
    if (Result<void> erased = erase_index_rows(transaction, **previous); !erased) return erased;
  }
  Result<std::vector<UserId>> others = list_ids_of<UserId>(transaction, DirectoryTable::AccountUsers, user.account);
  if (!others) return others.error();
  if (others->size() >= kMaxUsersPerAccount) {
    return Error(ErrorCode::LimitExceeded, "an account has at most " + std::to_string(kMaxUsersPerAccount) + " users");
  }
  std::string record;
  encode_user(user, record);
  const std::string_view id = octets_of(user.id.octets);
  if (Result<void> put = WritableTable(transaction, DirectoryTable::Users).put(id, record); !put) return put;
  if (Result<void> put = WritableTable(transaction, DirectoryTable::UserEmails).put(user.email, id); !put) return put;
  return WritableTable(transaction, DirectoryTable::AccountUsers).put(account_row(user), {});
}

Result<void> erase_user(WriteTransaction& transaction, const UserId& id) {
  Result<std::optional<UserRecord>> user = find_user(transaction, id);
  if (!user) return user.error();
  if (!*user) return Error(ErrorCode::NotFound, "no user " + format_id(id));
  if (Result<void> erased = erase_index_rows(transaction, **user); !erased) return erased;
  WritableTable users(transaction, DirectoryTable::Users);
  if (Result<bool> erased = users.erase(octets_of(id.octets)); !erased) return erased.error();
  return {};
}

Result<void> clear_users(WriteTransaction& transaction, const AccountId& account) {
  Result<std::vector<UserId>> ids = list_ids_of<UserId>(transaction, DirectoryTable::AccountUsers, account);
  if (!ids) return ids.error();
  for (const UserId& id : *ids) {
    if (Result<void> erased = erase_user(transaction, id); !erased) return erased;
  }
  return {};
}

}  // namespace postern::store
