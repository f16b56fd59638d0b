// The command line: words → one action with its options. Which words there are stands in command_groups_*.cc.
#pragma once

#include "app/command_context.h"
#include "app/command_reference.h"

#include <functional>
#include <ostream>
#include <string>
#include <variant>

namespace postern::app {

enum class Needs { Nothing, Settings, Store };

struct Invocation {
  CommandContext::Options options;
  Needs needs = Needs::Store;
  std::function<Result<void>(CommandContext&)> action;
  std::string command;  // "postern key create"
};

inline constexpr int kExitRefused = 1;
inline constexpr int kExitUsage = 2;

// An invocation, or the exit status where nothing is left to do (help, wrong usage: its text went to `out` or `err`).
std::variant<Invocation, int> parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

// What parse_command_line() understands, for texts about it.
CommandNode describe_commands();

// Writes to `err` why the action failed and returns the exit status: kExitUsage if a word of the command line was wrong
// (InvalidArgument), with a hint where the choices stand; else kExitRefused.
int report_failure(const Invocation& invocation, const Error& error, std::ostream& err);

}  // namespace postern::app
