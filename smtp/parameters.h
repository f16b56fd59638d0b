// Parameters of MAIL and RCPT: SIZE, BODY, SMTPUTF8, REQUIRETLS, RET, ENVID, AUTH, HOLDFOR, HOLDUNTIL; NOTIFY, ORCPT.
#pragma once

#include "core/envelope.h"

#include <optional>
#include <string_view>
#include <variant>

namespace postern::smtp {

enum class ParameterError { Bad, Unknown };

// Space-separated "KEYWORD=value" behind the path. Each at most once (RFC 5321 §4.1.1.11).
std::variant<EnvelopeParameters, ParameterError> parse_mail_parameters(std::string_view text);
// Fills in recipient.notify and recipient.orcpt.
std::optional<ParameterError> parse_rcpt_parameters(std::string_view text, Recipient& recipient);

// xtext of RFC 3461 §4: decodes to printable ASCII, or nullopt.
std::optional<std::string> decode_xtext(std::string_view text);

}  // namespace postern::smtp
