// Dialogues as files: what a client says, what the server must answer. One format, several players: tests/dialogs/README.md
// describes it, dialog_player.h plays it into the pure session. A player over TCP needs only what stands here.
#pragma once

#include "smtp/config.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postern::test {

struct DialogLine {
  enum class Kind {
    Client,    // octets to send, escapes resolved, CRLF added unless raw
    Server,    // the next reply line, without CRLF; a '*' at its end stands for any rest
    Answer,    // to the next question of a kind: "recipient refuse 550 5.7.1 no"; pure player only
    Question,  // the next question asked: "recipient <b@example.org>"; pure player only
    Content,   // the next line of a committed message; pure player only
    Closed,    // the server has closed
    PeerGone,
    TimedOut,
    ShutDown,
  };
  Kind kind = Kind::Client;
  std::string text;
  int number = 0;  // in the file
};

struct Dialog {
  std::string name;
  smtp::Config config;
  bool starts_in_tls = false;
  std::vector<DialogLine> lines;

  bool has(DialogLine::Kind kind) const;
  // True if a running server can be asked to play it: nothing in it scripts the product or the clock.
  bool is_playable_on_the_wire() const;
};

// The dialogue, or "name:12: what is wrong".
std::variant<Dialog, std::string> parse_dialog(std::string name, std::string_view text);
std::variant<Dialog, std::string> load_dialog(const std::string& path);
// All *.dialog files below `folder`, sorted.
std::vector<std::string> find_dialogs(const std::string& folder);

// `expected` may end in '*'.
bool matches_reply(std::string_view expected, std::string_view line);

}  // namespace postern::test
