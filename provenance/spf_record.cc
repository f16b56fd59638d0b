#include "provenance/spf_record.h"

#include "core/bytes.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::provenance {
namespace {

constexpr std::string_view kVersion = "v=spf1";

// What may stand behind a mechanism's name.
enum class Argument { None, Domain, MaybeDomain, MaybeDomainAndPrefix, Network };

struct MechanismRow {
  std::string_view name;
  SpfMechanism mechanism;
  Argument argument;
};
constexpr std::array<MechanismRow, 8> kMechanisms = {{
    {"all", SpfMechanism::All, Argument::None},
    {"include", SpfMechanism::Include, Argument::Domain},
    {"a", SpfMechanism::A, Argument::MaybeDomainAndPrefix},
    {"mx", SpfMechanism::Mx, Argument::MaybeDomainAndPrefix},
    {"ptr", SpfMechanism::Ptr, Argument::MaybeDomain},
    {"ip4", SpfMechanism::Ip4, Argument::Network},
    {"ip6", SpfMechanism::Ip6, Argument::Network},
    {"exists", SpfMechanism::Exists, Argument::Domain},
}};

std::optional<SpfResult> qualifier_result(char c) {
  switch (c) {
    case '+':
      return SpfResult::Pass;
    case '-':
      return SpfResult::Fail;
    case '~':
      return SpfResult::SoftFail;
    case '?':
      return SpfResult::Neutral;
    default:
      return std::nullopt;
  }
}

// RFC 7208 §12: "0", or digits without a zero before them.
std::optional<std::uint8_t> parse_prefix(std::string_view text, std::uint8_t most) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  const auto value = parse_unsigned(text);
  if (!value || *value > most) return std::nullopt;
  return static_cast<std::uint8_t>(*value);
}

// Takes "/24", "//64" or "/24//64" off the end of `text`.
bool take_prefixes(std::string_view& text, SpfTerm& term) {
  const auto digits_from = [&] { return text.find_last_not_of("0123456789") + 1; };
  std::size_t begin = digits_from();
  if (begin >= 2 && text.substr(begin - 2, 2) == "//") {
    const auto prefix = parse_prefix(text.substr(begin), 128);
    if (!prefix) return false;
    term.prefix_v6 = *prefix;
    text = text.substr(0, begin - 2);
    begin = digits_from();
  }
  if (begin >= 1 && text[begin - 1] == '/') {
    const auto prefix = parse_prefix(text.substr(begin), 32);
    if (!prefix) return false;
    term.prefix_v4 = *prefix;
    text = text.substr(0, begin - 1);
  }
  return true;
}

bool take_network(std::string_view text, SpfTerm& term) {
  const bool is_v4 = term.mechanism == SpfMechanism::Ip4;
  const std::size_t slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  if (is_v4 == (address_text.find(':') != std::string_view::npos)) return false;
  const auto address = parse_ip_address(address_text);
  if (!address) return false;
  const std::uint8_t most = is_v4 ? 32 : 128;
  const auto prefix = slash == std::string_view::npos ? most : parse_prefix(text.substr(slash + 1), most);
  if (!prefix) return false;
  term.network = {*address, static_cast<std::uint8_t>(is_v4 ? *prefix + 96 : *prefix)};
  return true;
}

// `rest`: what stands behind the name, with its colon or slash.
bool take_argument(std::string_view rest, Argument argument, SpfTerm& term) {
  if (argument == Argument::None) return rest.empty();
  if (argument == Argument::Network) return rest.starts_with(':') && take_network(rest.substr(1), term);
  if (argument == Argument::MaybeDomainAndPrefix && !take_prefixes(rest, term)) return false;
  if (rest.empty()) return argument != Argument::Domain;
  if (!rest.starts_with(':')) return false;
  term.domain = parse_macro_string(rest.substr(1), MacroUse::Domain);
  return term.domain.has_value();
}

bool is_modifier_name(std::string_view name) {
  if (name.empty() || !is_ascii_alpha(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return is_ascii_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool take_modifier(std::string_view name, std::string_view value, SpfRecord& record) {
  const bool is_redirect = equals_ignoring_case(name, "redirect");
  if (!is_redirect && !equals_ignoring_case(name, "exp")) return parse_macro_string(value, MacroUse::Modifier).has_value();
  std::optional<SpfMacroString>& place = is_redirect ? record.redirect : record.explanation;
  if (place) return false;  // RFC 7208 §6: once at most
  place = parse_macro_string(value, MacroUse::Domain);
  return place.has_value();
}

bool take_term(std::string_view text, SpfRecord& record) {
  const std::size_t end = text.find_first_of(":/=");
  if (end != std::string_view::npos && text[end] == '=' && is_modifier_name(text.substr(0, end))) {
    return take_modifier(text.substr(0, end), text.substr(end + 1), record);
  }
  SpfTerm term{.text = std::string(text)};
  if (const auto result = qualifier_result(text.front())) {
    term.result = *result;
    text.remove_prefix(1);
  }
  const std::string_view name = text.substr(0, text.find_first_of(":/="));
  const auto* const row =
      std::ranges::find_if(kMechanisms, [&](const MechanismRow& one) { return equals_ignoring_case(one.name, name); });
  if (row == kMechanisms.end()) return false;
  term.mechanism = row->mechanism;
  if (!take_argument(text.substr(name.size()), row->argument, term)) return false;
  record.terms.push_back(std::move(term));
  return true;
}

}  // namespace

std::string_view spf_result_name(SpfResult result) {
  constexpr std::array<std::string_view, 7> kNames = {"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"};
  return kNames[static_cast<std::size_t>(result)];
}

bool is_spf_record(std::string_view text) {
  return starts_with_ignoring_case(text, kVersion) && (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

Result<SpfRecord> parse_spf_record(std::string_view text) {
  SpfRecord record;
  text.remove_prefix(kVersion.size());
  while (true) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return record;
    text.remove_prefix(begin);
    const std::string_view term = text.substr(0, text.find(' '));
    if (!take_term(term, record)) return Error(ErrorCode::Malformed, escape_for_log(term, 80));
    text.remove_prefix(term.size());
  }
}

}  // namespace postern::provenance
