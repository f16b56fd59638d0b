// API keys by id, by digest and by account, and their last use.
#pragma once

#include "store/records.h"
#include "store/transaction.h"

#include <optional>
#include <string_view>
#include <vector>

namespace postern::store {

Result<std::optional<KeyRecord>> find_key(Transaction& transaction, const KeyId& id);
Result<std::optional<KeyRecord>> find_key_by_digest(Transaction& transaction, const KeyDigest& digest);
Result<std::vector<KeyRecord>> list_keys(Transaction& transaction, const AccountId& account);
// The same of what the account's index says: a row each, and no record is read.
Result<std::vector<KeyOutline>> list_key_outlines(Transaction& transaction, const AccountId& account);
// Walks all keys: for people only.
Result<std::vector<KeyRecord>> find_keys_starting(Transaction& transaction, std::string_view text, std::size_t limit);
Result<std::optional<KeyUsage>> find_key_usage(Transaction& transaction, const KeyId& id);
Result<std::optional<KeyRefusal>> find_key_refusal(Transaction& transaction, const KeyId& id);

// AlreadyExists: another key has that digest.
Result<void> put_key(WriteTransaction& transaction, const KeyRecord& key);
// NotFound. Its usage goes too.
Result<void> erase_key(WriteTransaction& transaction, const KeyId& id);
// Of a key that is gone nothing is stored, and that is no error: its last use is written some time after it.
Result<void> put_key_usage(WriteTransaction& transaction, const KeyId& id, const KeyUsage& usage);
Result<void> put_key_refusal(WriteTransaction& transaction, const KeyId& id, const KeyRefusal& refusal);

}  // namespace postern::store
