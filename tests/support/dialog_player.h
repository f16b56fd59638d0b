// Plays a dialogue into the pure session, in pieces of any size, and checks replies, questions and content on the way.
#pragma once

#include "tests/support/dialog.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace postern::test {

// How many of the `left` octets the session gets at once; at least 1.
using Chunker = std::function<std::size_t(std::size_t left)>;

struct Transcript {
  std::string output;                  // all replies, as sent
  std::vector<std::string>
      questions;  // "auth PLAIN app", "sender <a@b> SIZE=9", "recipient <c@d>", "open", "commit", "abandon", "tls"
  std::vector<std::string> messages;   // content of what was committed and accepted
  bool is_closed = false;
  std::vector<std::string> problems;   // "line 12: expected …"; empty: the dialogue went as the file says
};

Transcript play_dialog(const Dialog& dialog, const Chunker& chunker);

}  // namespace postern::test
