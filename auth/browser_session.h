// BrowserSessions: who signed in at a browser. The browser holds a secret in a cookie, the directory its digest, so that a session
// can be listed and ended from elsewhere, and ends with the password that opened it.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "core/secret.h"
#include "store/directory.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::auth {

// A working day: whoever comes again in the morning signs in. Nothing that a browser does makes it longer.
inline constexpr std::chrono::hours kBrowserSessionLifetime{12};

// Of a User-Agent field, for the list of sessions.
inline constexpr std::size_t kMaxSessionClientOctets = 200;

struct OpenedSession {
  store::SessionRecord record;
  Secret text;  // for the cookie: letters, digits and a dot
};

// Any thread.
class BrowserSessions {
 public:
  // All outlive this.
  BrowserSessions(store::Directory& directory, const Clock& clock, Random& random)
      : directory_(directory), clock_(clock), random_(random) {}

  // Where from: what the list of sessions shows.
  struct From {
    IpAddress address;
    std::string_view client;  // User-Agent
  };
  // Both block until synced. The oldest of somebody who has too many ends.
  Result<OpenedSession> open(const store::UserRecord& user, const From& from);
  Result<OpenedSession> open(const AccountId& account, const KeyId& key, const From& from);

  // nullopt: none that goes on. Whether its user or key still may is the caller's to ask.
  Result<std::optional<store::SessionRecord>> find(std::string_view text) const;
  // Those of one user or key that go on, the newest first.
  Result<std::vector<store::SessionRecord>> list_of(const AccountId& account, const std::optional<UserId>& user,
                                                    const std::optional<KeyId>& key) const;

  // Blocks until synced. NotFound.
  Result<void> end(const store::SessionId& id);

 private:
  Result<OpenedSession> open(store::SessionRecord record, const From& from);

  store::Directory& directory_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace postern::auth
