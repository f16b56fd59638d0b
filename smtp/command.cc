// See command.h.
#include "smtp/command.h"

#include "core/bytes.h"

namespace postern::smtp {
namespace {

using PathParser = PathParse (*)(std::string_view, bool);

std::string_view trim_spaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<PathArgument> parse_argument(std::string_view argument, std::string_view keyword, PathParser parse) {
  if (!starts_with_ignoring_case(argument, keyword)) return std::nullopt;
  const std::string_view rest = trim_spaces(argument.substr(keyword.size()));
  // UTF-8 is parsed here and judged by the session, which knows whether SMTPUTF8 was said.
  PathArgument result{parse(rest, true), {}};
  if (result.path.error) return result;
  const std::string_view behind = rest.substr(result.path.consumed);
  if (!behind.empty() && behind.front() != ' ') return std::nullopt;
  result.parameters = trim_spaces(behind);
  return result;
}

}  // namespace

bool is_first_octet_of_command(char octet) {
  return is_ascii_alpha(octet) || octet == ' ' || octet == '\r' || octet == '\n';
}

Command parse_command(std::string_view line) {
  if (starts_with_ignoring_case(line, "SSH-")) return {&find_verb("GET"), {}};
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  const std::string_view argument = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  return {&find_verb(word), trim_spaces(argument)};
}

std::optional<PathArgument> parse_mail_argument(std::string_view argument) {
  return parse_argument(argument, "FROM:", parse_reverse_path);
}

std::optional<PathArgument> parse_rcpt_argument(std::string_view argument) {
  return parse_argument(argument, "TO:", parse_forward_path);
}

}  // namespace postern::smtp
