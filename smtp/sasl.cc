// See sasl.h.
#include "smtp/sasl.h"

#include "core/base64.h"
#include "core/bytes.h"
#include "smtp/limits.h"

namespace postern::smtp {
namespace {

bool is_acceptable_user_name(std::string_view name) {
  if (name.size() > kMaxUserNameOctets || !is_valid_utf8(name)) return false;
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  }
  return true;
}

}  // namespace

std::optional<SaslExchange> SaslExchange::start(std::string_view mechanism) {
  if (equals_ignoring_case(mechanism, "PLAIN")) return SaslExchange(Mechanism::Plain);
  if (equals_ignoring_case(mechanism, "LOGIN")) return SaslExchange(Mechanism::Login);
  return std::nullopt;
}

SaslOutcome SaslExchange::begin(std::optional<std::string_view> initial_response) {
  if (!initial_response) {
    // LOGIN has no RFC; these two prompts are what clients look for.
    return SaslChallenge{mechanism_ == Mechanism::Login ? "VXNlcm5hbWU6" : ""};
  }
  return take(*initial_response == "=" ? std::string_view() : *initial_response);
}

SaslOutcome SaslExchange::respond(std::string_view line) {
  if (line == "*") return SaslFailure::Cancelled;
  return take(line);
}

SaslOutcome SaslExchange::take(std::string_view base64) {
  std::optional<std::string> decoded = decode_base64(base64);
  if (!decoded) return SaslFailure::BadBase64;
  SaslOutcome outcome = mechanism_ == Mechanism::Plain ? take_plain(*decoded) : take_login(*decoded);
  wipe_string(*decoded);
  return outcome;
}

// RFC 4616 §2: [authzid] NUL authcid NUL password.
SaslOutcome SaslExchange::take_plain(std::string_view decoded) {
  const std::size_t first = decoded.find('\0');
  const std::size_t second = first == std::string_view::npos ? first : decoded.find('\0', first + 1);
  if (second == std::string_view::npos) return SaslFailure::WrongShape;
  const std::string_view authzid = decoded.substr(0, first);
  const std::string_view user = decoded.substr(first + 1, second - first - 1);
  const std::string_view password = decoded.substr(second + 1);
  if (password.find('\0') != std::string_view::npos || password.empty()) return SaslFailure::WrongShape;
  if (!authzid.empty() && authzid != user) return SaslFailure::WrongShape;
  if (!is_acceptable_user_name(user)) return SaslFailure::BadUserName;
  return Credential{"PLAIN", std::string(user), Secret(std::string(password))};
}

SaslOutcome SaslExchange::take_login(std::string_view decoded) {
  if (!user_name_) {
    if (!is_acceptable_user_name(decoded)) return SaslFailure::BadUserName;
    user_name_ = std::string(decoded);
    return SaslChallenge{"UGFzc3dvcmQ6"};
  }
  if (decoded.empty() || decoded.find('\0') != std::string_view::npos) return SaslFailure::WrongShape;
  return Credential{"LOGIN", *user_name_, Secret(std::string(decoded))};
}

}  // namespace postern::smtp
