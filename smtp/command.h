// One line → one command: the verb and what follows it. Arguments are parsed by the verb's own function.
#pragma once

#include "core/mailbox.h"
#include "smtp/command_table.h"

#include <optional>
#include <string_view>

namespace postern::smtp {

struct Command {
  const VerbRow* row = nullptr;
  std::string_view argument;  // without surrounding spaces; into the line
};

// False for an octet that begins no command of ours, a mistyped one included: a TLS hello, binary, a line of mail data. The
// session hangs up on it without waiting for the line's end. A blank and an empty line are mere syntax errors.
bool is_first_octet_of_command(char octet);

// Requires a line without CRLF. The first word of another protocol gives the row of Verb::NotSmtp.
Command parse_command(std::string_view line);

struct PathArgument {
  PathParse path;
  std::string_view parameters;  // behind '>', without surrounding spaces; into the argument
};

// "FROM:<path> parameters" and "TO:<path> parameters". One or more spaces behind the colon are forgiven: clients that put
// one there are common, and no ambiguity arises. nullopt: the keyword or colon is missing, or text is glued to '>'.
std::optional<PathArgument> parse_mail_argument(std::string_view argument);
std::optional<PathArgument> parse_rcpt_argument(std::string_view argument);

}  // namespace postern::smtp
