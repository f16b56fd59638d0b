#include "web/browser_rules.h"

#include "core/bytes.h"
#include "core/ip_address.h"

#include <algorithm>

namespace postern::web {
namespace {

// Without port, brackets and a last dot; in lower case.
std::string bare_host(std::string_view host) {
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') == std::string_view::npos ? 0 : host.find(']') - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  return to_ascii_lower(host);
}

constexpr std::string_view kLocalhost = "localhost";

}  // namespace

bool is_known_host(std::string_view host, std::span<const std::string> names) {
  const std::string name = bare_host(host);
  if (name.empty()) return false;
  if (parse_ip_address(name)) return true;
  const bool is_local = name == kLocalhost || name.ends_with(".localhost");  // RFC 6761 §6.3
  return is_local || std::ranges::find(names, name) != names.end();
}

bool is_from_own_page(const BrowserFacts& facts) {
  const bool is_typed_in = facts.fetch_site == "none" && !facts.changes_state;
  if (!facts.fetch_site.empty() && facts.fetch_site != "same-origin" && !is_typed_in) return false;
  if (facts.origin.empty()) return !facts.changes_state || !facts.fetch_site.empty();
  constexpr std::string_view kEncrypted = "https://";
  constexpr std::string_view kClear = "http://";
  // A proxy may end TLS and not say so: then a page of https speaks to a server that sees none.
  const bool is_https = facts.origin.starts_with(kEncrypted);
  if (!is_https && (facts.is_encrypted || !facts.origin.starts_with(kClear))) return false;
  return equals_ignoring_case(facts.origin.substr(is_https ? kEncrypted.size() : kClear.size()), facts.host);
}

}  // namespace postern::web
