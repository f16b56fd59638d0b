// People who manage an account: signing up, signing in. The one code path of the command line and HTTP.
#pragma once

#include "auth/account_admin.h"
#include "auth/session_token.h"
#include "core/secret.h"
#include "store/directory.h"

#include <functional>
#include <string_view>

namespace postern::auth {

inline constexpr std::size_t kMinPasswordOctets = 10;
inline constexpr std::size_t kMaxPasswordOctets = 1024;

// Every function blocks: on the sync of its change, on a memory-hard hash. Errors carry words for people.
class UserAdmin {
 public:
  // All must outlive this.
  UserAdmin(store::Directory& directory, AccountAdmin& accounts, const Clock& clock, Random& random)
      : directory_(directory), accounts_(accounts), clock_(clock), random_(random) {}

  // A new account in sandbox mode that made itself, named after the address, with its first user. AlreadyExists: the address is
  // taken.
  Result<store::UserRecord> sign_up(std::string_view email, const Secret& password,
                                    const store::Plan& plan = *plan_named("starter"));
  // A further user of an account. InvalidArgument: no address, a password too short; AlreadyExists; NotFound: no account. An
  // operator sees and changes all accounts over HTTP: only the command line makes one.
  enum class Role { Member, Operator };
  Result<store::UserRecord> create(const AccountId& account, std::string_view email, const Secret& password,
                                   Role role = Role::Member);
  // NotFound for an unknown address and for a wrong password alike, after the same work. A right password whose hash has the
  // costs of an older version is hashed again.
  Result<store::UserRecord> sign_in(std::string_view email, const Secret& password);
  // The session's token is worthless from then on. NotFound.
  Result<void> sign_out(const SessionClaims& session);
  // By address, as people write it, or id.
  Result<store::UserRecord> find(std::string_view email_or_id) const;
  // Ends every session of the user: those at browsers with it, tokens by their mark.
  Result<void> set_password(const UserId& id, const Secret& password);
  Result<void> set_role(const UserId& id, Role role);
  Result<void> remove(const UserId& id);

 private:
  // A checked record with its password hashed; nothing is written. AlreadyExists: the address is taken.
  Result<store::UserRecord> draft(const AccountId& account, std::string_view email, const Secret& password);
  // Edits the record as it is at that instant, so that nobody who is removed meanwhile comes back. NotFound.
  Result<void> change(const UserId& id, const std::function<void(store::UserRecord&)>& edit);
  void renew_hash(store::UserRecord& user, const Secret& password);

  store::Directory& directory_;
  AccountAdmin& accounts_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace postern::auth
