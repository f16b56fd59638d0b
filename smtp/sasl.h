// SASL PLAIN (RFC 4616) and LOGIN exchanges of AUTH (RFC 4954): decodes what the client says, never checks it.
#pragma once

#include "smtp/session_types.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace postern::smtp {

struct SaslChallenge { std::string_view base64; };  // send "334 <base64>", then respond()
enum class SaslFailure {
  Cancelled,    // "*"
  BadBase64,
  WrongShape,   // missing or extra NUL, foreign authzid: as a wrong credential
  BadUserName,  // too long, no UTF-8 or not printable
};
using SaslOutcome = std::variant<SaslChallenge, Credential, SaslFailure>;

// One exchange. Wipes what it decoded.
class SaslExchange {
 public:
  // nullopt: the mechanism is not offered.
  static std::optional<SaslExchange> start(std::string_view mechanism);

  // The initial response if the client sent one ("=" is an empty one), else nullopt.
  SaslOutcome begin(std::optional<std::string_view> initial_response);
  SaslOutcome respond(std::string_view line);

 private:
  enum class Mechanism { Plain, Login };
  explicit SaslExchange(Mechanism mechanism) : mechanism_(mechanism) {}

  SaslOutcome take(std::string_view base64);
  SaslOutcome take_plain(std::string_view decoded);
  SaslOutcome take_login(std::string_view decoded);

  Mechanism mechanism_;
  std::optional<std::string> user_name_;  // LOGIN: once given
};

}  // namespace postern::smtp
