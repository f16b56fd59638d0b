// API keys and their last use.
#include "store/audit.h"
#include "store/directory_index.h"
#include "store/leftovers.h"

namespace postern::store {
namespace {

using KeyWithAccount = DirectoryReads::KeyWithAccount;

Result<std::optional<KeyWithAccount>> with_account(Transaction& transaction, Result<std::optional<KeyRecord>> key) {
  if (!key) return key.error();
  if (!*key) return std::optional<KeyWithAccount>();
  const std::string_view id = octets_of((*key)->account.octets);
  Result<std::optional<AccountRecord>> account = find_record<AccountRecord>(transaction, id);
  if (!account) return account.error();
  if (!*account && is_left_over(transaction, id)) return std::optional<KeyWithAccount>();
  if (!*account) return Error(ErrorCode::CorruptRecord, "key " + format_id((*key)->id) + " has no account");
  return std::optional(KeyWithAccount{.key = std::move(**key), .account = std::move(**account)});
}

}  // namespace

Result<std::optional<KeyWithAccount>> DirectoryReads::find_key(const KeyId& id) const {
  return look([&](Transaction& transaction) {
    return with_account(transaction, find_record<KeyRecord>(transaction, octets_of(id.octets)));
  });
}

Result<std::optional<KeyWithAccount>> DirectoryReads::find_key_by_digest(const KeyDigest& digest) const {
  return look([&](Transaction& transaction) {
    return with_account(transaction, find_through<KeyRecord>(transaction, DirectoryTable::KeyDigests, octets_of(digest)));
  });
}

Result<std::vector<KeyRecord>> DirectoryReads::list_keys(const AccountId& account) const {
  return look([&](Transaction& transaction) {
    return list_through<KeyRecord>(transaction, DirectoryTable::AccountKeys, account);
  });
}

Result<std::vector<KeyOutline>> DirectoryReads::list_key_outlines(const AccountId& account) const {
  const auto list = [&](Transaction& transaction) -> Result<std::vector<KeyOutline>> {
    std::vector<KeyOutline> outlines;
    const std::string_view prefix = octets_of(account.octets);
    Cursor cursor(Table(transaction, DirectoryTable::AccountKeys));
    for (bool found = cursor.seek(prefix); found && cursor.key().starts_with(prefix); found = cursor.next()) {
      const std::string_view id = cursor.key().substr(prefix.size());
      if (cursor.value().empty()) {  // written before there were outlines, and not again since
        Result<std::optional<KeyRecord>> key = find_record<KeyRecord>(transaction, id);
        if (!key) return key.error();
        if (*key) outlines.push_back(outline_of(**key));
        continue;
      }
      Result<KeyOutline> outline = decode<KeyOutline>(cursor.value());
      if (!outline) return outline.error();
      outline->id = KeyId{KeyReader(id).octets<10>()};
      outlines.push_back(*outline);
    }
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
    return outlines;
  };
  return look(list);
}

Result<std::vector<KeyRecord>> DirectoryReads::find_keys_starting(std::string_view text, std::size_t limit) const {
  const auto find = [&](Transaction& transaction) -> Result<std::vector<KeyRecord>> {
    std::vector<KeyRecord> keys;
    Cursor cursor(Table(transaction, DirectoryTable::Keys));
    for (bool found = cursor.first(); found && keys.size() < limit; found = cursor.next()) {
      Result<KeyRecord> key = decode<KeyRecord>(cursor.value());
      if (!key) return key.error();
      if (format_id(key->id).starts_with(text) || key->prefix.starts_with(text)) keys.push_back(std::move(*key));
    }
    if (Result<void> walked = cursor.status(); !walked) return walked.error();
    return keys;
  };
  return look(find);
}

Result<std::optional<KeyUsage>> DirectoryReads::find_key_usage(const KeyId& id) const {
  return look([&](Transaction& transaction) { return find_record<KeyUsage>(transaction, octets_of(id.octets)); });
}

Result<std::optional<KeyRefusal>> DirectoryReads::find_key_refusal(const KeyId& id) const {
  return look([&](Transaction& transaction) { return find_record<KeyRefusal>(transaction, octets_of(id.octets)); });
}

Result<void> DirectoryWriter::put_key(const KeyRecord& key) {
  if (Result<void> required = require_account(key.account); !required) return required;
  const Result<std::optional<KeyRecord>> before = find_record<KeyRecord>(transaction_, octets_of(key.id.octets));
  if (!before) return before.error();
  if (Result<void> replaced = replace_rows(transaction_, key, "there is a key with that digest"); !replaced) return replaced;
  if (Result<void> put = put_with_rows(transaction_, key); !put) return put;
  return note_key(transaction_, actor_, *before ? &**before : nullptr, key);
}

Result<void> DirectoryWriter::remove_key(const KeyId& id) {
  const Result<std::optional<KeyRecord>> key = find_record<KeyRecord>(transaction_, octets_of(id.octets));
  if (!key) return key.error();
  Result<void> removed = erase_with_rows<KeyRecord>(transaction_, id, "key");
  if (removed) removed = erase_row(transaction_, DirectoryTable::KeyUsages, octets_of(id.octets));
  if (removed) removed = erase_row(transaction_, DirectoryTable::KeyRefusals, octets_of(id.octets));
  if (!removed) return removed;
  return note_removal(transaction_, actor_, {.account = (*key)->account, .action = "key.deleted", .target_kind = "key",
                                             .target_id = format_id(id), .target_name = (*key)->name});
}

Result<void> DirectoryWriter::put_key_usage(const KeyId& id, const KeyUsage& usage) {
  const std::string_view key = octets_of(id.octets);
  return if_there(transaction_, DirectoryTable::Keys, key, [&] { return put_record(transaction_, key, usage); });
}

Result<void> DirectoryWriter::put_key_refusal(const KeyId& id, const KeyRefusal& refusal) {
  const std::string_view key = octets_of(id.octets);
  return if_there(transaction_, DirectoryTable::Keys, key, [&] { return put_record(transaction_, key, refusal); });
}

}  // namespace postern::store
