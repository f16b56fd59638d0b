// See client_capabilities.h.
#include "smtp/client_capabilities.h"

#include "core/bytes.h"

#include <algorithm>
#include <array>

namespace postern::smtp {
namespace {

struct Keyword {
  std::string_view name;
  bool ClientCapabilities::*flag;
};

constexpr std::array kKeywords = {
    Keyword{"PIPELINING", &ClientCapabilities::pipelining},  // RFC 2920
    Keyword{"SIZE", &ClientCapabilities::size},              // RFC 1870
    Keyword{"8BITMIME", &ClientCapabilities::eight_bit_mime},  // RFC 6152
    Keyword{"SMTPUTF8", &ClientCapabilities::smtputf8},      // RFC 6531
    Keyword{"REQUIRETLS", &ClientCapabilities::require_tls},  // RFC 8689
    Keyword{"DSN", &ClientCapabilities::dsn},                // RFC 3461
    Keyword{"STARTTLS", &ClientCapabilities::starttls},      // RFC 3207
    Keyword{"ENHANCEDSTATUSCODES", &ClientCapabilities::enhanced_status_codes},  // RFC 2034
};

// Takes the first of the words that `separator` parts off the front of `text`.
std::string_view take_word(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

void read_mechanisms(std::string_view words, ClientCapabilities& capabilities) {
  while (!words.empty()) {
    const std::string_view mechanism = take_word(words, ' ');
    if (equals_ignoring_case(mechanism, "PLAIN")) capabilities.auth_plain = true;
    if (equals_ignoring_case(mechanism, "LOGIN")) capabilities.auth_login = true;
  }
}

void read_line(std::string_view line, ClientCapabilities& capabilities) {
  const std::string_view keyword = take_word(line, ' ');
  for (const Keyword& known : kKeywords) {
    if (equals_ignoring_case(keyword, known.name)) capabilities.*known.flag = true;
  }
  if (equals_ignoring_case(keyword, "AUTH")) read_mechanisms(line, capabilities);
  // "AUTH=PLAIN LOGIN": as it stood in drafts of RFC 2554, and still stands in what some hops say.
  constexpr std::string_view kOldAuth = "AUTH=";
  if (starts_with_ignoring_case(keyword, kOldAuth)) {
    read_mechanisms(keyword.substr(kOldAuth.size()), capabilities);
    read_mechanisms(line, capabilities);
  }
  if (equals_ignoring_case(keyword, "SIZE")) {
    // A size that cannot be read is no limit: the peer then says so itself (RFC 1870 §4).
    capabilities.max_octets = parse_unsigned(trim_ascii_space(line)).value_or(0);
  }
}

}  // namespace

ClientCapabilities parse_capabilities(std::string_view lines) {
  ClientCapabilities capabilities;
  take_word(lines, '\n');
  while (!lines.empty()) read_line(trim_ascii_space(take_word(lines, '\n')), capabilities);
  return capabilities;
}

}  // namespace postern::smtp
