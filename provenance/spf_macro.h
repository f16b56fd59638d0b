// Macros of SPF (RFC 7208 §7): "%{l1r-}._spf.%{d}", read and expanded. Pure.
#pragma once

#include "core/clock.h"
#include "core/ip_address.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::provenance {

// Enough for an explanation; a domain is cut to kMaxNameOctets.
inline constexpr std::size_t kMaxExpansionOctets = 4'096;
inline constexpr std::size_t kMaxNameOctets = 253;  // RFC 7208 §7.3

struct SpfMacroPart {
  std::string literal;      // where `letter` is 0
  char letter = 0;          // lower case: s l o d i p h c r t v
  bool is_escaped = false;  // upper case: URL-escaped
  bool is_reversed = false;
  std::size_t kept = 0;      // right-hand parts that are kept; 0: all
  std::string delimiters{};  // empty: "."
};

struct SpfMacroString {
  std::vector<SpfMacroPart> parts;
  bool has(char letter) const;
};

enum class MacroUse {
  Domain,       // no blanks; c, r and t are not allowed (§7.2); ends as a domain does (§7.1, domain-end)
  Modifier,     // of a modifier that we do not know: read for its syntax only
  Explanation,  // with blanks
};
std::optional<SpfMacroString> parse_macro_string(std::string_view text, MacroUse use);

// What the letters stand for. Domains are A-labels.
struct SpfMacroFacts {
  std::string sender;  // local@domain
  std::string domain;  // the one that is evaluated now
  std::string helo;
  std::string receiver;  // who we are
  IpAddress client;
  Instant now{};
  std::string client_name = "unknown";  // validated (§5.5)
};

// nullopt: a letter stands for octets that are not ASCII, which nothing can match (RFC 8616 §4), or it would be too long.
std::optional<std::string> expand(const SpfMacroString& macro, const SpfMacroFacts& facts);
// The same as a name: without a last dot, labels cut off from the left until it fits.
std::optional<std::string> expand_domain(const SpfMacroString& macro, const SpfMacroFacts& facts);

}  // namespace postern::provenance
