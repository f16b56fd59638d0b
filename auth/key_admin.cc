#include "auth/key_admin.h"

#include "auth/account_admin.h"
#include "auth/key_digest.h"

namespace postern::auth {
namespace {

Error no_such_key() { return Error(ErrorCode::NotFound, "there is no such key"); }

}  // namespace

KeyState key_state(const store::KeyRecord& key, Instant now) {
  if (key.revoked_at && *key.revoked_at <= now) return KeyState::Revoked;
  if (key.retires_at && *key.retires_at <= now) return KeyState::Revoked;
  if (key.expires_at && *key.expires_at <= now) return KeyState::Expired;
  return key.retires_at ? KeyState::Retiring : KeyState::Active;
}

std::string_view key_state_name(KeyState state) {
  switch (state) {
    case KeyState::Active: return "active";
    case KeyState::Retiring: return "retiring";
    case KeyState::Expired: return "expired";
    case KeyState::Revoked: return "revoked";
  }
  return "unknown";
}

Result<store::KeyRecord> KeyAdmin::make_record(const AccountId& account, const NewKey& wanted, const Secret& text) const {
  if (const auto valid = check_name(wanted.name); !valid) return valid.error();
  store::KeyRecord record;
  record.id = make_key_id(random_);
  record.account = account;
  record.name = wanted.name;
  record.environment = wanted.environment;
  record.permission = wanted.permission;
  for (const std::string& domain : wanted.from_domains) {
    if (!is_valid_domain(domain, true)) return Error(ErrorCode::InvalidArgument, "not a domain: " + domain);
    record.from_domains.push_back(normalised_domain(domain));
  }
  for (const std::string& network : wanted.networks) {
    const auto parsed = parse_ip_network(network);
    if (!parsed) {
      return Error(ErrorCode::InvalidArgument, "not a network: " + network + "; write 192.0.2.0/24, 2001:db8::/32 or one address");
    }
    record.networks.push_back(*parsed);
  }
  record.per_second = wanted.per_second;
  record.prefix = key_prefix(text.reveal());
  record.digest = digest_api_key(text.reveal());
  record.created = clock_.now();
  record.expires_at = wanted.expires_at;
  return record;
}

Result<void> KeyAdmin::check_active_keys(store::DirectoryWriter& writer, const AccountId& account) const {
  if (scheme_.max_active_keys == 0) return {};
  const auto keys = writer.list_keys(account);
  if (!keys) return keys.error();
  std::uint32_t active = 0;
  for (const store::KeyRecord& key : *keys) active += key_state(key, clock_.now()) == KeyState::Active;
  if (active < scheme_.max_active_keys) return {};
  return Error(ErrorCode::LimitExceeded, "this account has its " + std::to_string(active) +
                                             " active keys already (max_active_keys_per_account): revoke or rotate one");
}

Result<CreatedKey> KeyAdmin::create(const AccountId& account, const NewKey& wanted) {
  if (!scheme_.has_environment && wanted.environment == Environment::Test) {
    return Error(ErrorCode::InvalidArgument, "keys of this installation have no environment part (key_has_environment): all are live");
  }
  Secret text = generate_api_key(scheme_, wanted.environment, random_);
  Result<store::KeyRecord> record = make_record(account, wanted, text);
  if (!record) return record.error();
  const Result<void> written = directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    const auto owner = writer.find_account(account);
    if (!owner) return owner.error();
    if (!*owner) return Error(ErrorCode::NotFound, "there is no such account");
    if (const auto room = check_active_keys(writer, account); !room) return room.error();
    return writer.put_key(*record);
  });
  if (!written) return written.error();
  return CreatedKey{std::move(*record), std::move(text)};
}

Result<void> KeyAdmin::change(const KeyId& id, const std::function<Result<void>(store::KeyRecord&)>& edit) {
  return directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    auto found = writer.find_key(id);
    if (!found) return found.error();
    if (!*found) return no_such_key();
    if (const auto edited = edit(**found); !edited) return edited.error();
    return writer.put_key(**found);
  });
}

Result<void> KeyAdmin::revoke(const KeyId& id) {
  const Instant now = clock_.now();
  return change(id, [now](store::KeyRecord& key) -> Result<void> {
    if (!key.revoked_at) key.revoked_at = now;
    return {};
  });
}

Result<void> KeyAdmin::set_expiry(const KeyId& id, std::optional<Instant> expires_at) {
  const Instant now = clock_.now();
  return change(id, [&](store::KeyRecord& key) -> Result<void> {
    if (key_state(key, now) == KeyState::Revoked) {
      return Error(ErrorCode::Conflict, "a revoked key stays revoked: create a new one");
    }
    key.expires_at = expires_at;
    return {};
  });
}

Result<CreatedKey> KeyAdmin::rotate(const KeyId& id, Duration overlap) {
  const Instant now = clock_.now();
  std::optional<CreatedKey> created;
  const Result<void> written = directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    auto found = writer.find_key(id);
    if (!found) return found.error();
    if (!*found) return no_such_key();
    store::KeyRecord& old = **found;
    if (key_state(old, now) != KeyState::Active) {
      return Error(ErrorCode::Conflict, "only an active key can be rotated; this one is " + std::string(key_state_name(key_state(old, now))));
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
    created = CreatedKey{std::move(successor), std::move(text)};
    return {};
  });
  if (!written) return written.error();
  return std::move(*created);
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
