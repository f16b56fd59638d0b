#include "auth/key_admin.h"

#include "auth/account_admin.h"
#include "auth/key_digest.h"
#include "auth/permission.h"

#include <algorithm>

namespace postern::auth {
namespace {

Error no_such_key() { return Error(ErrorCode::NotFound, "there is no such key"); }

// A key narrows what its account may use; it never widens it.
Result<void> check_domains(const store::AccountRecord& account, const store::KeyRecord& key) {
  for (const std::string& domain : key.from_domains) {
    if (is_domain_allowed(account.from_domains, domain)) continue;
    return Error(ErrorCode::Conflict, domain + " is not among the account's domains");
  }
  return {};
}

Result<void> read_networks(const std::vector<std::string>& texts, std::vector<IpNetwork>& networks) {
  networks.clear();
  for (const std::string& text : texts) {
    const auto network = parse_ip_network(text);
    if (!network) {
      return Error(ErrorCode::InvalidArgument, "not a network: " + text + "; write 192.0.2.0/24, 2001:db8::/32 or one address");
    }
    networks.push_back(*network);
  }
  return {};
}

KeyState state_by_dates(const auto& key, Instant now) {
  if (key.revoked_at) return KeyState::Revoked;  // whatever the clock says: a clock set back revives nothing
  if (key.retires_at && *key.retires_at <= now) return KeyState::Revoked;
  if (key.expires_at && *key.expires_at <= now) return KeyState::Expired;
  return key.retires_at ? KeyState::Retiring : KeyState::Active;
}

}  // namespace

Result<void> apply_changes(const KeyChanges& changes, store::KeyRecord& key) {
  if (changes.name) {
    if (const auto valid = check_name(*changes.name); !valid) return valid.error();
    key.name = *changes.name;
  }
  if (changes.permission) key.permission = *changes.permission;
  if (changes.from_domains) {
    auto domains = read_from_domains(*changes.from_domains);
    if (!domains) return domains.error();
    key.from_domains = std::move(*domains);
  }
  if (changes.networks) {
    if (const auto read = read_networks(*changes.networks, key.networks); !read) return read.error();
  }
  if (changes.per_second) key.per_second = *changes.per_second;
  return {};
}

KeyState key_state(const store::KeyRecord& key, Instant now) { return state_by_dates(key, now); }
KeyState key_state(const store::KeyOutline& key, Instant now) { return state_by_dates(key, now); }

std::string_view key_state_name(KeyState state) {
  switch (state) {
    case KeyState::Active: return "active";
    case KeyState::Retiring: return "retiring";
    case KeyState::Expired: return "expired";
    case KeyState::Revoked: return "revoked";
  }
  return "unknown";
}

Result<store::KeyRecord> KeyAdmin::draft(const AccountId& account, const NewKey& wanted) const {
  if (const auto valid = check_environment(wanted.environment); !valid) return valid.error();
  if (wanted.name.empty() && scheme_.name_required) {
    return Error(ErrorCode::InvalidArgument, "name is missing: say what the key is for (key_name_required)");
  }
  const std::string name = wanted.name.empty() ? "default" : wanted.name;
  if (const auto valid = check_name(name); !valid) return valid.error();
  store::KeyRecord record;
  record.id = make_key_id(random_);
  record.account = account;
  record.name = name;
  record.environment = wanted.environment;
  record.permission = wanted.permission;
  auto domains = read_from_domains(wanted.from_domains);
  if (!domains) return domains.error();
  record.from_domains = std::move(*domains);
  if (const auto read = read_networks(wanted.networks, record.networks); !read) return read.error();
  record.per_second = wanted.per_second;
  record.created = clock_.now();
  record.expires_at = wanted.expires_at;
  return record;
}

Result<void> KeyAdmin::check_room(store::DirectoryWriter& writer, const AccountId& account, KeyState state) const {
  if (scheme_.max_active_keys == 0) return {};
  const auto keys = writer.list_key_outlines(account);
  if (!keys) return keys.error();
  const Instant now = clock_.now();
  const auto is_in_it = [&](const store::KeyOutline& key) { return key_state(key, now) == state; };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(*keys, is_in_it));
  if (count < scheme_.max_active_keys) return {};
  return Error(ErrorCode::LimitExceeded,
               "this account has " + std::to_string(count) + ' ' + std::string(key_state_name(state)) +
                   (count == 1 ? " key" : " keys") + ", as many as it may (max_active_keys_per_account): revoke one first");
}

Result<void> KeyAdmin::check_total(store::DirectoryWriter& writer, const AccountId& account) const {
  const auto keys = writer.list_key_outlines(account);
  if (!keys) return keys.error();
  if (keys->size() < kMaxKeysPerAccount) return {};
  return Error(ErrorCode::LimitExceeded, "this account has " + std::to_string(keys->size()) + " keys: delete revoked ones first");
}

Result<void> KeyAdmin::check_environment(Environment environment) const {
  if (scheme_.has_environment || environment == Environment::Live) return {};
  return Error(ErrorCode::Conflict, "keys of this installation have no environment part (key_has_environment): all are live");
}

Result<CreatedKey> KeyAdmin::create(const AccountId& account, const NewKey& wanted) {
  Result<store::KeyRecord> record = draft(account, wanted);
  if (!record) return record.error();
  return create(std::move(*record));
}

