#include "app/password_input.h"

#include <termios.h>
#include <unistd.h>

#include <iostream>
#include <string>

namespace postern::app {
namespace {

// The terminal does not show what is typed while this lives.
class EchoOff {
 public:
  EchoOff() : is_changed_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!is_changed_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  ~EchoOff() {
    if (is_changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  termios before_{};
  bool is_changed_;
};

Result<Secret> prompt(std::ostream& prompts, const char* text) {
  prompts << text << std::flush;
  Result<Secret> password = read_password(std::cin);
  prompts << "\n";
  return password;
}

}  // namespace

Result<Secret> read_password(std::istream& in) {
  std::string line;
  if (!std::getline(in, line)) return Error(ErrorCode::InvalidArgument, "write the password, one line, to standard input");
  if (line.ends_with('\r')) line.pop_back();
  Secret password(line);
  wipe_string(line);
  return password;
}

Result<Secret> ask_for_password(std::ostream& prompts) {
  if (::isatty(STDIN_FILENO) == 0) return read_password(std::cin);
  const EchoOff quiet;
  auto first = prompt(prompts, "Password: ");
  if (!first) return first.error();
  const auto second = prompt(prompts, "Again: ");
  if (!second) return second.error();
  // Both were typed by the same person a moment ago.
  if (first->reveal() != second->reveal()) return Error(ErrorCode::InvalidArgument, "the two passwords are not the same");
  return first;
}

}  // namespace postern::app
