// The grammar of paths: RFC 5321 §4.1.2 with the UTF-8 additions of RFC 6531 §3.3. One pass, no backtracking.
#include "core/bytes.h"
#include "core/idna.h"
#include "core/ip_address.h"
#include "core/mailbox.h"

#include <algorithm>
#include <utility>

namespace postern {
namespace {

// RFC 5321 §4.5.3.1.1, §4.5.3.1.2 and §4.5.3.1.3.
constexpr std::size_t kMaxLocalPartOctets = 64;
constexpr std::size_t kMaxDomainOctets = 255;
constexpr std::size_t kMaxPathOctets = 256;
constexpr std::size_t kMaxLabelOctets = 63;

bool is_atext(char c) {
  constexpr std::string_view kSpecial = "!#$%&'*+-/=?^_`{|}~";
  return is_ascii_alnum(c) || kSpecial.find(c) != std::string_view::npos || static_cast<unsigned char>(c) > 127;
}

// Quoted-string with its quotes; printable ASCII and, above 127, UTF-8.
std::size_t quoted_string_length(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    if (octet < 0x20 || octet == 0x7F) return 0;
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') {
      ++i;
      if (i >= text.size() || static_cast<unsigned char>(text[i]) < 0x20 || static_cast<unsigned char>(text[i]) > 0x7E) return 0;
    }
  }
  return 0;
}

// Deviation: RFC 5321 §4.1.2 wants an atom around every dot. Mobile operators have given out addresses without.
std::size_t dot_string_length(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, [](char c) { return is_atext(c) || c == '.'; });
  return static_cast<std::size_t>(end - text.begin());
}

bool needs_quotes(std::string_view dot_string) {
  return dot_string.starts_with('.') || dot_string.ends_with('.') || dot_string.find("..") != std::string_view::npos;
}

// A name that IDNA refuses is nobody's: it could be judged only as it stands, and be mapped by whoever gets it.
bool has_a_labels(std::string_view domain) {
  const bool is_ascii = std::ranges::none_of(domain, [](char c) { return static_cast<unsigned char>(c) > 127; });
  return is_ascii || domain_to_ascii(domain).has_value();
}

std::size_t domain_length(std::string_view text) {
  if (!text.starts_with('[')) {
    const auto* end = std::find_if(text.begin(), text.end(), [](char c) {
      return !is_ascii_alnum(c) && c != '-' && c != '.' && c != '_' && static_cast<unsigned char>(c) <= 127;
    });
    return static_cast<std::size_t>(end - text.begin());
  }
  const std::size_t close = text.find(']');
  return close == std::string_view::npos ? 0 : close + 1;
}

std::optional<PathError> utf8_error(std::string_view text, bool allow_utf8) {
  const bool is_ascii =
      std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 127; });
  if (is_ascii) return std::nullopt;
  if (!is_valid_utf8(text)) return PathError::InvalidUtf8;
  if (has_deceptive_code_point(text)) return PathError::ForbiddenCharacter;
  if (!allow_utf8) return PathError::Needs8BitSupport;
  return std::nullopt;
}

// "@one,@two:" in front of a mailbox: recognised and dropped (RFC 5321 appendix C). npos: malformed.
std::size_t source_route_length(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] == '@') {
    const std::size_t length = domain_length(text.substr(at + 1));
    if (length == 0) return std::string_view::npos;
    at += 1 + length;
    if (at < text.size() && text[at] == ':') return at + 1;
    if (at >= text.size() || text[at] != ',') return std::string_view::npos;
    ++at;
  }
  return at == 0 ? 0 : std::string_view::npos;
}

// U+3002, U+FF0E and U+FF61: who maps names before a lookup takes them for dots, and the domain for another (RFC 3490 §3.1).
bool has_foreign_dot(std::string_view domain) {
  constexpr std::string_view kDots[] = {"\xE3\x80\x82", "\xEF\xBC\x8E", "\xEF\xBD\xA1"};
  return std::any_of(std::begin(kDots), std::end(kDots),
                     [&](std::string_view dot) { return domain.find(dot) != std::string_view::npos; });
}

