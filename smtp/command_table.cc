// See command_table.h.
#include "smtp/command_table.h"

#include "core/bytes.h"

#include <algorithm>
#include <array>

namespace postern::smtp {
namespace {

constexpr bool Y = true;
constexpr bool N = false;

// RFC 5321 §4.1.4 for the order, RFC 3207 §4 and RFC 4954 §4 for STARTTLS and AUTH. AUTH before TLS is refused by its own
// function, with a token of its own.
//  name, verb; legal before EHLO, before TLS, before AUTH, in a transaction; takes an argument; is junk
constexpr std::array<VerbRow, 32> kTable = {{
    {"EHLO", Verb::Ehlo, Y, Y, Y, Y, Y, Y},
    {"HELO", Verb::Helo, Y, Y, Y, Y, Y, Y},
    {"STARTTLS", Verb::StartTls, N, Y, Y, N, N, N},
    {"AUTH", Verb::Auth, N, Y, Y, N, Y, N, kMaxAuthLineOctets},
    {"MAIL", Verb::Mail, N, N, N, N, Y, N, kMaxPathCommandOctets},
    {"RCPT", Verb::Rcpt, N, N, N, Y, Y, N, kMaxPathCommandOctets},
    {"DATA", Verb::Data, N, N, N, Y, N, N},
    {"BDAT", Verb::Bdat, N, N, N, Y, Y, N},
    {"RSET", Verb::Rset, Y, N, Y, Y, N, Y},
    {"NOOP", Verb::Noop, Y, Y, Y, Y, Y, Y},
    {"HELP", Verb::Help, Y, Y, Y, Y, Y, Y},
    {"VRFY", Verb::Vrfy, Y, N, N, Y, Y, Y},
    {"QUIT", Verb::Quit, Y, Y, Y, Y, N, N},
    {"EXPN", Verb::NotOffered, Y, Y, Y, Y, Y, Y},
    {"ETRN", Verb::NotOffered, Y, Y, Y, Y, Y, Y},
    {"TURN", Verb::NotOffered, Y, Y, Y, Y, Y, Y},
    {"ATRN", Verb::NotOffered, Y, Y, Y, Y, Y, Y},
    {"SEND", Verb::NotOffered, Y, Y, Y, Y, Y, Y},
    {"SOML", Verb::NotOffered, Y, Y, Y, Y, Y, Y},
    {"SAML", Verb::NotOffered, Y, Y, Y, Y, Y, Y},
    // First words of other protocols: a browser must not be led to talk to a mail server (the ALPACA attack).
    {"GET", Verb::NotSmtp, Y, Y, Y, Y, Y, Y},
    {"POST", Verb::NotSmtp, Y, Y, Y, Y, Y, Y},
    {"PUT", Verb::NotSmtp, Y, Y, Y, Y, Y, Y},
    {"HEAD", Verb::NotSmtp, Y, Y, Y, Y, Y, Y},
    {"OPTIONS", Verb::NotSmtp, Y, Y, Y, Y, Y, Y},
    {"DELETE", Verb::NotSmtp, Y, Y, Y, Y, Y, Y},
    {"CONNECT", Verb::NotSmtp, Y, Y, Y, Y, Y, Y},
    {"PATCH", Verb::NotSmtp, Y, Y, Y, Y, Y, Y},
    {"TRACE", Verb::NotSmtp, Y, Y, Y, Y, Y, Y},
    {"PRI", Verb::NotSmtp, Y, Y, Y, Y, Y, Y},
    {"PROXY", Verb::NotSmtp, Y, Y, Y, Y, Y, Y},
    {"", Verb::Unknown, Y, Y, Y, Y, Y, Y},
}};

constexpr bool names_each_verb_once() {
  for (const VerbRow& row : kTable) {
    if (std::ranges::count(kTable, row.name, &VerbRow::name) != 1) return false;
  }
  return true;
}
static_assert(names_each_verb_once());

}  // namespace

const VerbRow& find_verb(std::string_view word) {
  for (const VerbRow& row : kTable) {
    if (!row.name.empty() && equals_ignoring_case(row.name, word)) return row;
  }
  return kTable.back();
}

}  // namespace postern::smtp
