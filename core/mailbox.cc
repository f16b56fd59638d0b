#include "core/mailbox.h"

#include "core/bytes.h"
#include "core/idna.h"

#include <algorithm>

namespace postern {
namespace {

bool has_octet_above_127(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 127; });
}

// The content of a quoted local part with its backslashes taken away.
std::string unquote_local_part(std::string_view quoted) {
  std::string text;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\') ++i;
    text.push_back(quoted[i]);
  }
  return text;
}

std::string quote_local_part(std::string_view plain) {
  std::string text = "\"";
  for (const char c : plain) {
    if (c == '"' || c == '\\') text.push_back('\\');
    text.push_back(c);
  }
  return text + '"';
}

bool is_dot_string(std::string_view text) {
  constexpr std::string_view kSpecial = "!#$%&'*+-/=?^_`{|}~";
  if (text.empty() || text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_ascii_alnum(c) || c == '.' || kSpecial.find(c) != std::string_view::npos ||
           static_cast<unsigned char>(c) > 127;
  });
}

}  // namespace

bool Mailbox::needs_smtputf8() const { return has_octet_above_127(local_part) || has_octet_above_127(domain); }

std::string format_mailbox(const Mailbox& mailbox) {
  if (mailbox.domain.empty()) return mailbox.local_part;
  return mailbox.local_part + '@' + mailbox.domain;
}

std::string format_path(const std::optional<Mailbox>& mailbox) {
  return mailbox ? '<' + format_mailbox(*mailbox) + '>' : "<>";
}

Mailbox outgoing_mailbox(Mailbox mailbox) {
  if (!has_octet_above_127(mailbox.domain)) return mailbox;
  const bool stays = has_octet_above_127(mailbox.local_part) && is_unmapped_domain(mailbox.domain);
  if (!stays) mailbox.domain = normalised_domain(mailbox.domain);
  return mailbox;
}

std::string normalised_domain(std::string_view domain) {
  if (!has_octet_above_127(domain)) return to_ascii_lower(domain);
  return domain_to_ascii(domain).value_or(to_ascii_lower(domain));
}

std::string normalised_local_part(std::string_view local_part) {
  if (local_part.size() < 2 || local_part.front() != '"') return std::string(local_part);
  const std::string plain = unquote_local_part(local_part);
  return is_dot_string(plain) ? plain : quote_local_part(plain);
}

std::string normalised_mailbox(const Mailbox& mailbox) {
  std::string local = normalised_local_part(mailbox.local_part);
  if (mailbox.domain.empty()) return local;
  return local + '@' + normalised_domain(mailbox.domain);
}

}  // namespace postern
