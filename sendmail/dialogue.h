// sendmail -bs: SMTP over standard input and output, for programs that would rather speak it. The protocol is smtp/session's; there
// is neither AUTH nor TLS, for who speaks is already who may: the user that runs this.
#pragma once

#include "core/status.h"
#include "sendmail/letter.h"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace postern::sendmail {

struct Line {
  std::function<std::size_t(std::span<char>)> read;  // octets; 0: the end
  std::function<bool(std::string_view)> write;       // all of it, or false
};

// `hand_over` answers a letter, without an id, with the reply to its content. Until QUIT or the end.
void run_dialogue(const std::string& hostname, const Line& line, const std::function<Status(Letter)>& hand_over);

}  // namespace postern::sendmail
