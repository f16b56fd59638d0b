// Keys; the digest and account indexes are kept in step.
#include "store/key_table.h"

#include "store/codec.h"
#include "store/record_table.h"

namespace postern::store {
namespace {

KeyOctets account_row(const AccountId& account, const KeyId& key) {
  return KeyOctets().add(account.octets).add(key.octets);
}

KeyOutline outline_of(const KeyRecord& key) {
  return {.id = key.id,
          .environment = key.environment,
          .created = key.created,
          .expires_at = key.expires_at,
          .revoked_at = key.revoked_at,
          .retires_at = key.retires_at};
}

Result<void> erase_index_rows(WriteTransaction& transaction, const KeyRecord& key) {
  WritableTable digests(transaction, DirectoryTable::KeyDigests);
  if (Result<bool> erased = digests.erase(octets_of(key.digest)); !erased) return erased.error();
  WritableTable rows(transaction, DirectoryTable::AccountKeys);
  if (Result<bool> erased = rows.erase(account_row(key.account, key.id)); !erased) return erased.error();
  return {};
}

// What is kept of a key that is there.
Result<void> put_beside(WriteTransaction& transaction, DirectoryTable table, const KeyId& id, std::string_view record) {
  Result<std::optional<std::string_view>> key = Table(transaction, DirectoryTable::Keys).find(octets_of(id.octets));
  if (!key) return key.error();
  if (!*key) return {};
  return WritableTable(transaction, table).put(octets_of(id.octets), record);
}

}  // namespace

Result<std::optional<KeyRecord>> find_key(Transaction& transaction, const KeyId& id) {
  Result<std::optional<std::string_view>> record = Table(transaction, DirectoryTable::Keys).find(octets_of(id.octets));
  if (!record) return record.error();
  if (!*record) return std::optional<KeyRecord>();
  Result<KeyRecord> key = decode_key(**record);
  if (!key) return key.error();
  return std::optional<KeyRecord>(std::move(*key));
}

Result<std::optional<KeyRecord>> find_key_by_digest(Transaction& transaction, const KeyDigest& digest) {
  Result<std::optional<std::string_view>> row = Table(transaction, DirectoryTable::KeyDigests).find(octets_of(digest));
  if (!row) return row.error();
  if (!*row) return std::optional<KeyRecord>();
  KeyReader reader(**row);
  return find_key(transaction, KeyId{reader.octets<10>()});
}

Result<std::vector<KeyRecord>> list_keys(Transaction& transaction, const AccountId& account) {
  std::vector<KeyRecord> keys;
  const std::string_view prefix = octets_of(account.octets);
  Cursor cursor(Table(transaction, DirectoryTable::AccountKeys));
  for (bool found = cursor.seek(prefix); found && cursor.key().starts_with(prefix); found = cursor.next()) {
    KeyReader reader(cursor.key().substr(prefix.size()));
    Result<std::optional<KeyRecord>> key = find_key(transaction, KeyId{reader.octets<10>()});
    if (!key) return key.error();
    if (*key) keys.push_back(std::move(**key));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return keys;
}

Result<std::vector<KeyOutline>> list_key_outlines(Transaction& transaction, const AccountId& account) {
  std::vector<KeyOutline> outlines;
  const std::string_view prefix = octets_of(account.octets);
  Cursor cursor(Table(transaction, DirectoryTable::AccountKeys));
  for (bool found = cursor.seek(prefix); found && cursor.key().starts_with(prefix); found = cursor.next()) {
    KeyReader reader(cursor.key().substr(prefix.size()));
    const KeyId id{reader.octets<10>()};
    if (cursor.value().empty()) {  // written before there were outlines, and not again since
      Result<std::optional<KeyRecord>> key = find_key(transaction, id);
      if (!key) return key.error();
      if (*key) outlines.push_back(outline_of(**key));
      continue;
    }
    Result<KeyOutline> outline = decode_key_outline(cursor.value());
    if (!outline) return outline.error();
    outline->id = id;
    outlines.push_back(*outline);
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return outlines;
}

Result<std::vector<KeyRecord>> find_keys_starting(Transaction& transaction, std::string_view text, std::size_t limit) {
  std::vector<KeyRecord> keys;
  Cursor cursor(Table(transaction, DirectoryTable::Keys));
  for (bool found = cursor.first(); found && keys.size() < limit; found = cursor.next()) {
    Result<KeyRecord> key = decode_key(cursor.value());
    if (!key) return key.error();
    if (format_id(key->id).starts_with(text) || key->prefix.starts_with(text)) keys.push_back(std::move(*key));
  }
  if (Result<void> walked = cursor.status(); !walked) return walked.error();
  return keys;
}

Result<std::optional<KeyUsage>> find_key_usage(Transaction& transaction, const KeyId& id) {
  Result<std::optional<std::string_view>> record =
      Table(transaction, DirectoryTable::KeyUsages).find(octets_of(id.octets));
  if (!record) return record.error();
  if (!*record) return std::optional<KeyUsage>();
  Result<KeyUsage> usage = decode_key_usage(**record);
  if (!usage) return usage.error();
  return std::optional<KeyUsage>(std::move(*usage));
}

Result<std::optional<KeyRefusal>> find_key_refusal(Transaction& transaction, const KeyId& id) {
  return find_record(transaction, DirectoryTable::KeyRefusals, octets_of(id.octets), decode_key_refusal);
}

Result<void> put_key(WriteTransaction& transaction, const KeyRecord& key) {
  Result<std::optional<KeyRecord>> twin = find_key_by_digest(transaction, key.digest);
  if (!twin) return twin.error();
  if (*twin && (*twin)->id != key.id) return Error(ErrorCode::AlreadyExists, "there is a key with that digest");
  Result<std::optional<KeyRecord>> previous = find_key(transaction, key.id);
  if (!previous) return previous.error();
  if (*previous) {
    if (Result<void> erased = erase_index_rows(transaction, **previous); !erased) return erased;
  }
  std::string record;
  encode_key(key, record);
  const std::string_view id = octets_of(key.id.octets);
  if (Result<void> put = WritableTable(transaction, DirectoryTable::Keys).put(id, record); !put) return put;
  WritableTable digests(transaction, DirectoryTable::KeyDigests);
  if (Result<void> put = digests.put(octets_of(key.digest), id); !put) return put;
  encode_key_outline(outline_of(key), record);
  return WritableTable(transaction, DirectoryTable::AccountKeys).put(account_row(key.account, key.id), record);
}

Result<void> erase_key(WriteTransaction& transaction, const KeyId& id) {
  Result<std::optional<KeyRecord>> key = find_key(transaction, id);
  if (!key) return key.error();
  if (!*key) return Error(ErrorCode::NotFound, "no key " + format_id(id));
  if (Result<void> erased = erase_index_rows(transaction, **key); !erased) return erased;
  for (const DirectoryTable table : {DirectoryTable::Keys, DirectoryTable::KeyUsages, DirectoryTable::KeyRefusals}) {
    Result<bool> erased = WritableTable(transaction, table).erase(octets_of(id.octets));
    if (!erased) return erased.error();
  }
  return {};
}

Result<void> put_key_usage(WriteTransaction& transaction, const KeyId& id, const KeyUsage& usage) {
  std::string record;
  encode_key_usage(usage, record);
  return put_beside(transaction, DirectoryTable::KeyUsages, id, record);
}

Result<void> put_key_refusal(WriteTransaction& transaction, const KeyId& id, const KeyRefusal& refusal) {
  std::string record;
  encode_key_refusal(refusal, record);
  return put_beside(transaction, DirectoryTable::KeyRefusals, id, record);
}

}  // namespace postern::store
