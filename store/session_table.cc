// Sessions of browsers.
#include "core/bytes.h"
#include "store/directory_index.h"

#include <algorithm>

namespace postern::store {

std::string format_id(const SessionId& id) {
  return "ses_" + format_base32hex(id.octets);
}

std::optional<SessionId> parse_session_id(std::string_view text) {
  constexpr std::string_view kPrefix = "ses_";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  const auto octets = parse_base32hex(text.substr(kPrefix.size()));
  SessionId id;
  if (!octets || octets->size() != id.octets.size()) return std::nullopt;
  std::ranges::copy(*octets, id.octets.begin());
  return id;
}

Result<std::optional<SessionRecord>> DirectoryReads::find_session(const SessionId& id) const {
  return look([&](Transaction& transaction) { return find_record<SessionRecord>(transaction, octets_of(id.octets)); });
}

Result<std::vector<SessionRecord>> DirectoryReads::list_sessions(const AccountId& account) const {
  return look(
      [&](Transaction& transaction) { return list_through<SessionRecord>(transaction, DirectoryTable::AccountSessions, account); });
}

Result<void> DirectoryWriter::put_session(const SessionRecord& session) {
  if (Result<void> required = require_account(session.account); !required) return required;
  Result<std::vector<SessionRecord>> others = list_sessions(session.account);
  if (!others) return others.error();
  std::erase_if(*others, [&](const SessionRecord& other) { return other.id == session.id; });
  std::ranges::sort(*others, {}, &SessionRecord::opened);
  const auto is_of_same = [&](const SessionRecord& other) { return other.user == session.user && other.key == session.key; };
  auto own = static_cast<std::size_t>(std::ranges::count_if(*others, is_of_same));
  std::size_t all = others->size();
  for (const SessionRecord& other : *others) {
    const bool is_over = other.expires_at <= session.opened;
    const bool is_surplus = all >= kMaxSessionsPerAccount || (is_of_same(other) && own >= kMaxSessionsOfOne);
    if (!is_over && !is_surplus) continue;
    if (Result<void> removed = remove_session(other.id); !removed) return removed;
    --all;
    if (is_of_same(other)) --own;
  }
  return put_with_rows(transaction_, session);
}

Result<void> DirectoryWriter::remove_session(const SessionId& id) {
  return erase_with_rows<SessionRecord>(transaction_, id, "session");
}

}  // namespace postern::store
