// The life of keys: create, list, revoke, extend, rotate, delete. The one code path of the command line and, later, HTTP.
#pragma once

#include "auth/api_key.h"
#include "core/clock.h"
#include "core/result.h"
#include "store/directory.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::auth {

enum class KeyState {
  Active,
  Retiring,  // was rotated; works until its overlap ends
  Expired,   // by date; stays listed, a later date revives it
  Revoked,   // for good
};

KeyState key_state(const store::KeyRecord& key, Instant now);
std::string_view key_state_name(KeyState state);

struct NewKey {
  std::string name;                        // 1 to 64 printable characters
  Environment environment = Environment::Live;
  store::Permission permission = store::Permission::SendingAccess;
  std::vector<std::string> from_domains;   // as people write them
  std::vector<std::string> networks;
  std::optional<Instant> expires_at;
  std::optional<std::uint32_t> per_second;
};

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

  Result<CreatedKey> create(const AccountId& account, const NewKey& wanted);
  Result<void> revoke(const KeyId& id);
  // nullopt: never expires. A revoked or retired key stays dead (Conflict).
  Result<void> set_expiry(const KeyId& id, std::optional<Instant> expires_at);
  // A successor with the same policy; the old key works for `overlap` more (0: revoked now). Conflict: it is not active.
  Result<CreatedKey> rotate(const KeyId& id, Duration overlap);
  // At once and without a trace; whoever still uses it is told invalid_key.
  Result<void> remove(const KeyId& id);

 private:
  Result<store::KeyRecord> make_record(const AccountId& account, const NewKey& wanted, const Secret& text) const;
  Result<void> check_active_keys(store::DirectoryWriter& writer, const AccountId& account) const;
  Result<void> change(const KeyId& id, const std::function<Result<void>(store::KeyRecord&)>& edit);

  store::Directory& directory_;
  const KeyScheme& scheme_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace postern::auth
