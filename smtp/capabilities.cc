// See capabilities.h.
#include "smtp/capabilities.h"

namespace postern::smtp {

bool may_authenticate(const Config& config, bool is_tls) {
  return config.role == Role::Submission && (is_tls || config.allows_auth_without_tls);
}

std::vector<std::string> capabilities(const Config& config, bool is_tls, bool is_authenticated, Instant opened_at) {
  std::vector<std::string> lines = {config.hostname, "PIPELINING", "SIZE " + std::to_string(config.max_message_octets)};
  if (config.tls == TlsMode::StartTls && !is_tls) lines.emplace_back("STARTTLS");
  if (may_authenticate(config, is_tls) && !is_authenticated) lines.emplace_back("AUTH PLAIN LOGIN");
  for (const char* keyword : {"8BITMIME", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES"}) lines.emplace_back(keyword);
  // RFC 9422 §3: what is said before AUTH holds after it; accounts have no limits of their own.
  lines.push_back("LIMITS RCPTMAX=" + std::to_string(config.max_recipients));
  // RFC 8689 §2: not where the message has come in the clear already.
  if (is_tls) lines.emplace_back("REQUIRETLS");
  if (config.max_hold_seconds > 0) {
    const std::chrono::seconds longest(config.max_hold_seconds);
    lines.push_back("FUTURERELEASE " + std::to_string(longest.count()) + ' ' + format_rfc3339(opened_at + longest));
  }
  lines.emplace_back("DSN");
  return lines;
}

}  // namespace postern::smtp
