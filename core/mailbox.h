// Mailbox: local-part and domain of a reverse-path or forward-path. Grammar of RFC 5321 §4.1.2, UTF-8 by RFC 6531 §3.3.
#pragma once

#include "core/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace postern {

// Invariant of a parsed mailbox: no CR, LF, NUL or control character anywhere; the local part is kept as it was written
// (quotes included), since it is opaque (RFC 5321 §2.4); valid UTF-8. Only a local part with dots at its ends or in a row, which
// real addresses have (a..b@docomo.example), is given the quotes that it needs.
struct Mailbox {
  std::string local_part;  // at most 64 octets, not empty
  std::string domain;      // at most 255 octets, as written; "[192.0.2.1]" for a literal; empty only for <Postmaster>

  bool is_address_literal() const { return !domain.empty() && domain.front() == '['; }
  // True if it holds an octet above 127: it can be relayed only with SMTPUTF8 (RFC 6531 §3.2).
  bool needs_smtputf8() const;

  friend bool operator==(const Mailbox&, const Mailbox&) = default;
};

// Why a path was refused, so that the session can choose between 501 5.1.3, 553 5.6.7 and 501 5.5.4.
enum class PathError {
  Syntax,
  NoDomain,          // "<root>"
  TooLong,           // path over 256, local-part over 64, domain over 255 octets (RFC 5321 §4.5.3.1)
  Needs8BitSupport,  // octets above 127 and `allow_utf8` was false
  InvalidUtf8,
  ForbiddenCharacter,  // control, line separator or bidirectional control in UTF-8
};

struct PathParse {
  std::optional<Mailbox> mailbox;  // nullopt with no error: the null reverse-path "<>"
  std::optional<PathError> error;
  std::size_t consumed = 0;  // octets of the input up to and including '>'
};

// Parses "<…>" at the start of `text`. A source route ("@a,@b:") is recognised and dropped (RFC 5321 appendix C).
// Text behind '>' is left to the caller. "<>" is accepted only by parse_reverse_path; "<Postmaster>" (any case) only by
// parse_forward_path, giving an empty domain.
PathParse parse_reverse_path(std::string_view text, bool allow_utf8);
PathParse parse_forward_path(std::string_view text, bool allow_utf8);

// "local@domain" with nothing around it, as in a config file, a CLI argument or a header field's addr-spec.
Result<Mailbox> parse_mailbox(std::string_view text);

// The form in which a mailbox is sent on, so that what was judged is what is sent: the domain as A-labels where the local part is
// ASCII, which also spares the next hop SMTPUTF8, and where another reader could map it otherwise; else as it was written.
Mailbox outgoing_mailbox(Mailbox mailbox);

// "local@domain" ("postmaster" alone where the domain is empty).
std::string format_mailbox(const Mailbox& mailbox);
// "<local@domain>", or "<>" for nullopt.
std::string format_path(const std::optional<Mailbox>& mailbox);

// A host name by RFC 5321 §4.1.2 `Domain` (letters, digits, hyphens, dots; UTF-8 labels if allowed), or an address literal.
bool is_valid_domain(std::string_view text, bool allow_utf8);
bool is_valid_address_literal(std::string_view text);

// The form in which addresses are compared (whitelist, suppression, scenarios): domain as lower-case A-labels, quotes and
// backslashes that are not needed removed from the local part (RFC 5321 §4.1.2), whose case is kept. A domain IDNA refuses is
// only lower-cased.
std::string normalised_mailbox(const Mailbox& mailbox);
std::string normalised_local_part(std::string_view local_part);
std::string normalised_domain(std::string_view domain);

}  // namespace postern
