#include "provenance/spf_macro.h"

#include "core/bytes.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace postern::provenance {
namespace {

constexpr std::string_view kLetters = "slodiphcrtv";
constexpr std::string_view kDelimiters = ".-+,/_=";
constexpr std::string_view kHexDigits = "0123456789ABCDEF";
constexpr std::size_t kMaxParts = 128;  // more than a name has labels

// RFC 7208 §7.1, domain-end: a last label that is no number, or a macro.
bool ends_as_domain(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view label = text.substr(dot + 1);
  const bool is_name = std::ranges::all_of(label, [](char c) { return is_ascii_alnum(c) || c == '-'; });
  const bool is_number = std::ranges::all_of(label, is_ascii_digit);
  return is_name && !is_number && is_ascii_alnum(label.front()) && is_ascii_alnum(label.back());
}

// What stands between "%{" and "}".
std::optional<SpfMacroPart> parse_macro(std::string_view text, MacroUse use) {
  if (text.empty()) return std::nullopt;
  SpfMacroPart part;
  part.letter = ascii_lower(text.front());
  part.is_escaped = text.front() != part.letter;
  if (kLetters.find(part.letter) == std::string_view::npos) return std::nullopt;
  if (use == MacroUse::Domain && std::string_view("crt").find(part.letter) != std::string_view::npos) return std::nullopt;
  text.remove_prefix(1);
  const auto digits = static_cast<std::size_t>(std::ranges::find_if_not(text, is_ascii_digit) - text.begin());
  if (digits > 0) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + digits, part.kept);
    if (problem != std::errc()) part.kept = kMaxParts;
    if (part.kept == 0) return std::nullopt;
    text.remove_prefix(digits);
  }
  if (!text.empty() && ascii_lower(text.front()) == 'r') {
    part.is_reversed = true;
    text.remove_prefix(1);
  }
  if (text.find_first_not_of(kDelimiters) != std::string_view::npos) return std::nullopt;
  part.delimiters = text;
  return part;
}

// Of "%%", "%_" and "%-".
std::string_view escaped_literal(char c) {
  switch (c) {
    case '%':
      return "%";
    case '_':
      return " ";
    case '-':
      return "%20";
    default:
      return "";
  }
}

void add_literal(std::vector<SpfMacroPart>& parts, std::string_view text) {
  if (parts.empty() || parts.back().letter != 0) parts.emplace_back();
  parts.back().literal += text;
}

std::string nibbles(const IpAddress& address) {
  std::string text;
  for (const std::uint8_t octet : address.octets) {
    text.append(text.empty() ? "" : ".").append({kHexDigits[octet >> 4], '.', kHexDigits[octet & 15]});
  }
  return text;
}

std::string url_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (is_ascii_alnum(c) || std::string_view("-._~").find(c) != std::string_view::npos) {
      escaped += c;
    } else {
      const auto octet = static_cast<std::uint8_t>(c);
      escaped.append({'%', kHexDigits[octet >> 4], kHexDigits[octet & 15]});
    }
  }
  return escaped;
}

std::string letter_value(char letter, const SpfMacroFacts& facts) {
  const std::size_t at = facts.sender.rfind('@');
  switch (letter) {
    case 's':
      return facts.sender;
    case 'l':
      return facts.sender.substr(0, at);
    case 'o':
      return facts.sender.substr(at + 1);
    case 'd':
      return facts.domain;
    case 'i':
      return facts.client.is_v4() ? format_ip_address(facts.client) : nibbles(facts.client);
    case 'p':
      return facts.client_name;
    case 'h':
      return facts.helo;
    case 'c':
      return format_ip_address(facts.client);
    case 'r':
      return facts.receiver;
    case 't':
      return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(facts.now.time_since_epoch()).count());
    default:
      return facts.client.is_v4() ? "in-addr" : "ip6";
  }
}

std::string transformed(const SpfMacroPart& part, std::string value) {
  if (part.kept > 0 || part.is_reversed || !part.delimiters.empty()) {
    const std::string_view delimiters = part.delimiters.empty() ? std::string_view(".") : part.delimiters;
    std::vector<std::string> pieces(1);
    for (const char c : value) {
      if (delimiters.find(c) == std::string_view::npos) {
        pieces.back() += c;
      } else {
        pieces.emplace_back();
      }
    }
    if (part.is_reversed) std::ranges::reverse(pieces);
    const std::size_t kept = part.kept == 0 ? pieces.size() : std::min(part.kept, pieces.size());
    value.clear();
    for (std::size_t i = pieces.size() - kept; i < pieces.size(); ++i) {
      value += pieces[i];
      if (i + 1 < pieces.size()) value += '.';
    }
  }
  return part.is_escaped ? url_escaped(value) : value;
}

}  // namespace

bool SpfMacroString::has(char letter) const {
  return std::ranges::any_of(parts, [letter](const SpfMacroPart& part) { return part.letter == letter; });
}

std::optional<SpfMacroString> parse_macro_string(std::string_view text, MacroUse use) {
  if (use == MacroUse::Domain && text.empty()) return std::nullopt;
  SpfMacroString macro;
  bool ends_in_macro = false;
  for (std::size_t i = 0; i < text.size();) {
    const auto octet = static_cast<unsigned char>(text[i]);
    if (octet > 0x7E || octet < (use == MacroUse::Explanation ? 0x20 : 0x21)) return std::nullopt;
    ends_in_macro = text[i] == '%';
    if (!ends_in_macro) {
      add_literal(macro.parts, text.substr(i++, 1));
    } else if (text.substr(i, 2) == "%{") {
      const std::size_t end = text.find('}', i);
      if (end == std::string_view::npos) return std::nullopt;
      auto part = parse_macro(text.substr(i + 2, end - i - 2), use);
      if (!part) return std::nullopt;
      macro.parts.push_back(std::move(*part));
      i = end + 1;
    } else {
      const std::string_view literal = i + 1 < text.size() ? escaped_literal(text[i + 1]) : "";
      if (literal.empty()) return std::nullopt;
      add_literal(macro.parts, literal);
      i += 2;
    }
  }
  if (use == MacroUse::Domain && !ends_in_macro && !ends_as_domain(text)) return std::nullopt;
  return macro;
}

std::optional<std::string> expand(const SpfMacroString& macro, const SpfMacroFacts& facts) {
  std::string text;
  for (const SpfMacroPart& part : macro.parts) {
    if (part.letter == 0) {
      text += part.literal;
    } else {
      const std::string value = letter_value(part.letter, facts);
      if (has_high_octet(value)) return std::nullopt;
      text += transformed(part, value);
    }
    if (text.size() > kMaxExpansionOctets) return std::nullopt;
  }
  return text;
}

std::optional<std::string> expand_domain(const SpfMacroString& macro, const SpfMacroFacts& facts) {
  std::optional<std::string> expanded = expand(macro, facts);
  if (!expanded) return std::nullopt;
  std::string& name = *expanded;
  if (name.ends_with('.')) name.pop_back();
  while (name.size() > kMaxNameOctets) {
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) return std::nullopt;
    name.erase(0, dot + 1);
  }
  return to_ascii_lower(name);
}

}  // namespace postern::provenance
