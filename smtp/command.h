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

// Requires a line without CRLF. A first octet that is no letter is another protocol: Verb::NotSmtp.
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
