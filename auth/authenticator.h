// Authenticator: credential → principal, with one answer for unknown and wrong keys.
#pragma once

#include "auth/api_key.h"
#include "auth/principal.h"
#include "core/clock.h"
#include "core/ip_address.h"
#include "core/refusals.h"
#include "store/directory.h"

#include <optional>
#include <string_view>
#include <variant>

namespace postern::auth {

// Whose key it was, where it was recognised: the secret was right, and it is expired, revoked or used from a foreign network.
struct KeyOwner {
  KeyId key;
  AccountId account;
  Environment environment = Environment::Live;
};
struct AuthFailure {
  Refusal refusal = Refusal::InvalidKey;
  std::optional<KeyOwner> owner;
};

using AuthResult = std::variant<Principal, AuthFailure>;

// Whether an authenticate() that ended so counts against the client's address. Whoever has the secret of an expired or revoked
// key, or uses a right one from elsewhere, guesses nothing: an application left with such a key must not slow its neighbours
// behind one address down.
bool is_guess(const AuthFailure& failure);

// Reads the directory on the caller's thread (microseconds, no lock). Any thread; one object serves all.
class Authenticator {
 public:
  // Both must outlive this.
  Authenticator(const store::Directory& directory, KeyScheme scheme);

  // The key's text → principal, or InvalidKey, ExpiredKey, RevokedKey, KeyNetwork, AuthUnavailable (the store cannot answer).
  // A key whose checksum is wrong is refused without a look-up. A suspended account authenticates; MAIL refuses it.
  AuthResult authenticate(std::string_view api_key, const IpAddress& client, Instant now) const;

  // The same for a session that authenticated earlier: expiry, revocation and retirement bite here, and the principal is
  // fresh (mode, suspension, plan). A deleted key answers RevokedKey.
  AuthResult refresh(const KeyId& key, const IpAddress& client, Instant now) const;

 private:
  const store::Directory& directory_;
  KeyScheme scheme_;
};

}  // namespace postern::auth