Result<CreatedKey> KeyAdmin::create(store::KeyRecord record) {
  Secret text = generate_api_key(scheme_, record.environment, random_);
  record.prefix = key_prefix(text.reveal());
  record.digest = digest_api_key(text.reveal());
  const Result<void> written = directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    const auto owner = writer.find_account(record.account);
    if (!owner) return owner.error();
    if (!*owner) return Error(ErrorCode::NotFound, "there is no such account");
    if (const auto allowed = check_domains(**owner, record); !allowed) return allowed.error();
    if (const auto total = check_total(writer, record.account); !total) return total.error();
    if (const auto room = check_room(writer, record.account, KeyState::Active); !room) return room.error();
    return writer.put_key(record);
  });
  if (!written) return written.error();
  return CreatedKey{std::move(record), std::move(text)};
}

Result<void> KeyAdmin::change(const KeyId& id, const Edit& edit) {
  return directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    auto found = writer.find_key(id);
    if (!found) return found.error();
    if (!*found) return no_such_key();
    if (const auto edited = edit(writer, (*found)->key); !edited) return edited.error();
    return writer.put_key((*found)->key);
  });
}

Result<void> KeyAdmin::revoke(const KeyId& id) {
  const Instant now = clock_.now();
  return change(id, [now](store::DirectoryWriter&, store::KeyRecord& key) -> Result<void> {
    if (!key.revoked_at) key.revoked_at = now;
    return {};
  });
}

Result<void> KeyAdmin::set_expiry(const KeyId& id, std::optional<Instant> expires_at) {
  return update(id, {.expires_at = expires_at});
}

Result<void> KeyAdmin::apply_expiry(store::DirectoryWriter& writer, store::KeyRecord& key,
                                    std::optional<Instant> expires_at) const {
  const Instant now = clock_.now();
  if (key_state(key, now) == KeyState::Revoked) {
    return Error(ErrorCode::Conflict, "a revoked key stays revoked: create a new one");
  }
  const bool was_expired = key_state(key, now) == KeyState::Expired;
  key.expires_at = expires_at;
  if (was_expired && key_state(key, now) == KeyState::Active) return check_room(writer, key.account, KeyState::Active);
  return {};
}

Result<void> KeyAdmin::update(const KeyId& id, const KeyChanges& changes) {
  return change(id, [&](store::DirectoryWriter& writer, store::KeyRecord& key) -> Result<void> {
    if (const auto applied = apply_changes(changes, key); !applied) return applied.error();
    const auto owner = writer.find_account(key.account);
    if (!owner) return owner.error();
    if (!*owner) return no_such_key();
    // What the account lost meanwhile is no reason to refuse another change.
    if (changes.from_domains) {
      if (const auto allowed = check_domains(**owner, key); !allowed) return allowed.error();
    }
    return changes.expires_at ? apply_expiry(writer, key, *changes.expires_at) : Result<void>();
  });
}

Result<CreatedKey> KeyAdmin::rotate(const KeyId& id, Duration overlap) {
  if (overlap < Duration(0) || overlap > kMaxOverlap) {
    return Error(ErrorCode::InvalidArgument, "the old key may go on for 0 to 90 days");
  }
  std::optional<CreatedKey> created;
  const Result<void> written = directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    auto found = writer.find_key(id);
    if (!found) return found.error();
    if (!*found) return no_such_key();
    auto successor = succeed(writer, std::move((*found)->key), overlap);
    if (!successor) return successor.error();
    created = std::move(*successor);
    return {};
  });
  if (!written) return written.error();
  return std::move(*created);
}

Result<CreatedKey> KeyAdmin::succeed(store::DirectoryWriter& writer, store::KeyRecord old, Duration overlap) {
  const Instant now = clock_.now();
  if (const KeyState state = key_state(old, now); state != KeyState::Active) {
    return Error(ErrorCode::Conflict, "only an active key can be rotated; this one is " + std::string(key_state_name(state)));
  }
  // A test key made before the installation's scheme was changed.
  if (const auto valid = check_environment(old.environment); !valid) return valid.error();
  if (const auto total = check_total(writer, old.account); !total) return total.error();
  if (overlap > Duration(0)) {
    if (const auto room = check_room(writer, old.account, KeyState::Retiring); !room) return room.error();
  }
  Secret text = generate_api_key(scheme_, old.environment, random_);
  store::KeyRecord successor = old;
  successor.id = make_key_id(random_);
  successor.prefix = key_prefix(text.reveal());
  successor.digest = digest_api_key(text.reveal());
  successor.created = now;
  old.successor = successor.id;
  old.retires_at = now + overlap;
  if (overlap == Duration(0)) old.revoked_at = now;
  if (const auto put = writer.put_key(old); !put) return put.error();
  if (const auto put = writer.put_key(successor); !put) return put.error();
  return CreatedKey{std::move(successor), std::move(text)};
}

Result<void> KeyAdmin::remove(const KeyId& id) {
  return directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    const auto found = writer.find_key(id);
    if (!found) return found.error();
    if (!*found) return no_such_key();
    return writer.remove_key(id);
  });
}

}  // namespace postern::auth
