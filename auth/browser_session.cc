#include "auth/browser_session.h"

#include "auth/session_token.h"
#include "auth/sha256.h"
#include "core/bytes.h"

#include <algorithm>
#include <array>

namespace postern::auth {
namespace {

constexpr std::size_t kSecretOctets = 32;  // nobody guesses it

std::array<std::uint8_t, 32> session_digest(std::string_view secret) {
  Sha256 hash;
  hash.update(secret);
  return hash.finish();
}

}  // namespace

Result<OpenedSession> BrowserSessions::open(const store::UserRecord& user, const From& from) {
  return open({.account = user.account, .user = user.id, .key = {}, .password_mark = password_mark(user)}, from);
}

Result<OpenedSession> BrowserSessions::open(const AccountId& account, const KeyId& key, const From& from) {
  return open({.account = account, .user = {}, .key = key, .password_mark = {}}, from);
}

Result<OpenedSession> BrowserSessions::open(store::SessionRecord record, const From& from) {
  std::array<std::uint8_t, kSecretOctets> octets{};
  random_.fill(octets);
  random_.fill(record.id.octets);
  std::string secret = format_base32hex(octets);
  record.digest = session_digest(secret);
  record.opened = clock_.now();
  record.expires_at = record.opened + kBrowserSessionLifetime;
  record.address = from.address;
  record.client = printable_utf8(from.client, kMaxSessionClientOctets);
  const Result<void> written = directory_.write([&](store::DirectoryWriter& writer) { return writer.put_session(record); });
  if (!written) return written.error();
  Secret text(format_base32hex(record.id.octets) + '.' + secret);
  wipe_string(secret);
  return OpenedSession{std::move(record), std::move(text)};
}

Result<std::optional<store::SessionRecord>> BrowserSessions::find(std::string_view text) const {
  const std::size_t dot = text.find('.');
  const auto id = parse_base32hex(text.substr(0, dot));
  store::SessionId session;
  if (dot == std::string_view::npos || !id || id->size() != session.octets.size()) return std::optional<store::SessionRecord>();
  std::ranges::copy(*id, session.octets.begin());
  auto found = directory_.find_session(session);
  if (!found || !*found) return found;
  const bool goes_on =
      equals_in_constant_time(session_digest(text.substr(dot + 1)), (*found)->digest) && (*found)->expires_at > clock_.now();
  if (!goes_on) found->reset();
  return found;
}

Result<std::vector<store::SessionRecord>> BrowserSessions::list_of(const AccountId& account, const std::optional<UserId>& user,
                                                                   const std::optional<KeyId>& key) const {
  auto sessions = directory_.list_sessions(account);
  if (!sessions) return sessions;
  std::erase_if(*sessions, [&, now = clock_.now()](const store::SessionRecord& one) {
    return one.expires_at <= now || one.user != user || one.key != key;
  });
  std::ranges::sort(*sessions, std::ranges::greater{}, &store::SessionRecord::opened);
  return sessions;
}

Result<void> BrowserSessions::end(const store::SessionId& id) {
  return directory_.write([&](store::DirectoryWriter& writer) { return writer.remove_session(id); });
}

}  // namespace postern::auth
