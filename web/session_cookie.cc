#include "web/session_cookie.h"

#include "core/bytes.h"

#include <algorithm>

namespace postern::web {
namespace {

std::string_view cookie_name(bool is_encrypted) {
  return is_encrypted ? "__Host-postern_session" : "postern_session";
}

}  // namespace

std::optional<Secret> take_session_cookie(std::vector<std::pair<std::string, std::string>>& fields, bool is_encrypted) {
  const std::string_view wanted = cookie_name(is_encrypted);
  std::optional<Secret> found;
  bool is_ambiguous = false;
  for (auto& [name, value] : fields) {
    if (name != "cookie") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = trim_ascii_space(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != wanted) continue;
      is_ambiguous = is_ambiguous || found;
      found = Secret(std::string(pair.substr(equals + 1)));
    }
    wipe_string(value);
  }
  return is_ambiguous ? std::nullopt : found;
}

std::string format_session_cookie(const Secret& value, std::chrono::seconds lifetime, bool is_encrypted) {
  const std::chrono::seconds left = value.empty() ? std::chrono::seconds(0) : lifetime;
  std::string cookie(cookie_name(is_encrypted));
  cookie.append("=").append(value.reveal());  // what the field is for
  cookie.append("; Path=/; HttpOnly; SameSite=Strict; Max-Age=").append(std::to_string(left.count()));
  if (is_encrypted) cookie += "; Secure";
  return cookie;
}

}  // namespace postern::web
