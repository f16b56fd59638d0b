// See parameters.h.
#include "smtp/parameters.h"

#include "core/bytes.h"
#include "core/time_format.h"
#include "smtp/limits.h"

#include <array>

namespace postern::smtp {
namespace {

struct Parameter {
  std::string_view keyword;
  std::string_view value;
  bool has_value = false;
};

// Takes the next parameter off `text`; nullopt: malformed.
std::optional<Parameter> take_parameter(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const std::size_t equals = word.find('=');
  Parameter parameter{word.substr(0, equals), {}, equals != std::string_view::npos};
  if (parameter.has_value) parameter.value = word.substr(equals + 1);
  if (parameter.keyword.empty() || (parameter.has_value && parameter.value.empty())) return std::nullopt;
  return parameter;
}

bool set_size(const Parameter& parameter, EnvelopeParameters& result) {
  // RFC 1870 §4: 1 to 20 digits; a number beyond 64 bits is simply too big and stays so.
  if (parameter.value.size() > 20) return false;
  for (const char c : parameter.value) {
    if (!is_ascii_digit(c)) return false;
  }
  result.declared_size = parse_unsigned(parameter.value).value_or(UINT64_MAX);
  return true;
}

bool set_body(const Parameter& parameter, EnvelopeParameters& result) {
  if (equals_ignoring_case(parameter.value, "7BIT")) {
    result.body = BodyType::SevenBit;
    return true;
  }
  result.body = BodyType::EightBitMime;
  return equals_ignoring_case(parameter.value, "8BITMIME");
}

bool set_smtputf8(const Parameter& parameter, EnvelopeParameters& result) {
  result.smtputf8 = true;
  return !parameter.has_value;
}

bool set_require_tls(const Parameter& parameter, EnvelopeParameters& result) {
  result.require_tls = true;
  return !parameter.has_value;
}

bool set_ret(const Parameter& parameter, EnvelopeParameters& result) {
  const bool is_full = equals_ignoring_case(parameter.value, "FULL");
  result.ret = is_full ? DsnReturn::Full : DsnReturn::Headers;
  return is_full || equals_ignoring_case(parameter.value, "HDRS");
}

bool set_envid(const Parameter& parameter, EnvelopeParameters& result) {
  const auto decoded = decode_xtext(parameter.value);
  if (!decoded || decoded->size() > kMaxEnvidOctets) return false;
  result.envid = std::string(parameter.value);
  return true;
}

// RFC 4954 §5: who wrote it first. A submission server knows better by the key, so it is checked and let go.
bool check_auth(const Parameter& parameter, EnvelopeParameters&) { return decode_xtext(parameter.value).has_value(); }

// RFC 4865 §4: one to nine digits, the first no zero; one of the two at most.
bool set_hold_for(const Parameter& parameter, EnvelopeParameters& result) {
  const auto seconds = parse_unsigned(parameter.value);
  if (result.hold || !seconds || parameter.value.front() == '0' || parameter.value.size() > 9) return false;
  result.hold = std::chrono::seconds(*seconds);
  return true;
}

bool set_hold_until(const Parameter& parameter, EnvelopeParameters& result) {
  const auto until = parse_date_time(parameter.value);
  if (result.hold || !until) return false;
  result.hold = *until;
  return true;
}

struct MailParameter {
  std::string_view keyword;
  bool needs_value;
  bool (*set)(const Parameter&, EnvelopeParameters&);
};
constexpr std::array<MailParameter, 9> kMailParameters = {{{"SIZE", true, set_size},
                                                           {"BODY", true, set_body},
                                                           {"SMTPUTF8", false, set_smtputf8},
                                                           {"REQUIRETLS", false, set_require_tls},
                                                           {"RET", true, set_ret},
                                                           {"ENVID", true, set_envid},
                                                           {"AUTH", true, check_auth},
                                                           {"HOLDFOR", true, set_hold_for},
                                                           {"HOLDUNTIL", true, set_hold_until}}};

const MailParameter* find_mail_parameter(std::string_view keyword) {
  for (const MailParameter& row : kMailParameters) {
    if (equals_ignoring_case(row.keyword, keyword)) return &row;
  }
  return nullptr;
}

bool set_notify(std::string_view value, Notify& notify) {
  if (notify.is_given || value.empty()) return false;
  notify.is_given = true;
  if (equals_ignoring_case(value, "NEVER")) {
    notify.never = true;
    return true;
  }
  while (!value.empty()) {
    const std::string_view word = value.substr(0, value.find(','));
    bool* flag = equals_ignoring_case(word, "SUCCESS")   ? &notify.success
                 : equals_ignoring_case(word, "FAILURE") ? &notify.failure
                 : equals_ignoring_case(word, "DELAY")   ? &notify.delay
                                                         : nullptr;
    if (flag == nullptr) return false;
    *flag = true;
    value.remove_prefix(word.size());
    if (value == ",") return false;
    if (!value.empty()) value.remove_prefix(1);
  }
  return true;
}

bool set_orcpt(std::string_view value, Recipient& recipient) {
  const std::size_t semicolon = value.find(';');
  if (!recipient.orcpt.empty() || semicolon == std::string_view::npos || semicolon == 0) return false;
  if (value.size() > kMaxOrcptOctets) return false;
  for (const char c : value.substr(0, semicolon)) {
    if (!is_ascii_alnum(c) && c != '-') return false;
  }
  const std::string_view address = value.substr(semicolon + 1);
  // RFC 6533 §3: a utf-8 address may stand in its own encoding, which is not xtext.
  const bool is_utf8_type = equals_ignoring_case(value.substr(0, semicolon), "utf-8");
  if (address.empty() || (!is_utf8_type && !decode_xtext(address))) return false;
  for (const char c : address) {
    if (static_cast<unsigned char>(c) < 0x21 || static_cast<unsigned char>(c) == 0x7F) return false;
  }
  if (is_utf8_type && !is_valid_utf8(address)) return false;
  recipient.orcpt = std::string(value);
  return true;
}

int hex_value(char c) {
  if (is_ascii_digit(c)) return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int octet = static_cast<unsigned char>(text[i]);
    if (text[i] == '+') {
      const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      octet = high * 16 + low;
      i += 2;
    } else if (text[i] == '=' || octet < 0x21) {
      return std::nullopt;
    }
    // What it decodes to ends in a report's field: no control may hide in it.
    if (octet < 0x20 || octet > 0x7E) return std::nullopt;
    decoded.push_back(static_cast<char>(octet));
  }
  return decoded;
}

std::variant<EnvelopeParameters, ParameterError> parse_mail_parameters(std::string_view text) {
  EnvelopeParameters result;
  unsigned seen = 0;  // a bit for each row
  while (!text.empty()) {
    const auto parameter = take_parameter(text);
    if (!parameter) return ParameterError::Bad;
    const MailParameter* known = find_mail_parameter(parameter->keyword);
    if (known == nullptr) return ParameterError::Unknown;
    const unsigned bit = 1U << (known - kMailParameters.data());
    if ((seen & bit) != 0) return ParameterError::Bad;
    seen |= bit;
    if (known->needs_value != parameter->has_value || !known->set(*parameter, result)) return ParameterError::Bad;
  }
  return result;
}

std::optional<ParameterError> parse_rcpt_parameters(std::string_view text, Recipient& recipient) {
  while (!text.empty()) {
    const auto parameter = take_parameter(text);
    if (!parameter) return ParameterError::Bad;
    const bool is_notify = equals_ignoring_case(parameter->keyword, "NOTIFY");
    if (!is_notify && !equals_ignoring_case(parameter->keyword, "ORCPT")) return ParameterError::Unknown;
    const bool is_set = is_notify ? set_notify(parameter->value, recipient.notify) : set_orcpt(parameter->value, recipient);
    if (!is_set) return ParameterError::Bad;
  }
  return std::nullopt;
}

}  // namespace postern::smtp
