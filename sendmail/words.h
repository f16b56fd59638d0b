// What sendmail(8) is called with, as cron, PHP and git call it: its words → one call. Pure.
// What concerns only a mail server that speaks sendmail's own configuration is taken and does nothing, as Postfix and Exim do it.
#pragma once

#include "core/result.h"

#include <span>
#include <string>
#include <vector>

namespace postern::sendmail {

enum class Mode {
  Letter,    // one message from standard input
  Dialogue,  // -bs: SMTP over standard input and output
  List,      // -bp, mailq: what waits
  Flush,     // -q: send what waits
};

struct Call {
  Mode mode = Mode::Letter;
  std::string sender{};                   // -f, -r: as it was written; empty: not said; "<>": null
  std::string full_name{};                // -F
  std::vector<std::string> recipients{};  // as they were written; lists with commas are cut
  bool reads_header = false;              // -t: also those of To, Cc and Bcc
  bool ignores_dots = false;              // -i, -oi: a line of one dot does not end the message

  friend bool operator==(const Call&, const Call&) = default;
};

// `words` without the program's name. InvalidArgument: an option that would change what is sent, and is not known.
Result<Call> read_words(std::span<const std::string> words);

}  // namespace postern::sendmail
