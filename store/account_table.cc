// Accounts, and what they asked for.
#include "store/audit.h"
#include "store/directory_index.h"
#include "store/leftovers.h"

namespace postern::store {
namespace {

constexpr std::size_t kMaxNameOctets = 256;  // 64 characters of UTF-8; LMDB takes keys of up to 511

template <class Record, class Id>
Result<void> remove_each(Result<std::vector<Record>> records, DirectoryWriter& writer,
                         Result<void> (DirectoryWriter::*remove)(const Id&)) {
  if (!records) return records.error();
  for (const Record& record : *records) {
    if (Result<void> removed = (writer.*remove)(record.id); !removed) return removed;
  }
  return {};
}

}  // namespace

Result<std::optional<AccountRecord>> DirectoryReads::find_account(const AccountId& id) const {
  return look([&](Transaction& transaction) { return find_record<AccountRecord>(transaction, octets_of(id.octets)); });
}

Result<std::optional<AccountRecord>> DirectoryReads::find_account_named(std::string_view name) const {
  if (name.empty() || name.size() > kMaxNameOctets) return std::optional<AccountRecord>();
  return look([&](Transaction& transaction) {
    return find_through<AccountRecord>(transaction, DirectoryTable::AccountNames, name);
  });
}

Result<std::vector<AccountRecord>> DirectoryReads::list_accounts() const {
  return look([](Transaction& transaction) { return list_records<AccountRecord>(transaction); });
}

Result<void> DirectoryWriter::put_account(const AccountRecord& account) {
  if (account.name.empty() || account.name.size() > kMaxNameOctets) {
    return Error(ErrorCode::InvalidArgument, "an account's name has 1 to 64 characters");
  }
  const Result<std::optional<AccountRecord>> before = find_account(account.id);
  if (!before) return before.error();
  Result<void> replaced = replace_rows(transaction_, account, "there is an account named " + account.name);
  if (!replaced) return replaced;
  if (Result<void> put = put_with_rows(transaction_, account); !put) return put;
  return note_account(transaction_, actor_, *before ? &**before : nullptr, account);
}

Result<std::vector<AccountRecord>> DirectoryReads::list_accounts_after(const std::optional<AccountId>& after,
                                                                       std::size_t limit) const {
  std::string start;
  if (after) start = std::string(octets_of(after->octets)).append(1, '\0');  // the first key behind
  return look([&](Transaction& transaction) { return list_records<AccountRecord>(transaction, {}, start, limit); });
}

// What has no bound, or a large one, goes in slices: most accounts have no more than the first holds.
Result<void> DirectoryWriter::remove_account(const AccountId& id) {
  const Result<std::optional<AccountRecord>> account = find_account(id);
  if (!account) return account.error();
  Result<void> removed = erase_with_rows<AccountRecord>(transaction_, id, "account");
  if (removed) {
    removed = note_change(transaction_, actor_,
                          {.account = id, .action = "account.removed", .target_kind = "account", .target_id = format_id(id),
                           .target_name = (*account)->name});
  }
  if (removed) removed = remove_each(list_sessions(id), *this, &DirectoryWriter::remove_session);
  if (removed) removed = remove_each(list_users(id), *this, &DirectoryWriter::remove_user);
  if (removed) removed = remove_each(list_domains(id), *this, &DirectoryWriter::remove_domain);
  if (removed) removed = remove_each(list_webhooks(id), *this, &DirectoryWriter::remove_webhook);
  if (removed) removed = remove_counters(id);
  if (removed) removed = remove_production_request(id);
  if (removed) removed = leave_rows(transaction_, octets_of(id.octets));
  if (!removed) return removed;
  return remove_leftovers();
}

Result<void> DirectoryWriter::require_account(const AccountId& id) const {
  Result<std::optional<AccountRecord>> account = find_account(id);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound, "no account " + format_id(id));
  return {};
}

Result<std::optional<ProductionRequest>> DirectoryReads::find_production_request(const AccountId& account) const {
  return look([&](Transaction& transaction) {
    return find_record<ProductionRequest>(transaction, octets_of(account.octets));
  });
}

Result<std::vector<ProductionRequest>> DirectoryReads::list_production_requests() const {
  return look([](Transaction& transaction) { return list_records<ProductionRequest>(transaction); });
}

Result<void> DirectoryWriter::put_production_request(const ProductionRequest& request) {
  if (Result<void> required = require_account(request.account); !required) return required;
  if (request.use_case.size() > kMaxUseCaseOctets) {
    return Error(ErrorCode::InvalidArgument,
                 "a use case is told in at most " + std::to_string(kMaxUseCaseOctets) + " octets");
  }
  if (Result<void> put = put_record(transaction_, octets_of(request.account.octets), request); !put) return put;
  return note_change(transaction_, actor_,
                     {.account = request.account, .action = "production.requested", .target_kind = "account",
                      .target_id = format_id(request.account), .detail = request.use_case});
}

// Whoever decides has changed the account's mode before, or leaves it.
Result<void> DirectoryWriter::remove_production_request(const AccountId& account) {
  const auto request = find_production_request(account);
  const auto owner = find_account(account);
  if (!request) return request.error();
  if (!owner) return owner.error();
  if (*request && *owner) {
    const bool is_approved = (*owner)->mode == AccountMode::Production;
    Result<void> noted = note_change(transaction_, actor_,
                                     {.account = account, .action = is_approved ? "production.approved" : "production.declined",
                                      .target_kind = "account", .target_id = format_id(account), .target_name = (*owner)->name});
    if (!noted) return noted;
  }
  return erase_row(transaction_, DirectoryTable::ProductionRequests, octets_of(account.octets));
}

}  // namespace postern::store
