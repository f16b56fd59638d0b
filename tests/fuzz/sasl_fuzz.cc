// Any lines as the client's side of PLAIN and LOGIN: a credential that comes out keeps its promises. Line by line: the first is the
// initial response.
#include "core/bytes.h"
#include "smtp/limits.h"
#include "smtp/sasl.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {
namespace {

void check(const smtp::Credential& credential) {
  POSTERN_CHECK(credential.user_name.size() <= smtp::kMaxUserNameOctets);
  POSTERN_CHECK(is_valid_utf8(credential.user_name));
  for (const char c : credential.user_name) POSTERN_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  POSTERN_CHECK(!credential.password.empty());
  POSTERN_CHECK(credential.password.reveal().find('\0') == std::string_view::npos);
}

void converse(std::string_view mechanism, std::string_view lines) {
  auto exchange = smtp::SaslExchange::start(mechanism);
  POSTERN_CHECK(exchange.has_value());
  smtp::SaslOutcome outcome = exchange->begin(lines.substr(0, lines.find('\n')));
  while (std::holds_alternative<smtp::SaslChallenge>(outcome)) {
    const std::size_t end = lines.find('\n');
    if (end == std::string_view::npos) return;
    lines.remove_prefix(end + 1);
    outcome = exchange->respond(lines.substr(0, lines.find('\n')));
  }
  if (const auto* credential = std::get_if<smtp::Credential>(&outcome)) check(*credential);
}

}  // namespace

POSTERN_FUZZ(sasl) {
  converse("PLAIN", input);
  converse("LOGIN", input);
}

}  // namespace postern::fuzz
