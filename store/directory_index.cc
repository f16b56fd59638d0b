// Which rows lead to which record, and how they are kept in step; see the header.
#include "store/directory_index.h"

namespace postern::store {
namespace {

std::string own_row(const AccountId& account, std::string_view id) { return text_row(octets_of(account.octets), id); }

}  // namespace

KeyOutline outline_of(const KeyRecord& key) {
  return {.id = key.id,
          .environment = key.environment,
          .created = key.created,
          .expires_at = key.expires_at,
          .revoked_at = key.revoked_at,
          .retires_at = key.retires_at};
}

std::vector<IndexRow> index_rows(const AccountRecord& account) {
  return {{DirectoryTable::AccountNames, account.name, std::string(octets_of(account.id.octets)), Claim::Sole}};
}

std::vector<IndexRow> index_rows(const KeyRecord& key) {
  const std::string id(octets_of(key.id.octets));
  std::string outline;
  encode(outline_of(key), outline);
  return {{DirectoryTable::KeyDigests, std::string(octets_of(key.digest)), id, Claim::Sole},
          {DirectoryTable::AccountKeys, own_row(key.account, id), outline, Claim::Own}};
}

std::vector<IndexRow> index_rows(const UserRecord& user) {
  const std::string id(octets_of(user.id.octets));
  return {{DirectoryTable::UserEmails, user.email, id, Claim::Sole},
          {DirectoryTable::AccountUsers, own_row(user.account, id), {}, Claim::Own}};
}

std::vector<IndexRow> index_rows(const DomainRecord& domain) {
  const std::string id(octets_of(domain.id.octets));
  std::vector<IndexRow> rows = {
      {DirectoryTable::DomainNames, own_row(domain.account, domain.name), id, Claim::Sole}};
  if (domain.state == DomainState::Verified) {
    rows.push_back({DirectoryTable::DomainNames, own_row(kVerifiedOwner, domain.name), id, Claim::First});
  }
  return rows;
}

std::vector<IndexRow> index_rows(const WebhookRecord& webhook) {
  return {{DirectoryTable::AccountWebhooks, own_row(webhook.account, octets_of(webhook.id.octets)), {}, Claim::Own}};
}

std::vector<IndexRow> index_rows(const SessionRecord& session) {
  return {{DirectoryTable::AccountSessions, own_row(session.account, octets_of(session.id.octets)), {}, Claim::Own}};
}

Result<bool> are_taken(Transaction& transaction, const std::vector<IndexRow>& rows, std::string_view id) {
  for (const IndexRow& row : rows) {
    if (row.claim != Claim::Sole) continue;
    Result<std::optional<std::string_view>> stored = Table(transaction, row.index).find(row.key);
    if (!stored) return stored.error();
    if (*stored && **stored != id) return true;
  }
  return false;
}

Result<void> put_rows(WriteTransaction& transaction, const std::vector<IndexRow>& rows) {
  for (const IndexRow& row : rows) {
    WritableTable index(transaction, row.index);
    if (row.claim == Claim::First) {
      if (Result<bool> inserted = index.insert(row.key, row.value); !inserted) return inserted.error();
    } else if (Result<void> put = index.put(row.key, row.value); !put) {
      return put;
    }
  }
  return {};
}

Result<void> erase_rows(WriteTransaction& transaction, const std::vector<IndexRow>& rows, std::string_view id) {
  for (const IndexRow& row : rows) {
    if (row.claim != Claim::Own) {
      Result<std::optional<std::string_view>> stored = Table(transaction, row.index).find(row.key);
      if (!stored) return stored.error();
      if (*stored != id) continue;
    }
    if (Result<bool> erased = WritableTable(transaction, row.index).erase(row.key); !erased) return erased.error();
  }
  return {};
}

Result<bool> has_row(Transaction& transaction, DirectoryTable table, std::string_view key) {
  Result<std::optional<std::string_view>> row = Table(transaction, table).find(key);
  if (!row) return row.error();
  return row->has_value();
}

Result<void> erase_row(WriteTransaction& transaction, DirectoryTable table, std::string_view key) {
  if (Result<bool> erased = WritableTable(transaction, table).erase(key); !erased) return erased.error();
  return {};
}

Result<void> require_room(Transaction& transaction, DirectoryTable index, const AccountId& account, std::size_t limit,
                          std::string_view noun) {
  const std::string_view prefix = octets_of(account.octets);
  std::size_t count = 0;
  Cursor cursor(Table(transaction, index));
  for (bool found = cursor.seek(prefix); found && cursor.key().starts_with(prefix); found = cursor.next()) ++count;
  if (Result<void> walked = cursor.status(); !walked) return walked;
  if (count < limit) return {};
  return Error(ErrorCode::LimitExceeded,
               "an account has at most " + std::to_string(limit) + " " + std::string(noun));
}

}  // namespace postern::store
