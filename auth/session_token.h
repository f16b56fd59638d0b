// The users' session tokens: JWT (RFC 7519), HS256 only, short-lived. Over libjwt; the algorithm is ours to choose, never the
// token's (RFC 8725 §3.1).
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/random.h"
#include "core/result.h"
#include "core/secret.h"
#include "store/records.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace postern::auth {

struct SessionClaims {
  UserId user;
  AccountId account;
  Instant expires_at;
  std::string password_mark;  // password_mark() of the user when the session was opened
  std::string token_id = {};  // tells a user's sessions apart
  Instant opened_at = {};     // in whole seconds
};

// Changes with the user's password and says nothing about it.
std::string password_mark(const store::UserRecord& user);

// Sessions that were signed out and whose tokens have not ended by themselves, remembered of one user; with one more, all that
// were opened before end with it.
inline constexpr std::size_t kMaxEndedSessions = 100;

// From now on is_session_of() is false for it.
void end_session(store::UserRecord& user, const SessionClaims& session, Instant now);

// True while the session goes on: the user is still of that account, has the password that opened it, and did not sign out.
bool is_session_of(const SessionClaims& claims, const store::UserRecord& user);

// Any thread.
class SessionTokens {
 public:
  // The signing keys live in `file` (mode 0600), made if it is absent: the one that signs and its predecessor, which still
  // verifies. A key signs for `key_lifetime`, then a new one takes its place.
  static Result<std::unique_ptr<SessionTokens>> open(const std::filesystem::path& file, Duration lifetime, Duration key_lifetime,
                                                     const Clock& clock, Random& random);
  // For several machines that share `secret` (32 octets): each signs with a key that is made from it and from the time, so that
  // they agree without a word. Such keys take turns at multiples of `key_lifetime`; the one before and the one behind verify.
  static Result<std::unique_ptr<SessionTokens>> open_shared(const Secret& secret, Duration lifetime, Duration key_lifetime,
                                                            const Clock& clock, Random& random);
  virtual ~SessionTokens() = default;
  // Blocks while a new key is written: on a worker.
  virtual Secret issue(const store::UserRecord& user) = 0;
  // Malformed (also: alg is not HS256, wrong signature), DeadlinePassed.
  virtual Result<SessionClaims> verify(std::string_view token) const = 0;
};

}  // namespace postern::auth