PathParse failed(PathError error) { return PathParse{std::nullopt, error, 0}; }

// local-part "@" domain at the start of `text`; `consumed` counts them.
PathParse parse_address(std::string_view text, bool allow_utf8) {
  const std::size_t local_length = text.starts_with('"') ? quoted_string_length(text) : dot_string_length(text);
  if (local_length == 0) return failed(PathError::Syntax);
  if (local_length == text.size() || text[local_length] == '>') return failed(PathError::NoDomain);
  if (text[local_length] != '@') return failed(PathError::Syntax);
  std::string local(text.substr(0, local_length));
  if (!local.starts_with('"') && needs_quotes(local)) local = '"' + local + '"';
  const std::string_view rest = text.substr(local_length + 1);
  const std::string_view domain = rest.substr(0, domain_length(rest));
  if (const auto error = utf8_error(text.substr(0, local_length + 1 + domain.size()), allow_utf8)) return failed(*error);
  if (local.size() > kMaxLocalPartOctets || domain.size() > kMaxDomainOctets) return failed(PathError::TooLong);
  const bool is_valid = domain.starts_with('[') ? is_valid_address_literal(domain) : is_valid_domain(domain, allow_utf8);
  if (!is_valid || !has_a_labels(domain)) return failed(PathError::Syntax);
  return PathParse{Mailbox{std::move(local), std::string(domain)}, std::nullopt, local_length + 1 + domain.size()};
}

PathParse parse_path(std::string_view text, bool allow_utf8) {
  if (!text.starts_with('<')) return failed(PathError::Syntax);
  const std::size_t route = source_route_length(text.substr(1));
  if (route == std::string_view::npos) return failed(PathError::Syntax);
  PathParse parse = parse_address(text.substr(1 + route), allow_utf8);
  if (parse.error) return parse;
  const std::size_t close = 1 + route + parse.consumed;
  if (close >= text.size() || text[close] != '>') return failed(PathError::Syntax);
  if (close + 1 > kMaxPathOctets + route) return failed(PathError::TooLong);
  parse.consumed = close + 1;
  return parse;
}

}  // namespace

PathParse parse_reverse_path(std::string_view text, bool allow_utf8) {
  if (text.starts_with("<>")) return PathParse{std::nullopt, std::nullopt, 2};
  return parse_path(text, allow_utf8);
}

PathParse parse_forward_path(std::string_view text, bool allow_utf8) {
  // RFC 5321 §4.1.1.3: the one mailbox that needs no domain.
  constexpr std::string_view kPostmaster = "<postmaster>";
  if (starts_with_ignoring_case(text, kPostmaster)) {
    return PathParse{Mailbox{std::string(text.substr(1, 10)), ""}, std::nullopt, kPostmaster.size()};
  }
  return parse_path(text, allow_utf8);
}

Result<Mailbox> parse_mailbox(std::string_view text) {
  const PathParse parse = parse_address(text, true);
  if (parse.error || parse.consumed != text.size()) {
    return Error(ErrorCode::Malformed, "not a mailbox: " + escape_for_log(text, 80));
  }
  return *parse.mailbox;
}

bool is_valid_domain(std::string_view text, bool allow_utf8) {
  if (text.empty() || text.size() > kMaxDomainOctets || has_foreign_dot(text)) return false;
  while (true) {
    const std::string_view label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > kMaxLabelOctets || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
      const bool is_high = static_cast<unsigned char>(c) > 127;
      // The underscore is no letter of RFC 5321, but host names with it send mail every day.
      if (!is_ascii_alnum(c) && c != '-' && c != '_' && !(is_high && allow_utf8)) return false;
    }
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

bool is_valid_address_literal(std::string_view text) {
  if (text.size() < 3 || text.front() != '[' || text.back() != ']') return false;
  const std::string_view inside = text.substr(1, text.size() - 2);
  if (starts_with_ignoring_case(inside, "IPv6:")) {
    const std::string_view address = inside.substr(5);
    return address.find(':') != std::string_view::npos && parse_ip_address(address).has_value();
  }
  return inside.find(':') == std::string_view::npos && parse_ip_address(inside).has_value();
}

}  // namespace postern
