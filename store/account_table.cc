// Accounts; the name index is kept in step.
#include "store/account_table.h"

#include "store/codec.h"
#include "store/octets.h"
#include "store/table.h"

namespace postern::store {
namespace {

constexpr std::size_t kMaxNameOctets = 256;  // 64 characters of UTF-8; LMDB takes keys of up to 511

}  // namespace

Result<std::optional<AccountRecord>> find_account(Transaction& transaction, const AccountId& id) {
  Result<std::optional<std::string_view>> record = Table(transaction, DirectoryTable::Accounts).find(octets_of(id.octets));
  if (!record) return record.error();
  if (!*record) return std::optional<AccountRecord>();
  Result<AccountRecord> account = decode_account(**record);
  if (!account) return account.error();
  return std::optional<AccountRecord>(std::move(*account));
}

Result<std::optional<AccountRecord>> find_account_named(Transaction& transaction, std::string_view name) {
  if (name.empty() || name.size() > kMaxNameOctets) return std::optional<AccountRecord>();
  Result<std::optional<std::string_view>> row = Table(transaction, DirectoryTable::AccountNames).find(name);
  if (!row) return row.error();
  if (!*row) return std::optional<AccountRecord>();
  KeyReader reader(**row);
  return find_account(transaction, AccountId{reader.octets<10>()});
}

Result<std::vector<AccountRecord>> list_accounts(Transaction& transaction) {
  std::vector<AccountRecord> accounts;
  Cursor cursor(Table(transaction, DirectoryTable::Accounts));
  for (bool found = cursor.first(); found; found = cursor.next()) {
    Result<AccountRecord> account = decode_account(cursor.value());
    if (!account) return account.error();
    accounts.push_back(std::move(*account));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return accounts;
}

Result<void> put_account(WriteTransaction& transaction, const AccountRecord& account) {
  if (account.name.empty() || account.name.size() > kMaxNameOctets) {
    return Error(ErrorCode::InvalidArgument, "an account's name has 1 to 64 characters");
  }
  Result<std::optional<AccountRecord>> namesake = find_account_named(transaction, account.name);
  if (!namesake) return namesake.error();
  if (*namesake && (*namesake)->id != account.id) {
    return Error(ErrorCode::AlreadyExists, "there is an account named " + account.name);
  }
  Result<std::optional<AccountRecord>> previous = find_account(transaction, account.id);
  if (!previous) return previous.error();
  WritableTable names(transaction, DirectoryTable::AccountNames);
  if (*previous && (*previous)->name != account.name) {
    if (Result<bool> erased = names.erase((*previous)->name); !erased) return erased.error();
  }
  if (Result<void> put = names.put(account.name, octets_of(account.id.octets)); !put) return put;
  std::string record;
  encode_account(account, record);
  return WritableTable(transaction, DirectoryTable::Accounts).put(octets_of(account.id.octets), record);
}

Result<void> erase_account(WriteTransaction& transaction, const AccountId& id) {
  Result<std::optional<AccountRecord>> account = find_account(transaction, id);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound, "no account " + format_id(id));
  WritableTable names(transaction, DirectoryTable::AccountNames);
  if (Result<bool> erased = names.erase((*account)->name); !erased) return erased.error();
  WritableTable accounts(transaction, DirectoryTable::Accounts);
  if (Result<bool> erased = accounts.erase(octets_of(id.octets)); !erased) return erased.error();
  return {};
}

}  // namespace postern::store
