// The life of keys: create, list, revoke, extend, rotate, delete. The one code path of the command line and HTTP.
#pragma once

#include "auth/api_key.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "store/directory.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::auth {

// A key that is to work for longer is not being rotated: make a second one.
inline constexpr Duration kMaxOverlap = std::chrono::days(90);

// Of one account, in whatever state: bounds its list. Delete revoked ones to make room.
inline constexpr std::size_t kMaxKeysPerAccount = 10'000;

enum class KeyState {
  Active,
  Retiring,  // was rotated; works until its overlap ends
  Expired,   // by date; stays listed, a later date revives it
  Revoked,   // for good
};

KeyState key_state(const store::KeyRecord& key, Instant now);
KeyState key_state(const store::KeyOutline& key, Instant now);
std::string_view key_state_name(KeyState state);

struct NewKey {
  std::string name;                        // 1 to 64 printable characters; "default" for none, unless the scheme requires one
  Environment environment = Environment::Live;
  store::Permission permission = store::Permission::FullAccess;  // where nobody says which, at both doors
  std::vector<std::string> from_domains;   // as people write them
  std::vector<std::string> networks;
  std::optional<Instant> expires_at;
  std::optional<std::uint32_t> per_second;
};

// What is not named stays.
struct KeyChanges {
  std::optional<std::string> name = {};
  std::optional<std::optional<Instant>> expires_at = {};  // an inner nullopt: never expires
  std::optional<store::Permission> permission = {};
  std::optional<std::vector<std::string>> from_domains = {};  // as people write them; empty: all of the account's
  std::optional<std::vector<std::string>> networks = {};      // empty: any
  std::optional<std::optional<std::uint32_t>> per_second = {};  // an inner nullopt: the plan's
};

// All of `changes` but the date, checked and normalised. InvalidArgument.
Result<void> apply_changes(const KeyChanges& changes, store::KeyRecord& key);

struct CreatedKey {
  store::KeyRecord record;
  Secret text;  // shown once; nothing can bring it back
};

// Every function blocks until its change is synced. Errors carry words for people: InvalidArgument, NotFound, Conflict,
// LimitExceeded (the scheme's active keys), and the store's.
class KeyAdmin {
 public:
  // All must outlive this.
  KeyAdmin(store::Directory& directory, const KeyScheme& scheme, const Clock& clock, Random& random)
      : directory_(directory), scheme_(scheme), clock_(clock), random_(random) {}
  // Of a temporary it would keep a reference to what is gone.
  KeyAdmin(store::Directory&, const KeyScheme&&, const Clock&, Random&) = delete;

  const KeyScheme& scheme() const { return scheme_; }

  Result<CreatedKey> create(const AccountId& account, const NewKey& wanted);
  // The same in two steps, for who looks at the rights in between: draft() checks and normalises, and writes nothing.
  Result<store::KeyRecord> draft(const AccountId& account, const NewKey& wanted) const;
  Result<CreatedKey> create(store::KeyRecord draft);
  Result<void> revoke(const KeyId& id);
  // nullopt: never expires. A revoked or retired key stays dead (Conflict). Reviving an expired key needs room for one more
  // active key (LimitExceeded).
  Result<void> set_expiry(const KeyId& id, std::optional<Instant> expires_at);
  // All of it together or nothing, the date under the rules of set_expiry(). Conflict: a From domain is not the account's.
  Result<void> update(const KeyId& id, const KeyChanges& changes);
  // A successor with the same policy; the old key works for `overlap` more (0: revoked now; at most kMaxOverlap). Conflict: it
  // is not active. Needs no room among the active keys, so that it also works where an account has a single one; but no more
  // keys retire at a time than may be active (LimitExceeded).
  Result<CreatedKey> rotate(const KeyId& id, Duration overlap);
  // At once and without a trace; whoever still uses it is told invalid_key.
  Result<void> remove(const KeyId& id);

 private:
  Result<void> check_environment(Environment environment) const;
  // LimitExceeded at kMaxKeysPerAccount.
  Result<void> check_total(store::DirectoryWriter& writer, const AccountId& account) const;
  // LimitExceeded if the account has as many keys in that state as the scheme allows active ones.
  Result<void> check_room(store::DirectoryWriter& writer, const AccountId& account, KeyState state) const;
  // The rows that a rotation puts in place of `old`.
  Result<CreatedKey> succeed(store::DirectoryWriter& writer, store::KeyRecord old, Duration overlap);
  Result<void> apply_expiry(store::DirectoryWriter& writer, store::KeyRecord& key, std::optional<Instant> expires_at) const;
  using Edit = std::function<Result<void>(store::DirectoryWriter&, store::KeyRecord&)>;
  Result<void> change(const KeyId& id, const Edit& edit);

  store::Directory& directory_;
  const KeyScheme& scheme_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace postern::auth
