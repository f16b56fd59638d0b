#include "auth/authenticator.h"

#include "auth/key_admin.h"
#include "auth/key_digest.h"
#include "auth/permission.h"

namespace postern::auth {
namespace {

AuthResult judge(const store::Directory::KeyWithAccount& found, const IpAddress& client, Instant now) {
  const auto refuse = [&found](Refusal refusal) {
    return AuthFailure{refusal, KeyOwner{found.key.id, found.account.id, found.key.environment}};
  };
  switch (key_state(found.key, now)) {
    case KeyState::Revoked: return refuse(Refusal::RevokedKey);
    case KeyState::Expired: return refuse(Refusal::ExpiredKey);
    case KeyState::Active:
    case KeyState::Retiring: break;
  }
  if (!is_network_allowed(found.key.networks, client)) return refuse(Refusal::KeyNetwork);
  Principal principal;
  principal.key = found.key.id;
  principal.account = found.account.id;
  principal.key_name = found.key.name;
  principal.account_name = found.account.name;
  principal.environment = found.key.environment;
  principal.account_mode = found.account.mode;
  principal.account_state = found.account.state;
  principal.permission = found.key.permission;
  principal.plan = found.account.plan;
  principal.key_per_second = found.key.per_second;
  principal.blind_copy_to = found.account.blind_copy_to;
  principal.has_own_domains = !found.key.from_domains.empty();
  principal.has_networks = !found.key.networks.empty();
  principal.from_domains = found.key.from_domains.empty() ? found.account.from_domains : found.key.from_domains;
  return principal;
}

}  // namespace

bool is_guess(const AuthFailure& failure) { return failure.refusal == Refusal::InvalidKey; }

Authenticator::Authenticator(const store::Directory& directory, KeyScheme scheme)
    : directory_(directory), scheme_(std::move(scheme)) {}

AuthResult Authenticator::authenticate(std::string_view api_key, const IpAddress& client, Instant now) const {
  // A typing slip, told by the checksum: this says nothing about which keys exist.
  if (!check_api_key(scheme_, api_key)) return AuthFailure{Refusal::InvalidKey, {}};
  const store::KeyDigest digest = digest_api_key(api_key);
  const auto found = directory_.find_key_by_digest(digest);
  if (!found) return AuthFailure{Refusal::AuthUnavailable, {}};
  if (!*found || !digests_equal((*found)->key.digest, digest)) return AuthFailure{Refusal::InvalidKey, {}};
  return judge(**found, client, now);
}

AuthResult Authenticator::refresh(const KeyId& key, const IpAddress& client, Instant now) const {
  const auto found = directory_.find_key(key);
  if (!found) return AuthFailure{Refusal::AuthUnavailable, {}};
  if (!*found) return AuthFailure{Refusal::RevokedKey, {}};
  return judge(**found, client, now);
}

}  // namespace postern::auth
