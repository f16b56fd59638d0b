// Any line into the command parser and the parsers of its arguments.
#include "smtp/command.h"
#include "smtp/parameters.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {
namespace {

void check_path(const std::optional<smtp::PathArgument>& parsed) {
  if (!parsed || parsed->path.error || !parsed->path.mailbox) return;
  const Mailbox& mailbox = *parsed->path.mailbox;
  for (const std::string& part : {mailbox.local_part, mailbox.domain}) {
    for (const char c : part) POSTERN_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  }
  // What was read is read again from what we would send.
  if (mailbox.domain.empty()) return;
  const PathParse again = parse_forward_path(format_path(mailbox), true);
  POSTERN_CHECK(!again.error && again.mailbox == mailbox);
}

}  // namespace

POSTERN_FUZZ(command) {
  const smtp::Command command = smtp::parse_command(input);
  POSTERN_CHECK(command.row != nullptr);
  check_path(smtp::parse_mail_argument(command.argument));
  check_path(smtp::parse_rcpt_argument(command.argument));
  static_cast<void>(smtp::parse_mail_parameters(input));
  Recipient recipient;
  static_cast<void>(smtp::parse_rcpt_parameters(input, recipient));
  const auto decoded = smtp::decode_xtext(input);
  if (!decoded) return;
  for (const char c : *decoded) POSTERN_CHECK(c >= ' ' && c <= '~');
}

}  // namespace postern::fuzz
