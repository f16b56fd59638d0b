// One row a verb: when it is legal, what it counts as, how long its line may be. The session asks nothing else about legality.
//
// No row says which verbs end a pipelined group (RFC 2920 §3): commands run in the order they came, whatever stands behind
// them, and replies leave when the input runs out, which is where every such group ends. Only STARTTLS drops what follows it.
#pragma once

#include "smtp/limits.h"

#include <cstddef>
#include <string_view>

namespace postern::smtp {

enum class Verb {
  Ehlo, Helo, StartTls, Auth, Mail, Rcpt, Data, Bdat, Rset, Noop, Help, Vrfy, Quit,
  NotOffered,  // known, never offered here (EXPN, ETRN …): 502
  NotSmtp,     // another protocol's first word: hang up
  Unknown,
};

struct VerbRow {
  std::string_view name;
  Verb verb;
  bool before_ehlo;     // legal before EHLO or HELO (RFC 5321 §4.1.4)
  bool before_tls;      // legal in the clear where TLS is required (RFC 3207 §4)
  bool before_auth;     // legal without AUTH
  bool in_transaction;  // legal between MAIL and the end of the transaction
  bool takes_argument;  // false: an argument is 501
  bool is_junk;         // counts towards max_junk
  std::size_t max_octets = kMaxCommandOctets;  // of the line, CRLF included
};

// Never null: the row of Verb::Unknown for anything else. Case does not matter.
const VerbRow& find_verb(std::string_view word);

}  // namespace postern::smtp
