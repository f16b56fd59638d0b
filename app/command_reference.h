// Texts made from the commands themselves: the manual page and what shells complete.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::app {

struct CommandOption {
  std::vector<std::string> names;    // "--account", "-q"; of a positional word its name: "account"
  std::string help;
  std::vector<std::string> choices;  // its values where they are a closed set
  bool is_positional = false;
  bool is_flag = false;              // takes no value
  bool is_required = false;
  bool is_repeated = false;
};

struct CommandNode {
  std::string name;
  std::string help;
  std::vector<CommandOption> options;
  std::vector<CommandNode> commands;
};

// postern(1), for man(7).
std::string make_man_page(const CommandNode& root, std::string_view version);
// What man(7) shows as `text`: backslashes, and dots and quotes at the beginning of a line, are escaped.
std::string man_text(std::string_view text);

std::string make_bash_completion(const CommandNode& root);
std::string make_zsh_completion(const CommandNode& root);
std::string make_fish_completion(const CommandNode& root);

}  // namespace postern::app
