#include "app/command_reference.h"

#include <algorithm>
#include <functional>
#include <set>

namespace postern::app {
namespace {

// Calls `visit` with each command and the words that lead to it ("postern key create"), the root first.
using Visit = std::function<void(const CommandNode&, const std::string&)>;
void walk(const CommandNode& node, const std::string& before, const Visit& visit) {
  const std::string words = before.empty() ? node.name : before + " " + node.name;
  visit(node, words);
  for (const CommandNode& command : node.commands) walk(command, words, visit);
}

std::string value_name(const CommandOption& option) {
  std::string name = option.names.front();
  name.erase(0, name.find_first_not_of('-'));
  std::ranges::transform(name, name.begin(), [](char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  return name;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

std::string synopsis(const CommandNode& node) {
  std::string text;
  for (const CommandOption& option : node.options) {
    if (!option.is_positional) continue;
    const std::string word = "\\fI" + man_text(option.names.front()) + "\\fR" + (option.is_repeated ? " ..." : "");
    text += option.is_required ? " " + word : " [" + word + "]";
  }
  return text;
}

std::string man_options(const CommandNode& node) {
  std::string text;
  for (const CommandOption& option : node.options) {
    if (option.is_positional && option.help.empty()) continue;
    text += ".TP\n";
    if (option.is_positional) {
      text += "\\fI" + man_text(option.names.front()) + "\\fR\n";
    } else {
      text += "\\fB" + man_text(joined(option.names, ", ")) + "\\fR";
      text += (option.is_flag ? "" : " \\fI" + man_text(value_name(option)) + "\\fR") + "\n";
    }
    std::string help = option.help;
    if (!option.choices.empty()) help += ": " + joined(option.choices, ", ");
    if (option.is_required && !option.is_positional) help += " (required)";
    text += man_text(help) + "\n";
  }
  return text;
}

// The words that may stand after a command: its own commands and options, and those that every command takes.
std::vector<std::string> next_words(const CommandNode& node, const CommandNode& root) {
  std::set<std::string> words{"--help"};
  for (const CommandNode& command : node.commands) words.insert(command.name);
  for (const CommandNode* of : {&node, &root}) {
    for (const CommandOption& option : of->options) {
      if (option.is_positional) words.insert(option.choices.begin(), option.choices.end());
      else words.insert(option.names.begin(), option.names.end());
    }
  }
  return {words.begin(), words.end()};
}

std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// zsh's _describe tells word and meaning apart by a colon.
std::string described(std::string_view word, std::string_view help) {
  std::string text;
  for (const char c : word) text += c == ':' ? std::string("\\:") : std::string(1, c);
  return shell_quoted(help.empty() ? text : text + ":" + std::string(help));
}

}  // namespace

std::string man_text(std::string_view text) {
  std::string result;
  bool is_line_start = true;
  for (const char c : text) {
    if (is_line_start && (c == '.' || c == '\'')) result += "\\&";
    is_line_start = c == '\n';
    if (c == '\\') result += "\\e";
    else if (c == '-') result += "\\-";
    else result += c;
  }
  return result;
}

std::string make_man_page(const CommandNode& root, std::string_view version) {
  std::string text = ".\\\" Made by `postern docs man`.\n.TH POSTERN 1 \"\" \"postern " + std::string(version) +
                     "\" \"Postern\"\n.SH NAME\npostern \\- SMTP submission relay whose credentials are API keys\n"
                     ".SH SYNOPSIS\n.B postern\n[\\fIoptions\\fR] \\fIcommand\\fR ...\n.SH DESCRIPTION\n";
  text += man_text(root.help) + "\n.PP\nIts commands work on the store directly, whether the relay runs or not.\n.SH OPTIONS\n";
  text += man_options(root);
  text += ".SH COMMANDS\n";
  walk(root, "", [&](const CommandNode& node, const std::string& words) {
    if (!node.commands.empty()) return;
    text += ".SS \"" + man_text(words) + synopsis(node) + "\"\n" + man_text(node.help) + ".\n" + man_options(node);
  });
  text += ".SH EXIT STATUS\n0: done. 1: refused, or something is wrong. 2: wrong usage.\n"
          ".SH FILES\n.TP\n.I /etc/postern/postern.toml\nThe configuration, see postern.toml(5).\n"
          ".TP\n.I /var/lib/postern\nThe store.\n.SH ENVIRONMENT\n.TP\n.B POSTERN_CONFIG\nThe configuration file.\n"
          ".TP\n.B POSTERN_\\fIKEY\\fR\nA key of the configuration, see postern.toml(5).\n"
          ".SH SEE ALSO\npostern.toml(5), /usr/share/doc/postern\n";
  return text;
}

std::string make_bash_completion(const CommandNode& root) {
  std::string paths;
  std::string cases;
  walk(root, "", [&](const CommandNode& node, const std::string& words) {
    paths += " " + shell_quoted(words);
    cases += "    " + shell_quoted(words) + ") choices=" + shell_quoted(joined(next_words(node, root), " ")) + " ;;\n";
  });
  return "# bash completion for postern; made by `postern docs bash`.\n"
         "_postern() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path=postern choices word i\n"
         "  local -A paths\n"
         "  for word in" + paths + "; do paths[$word]=1; done\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    [[ ${paths[\"$path ${COMP_WORDS[i]}\"]-} ]] && path=\"$path ${COMP_WORDS[i]}\"\n"
         "  done\n"
         "  COMPREPLY=()\n"
         "  if [[ $before == --config ]]; then COMPREPLY=($(compgen -f -- \"$current\")); return; fi\n"
         "  case $path in\n" + cases +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$choices\" -- \"$current\"))\n"
         "}\n"
         "complete -o default -F _postern postern\n";
}

std::string make_zsh_completion(const CommandNode& root) {
  std::string paths;
  std::string cases;
  walk(root, "", [&](const CommandNode& node, const std::string& words) {
    paths += " " + shell_quoted(words);
    cases += "    " + shell_quoted(words) + ")\n      choices=(";
    for (const CommandNode& command : node.commands) cases += "\n        " + described(command.name, command.help);
    std::vector<CommandOption> options = node.options;
    if (&node != &root) options.insert(options.end(), root.options.begin(), root.options.end());
    for (const CommandOption& option : options) {
      for (const std::string& word : option.is_positional ? option.choices : option.names) {
        cases += "\n        " + described(word, option.is_positional ? "" : option.help);
      }
    }
    cases += ") ;;\n";
  });
  return "#compdef postern\n"
         "# zsh completion for postern; made by `postern docs zsh`.\n"
         "_postern() {\n"
         "  local path_=postern word\n"
         "  local -a paths choices\n"
         "  paths=(" + paths + ")\n"
         "  for word in ${words[2,CURRENT-1]}; do\n"
         "    (( ${paths[(Ie)$path_ $word]} )) && path_=\"$path_ $word\"\n"
         "  done\n"
         "  if [[ ${words[CURRENT-1]} == --config ]]; then _files; return; fi\n"
         "  case $path_ in\n" + cases +
         "  esac\n"
         "  _describe postern choices || _files\n"
         "}\n"
         "_postern \"$@\"\n";
}

std::string make_fish_completion(const CommandNode& root) {
  std::string text = "# fish completion for postern; made by `postern docs fish`.\ncomplete -c postern -f\n";
  const auto option_line = [&](const CommandOption& option, const std::string& when) {
    std::string line;
    for (const std::string& name : option.names) {
      line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    const bool is_file = std::ranges::find(option.names, "--config") != option.names.end();
    text += "complete -c postern" + when + line + (option.is_flag ? "" : is_file ? " -r -F" : " -x");
    text += option.help.empty() ? "\n" : " -d " + shell_quoted(option.help) + "\n";
  };
  walk(root, "", [&](const CommandNode& node, const std::string& words) {
    const bool is_root = &node == &root;
    std::string seen;
    std::size_t at = words.find(' ');
    while (at != std::string::npos) {
      const std::size_t end = words.find(' ', at + 1);
      seen += (seen.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + words.substr(at + 1, end - at - 1));
      at = end;
    }
    std::string names;
    for (const CommandNode& command : node.commands) names += " " + command.name;
    const std::string not_yet = names.empty() ? "" : "not __fish_seen_subcommand_from" + names;
    const std::string when_commands = " -n " + shell_quoted(seen.empty() ? not_yet : seen + "; and " + not_yet);
    for (const CommandNode& command : node.commands) {
      text += "complete -c postern" + when_commands + " -a " + command.name + " -d " + shell_quoted(command.help) + "\n";
    }
    const std::string when = is_root ? "" : " -n " + shell_quoted(seen);
    for (const CommandOption& option : node.options) {
      if (!option.is_positional) {
        option_line(option, when);
      } else if (!option.choices.empty()) {
        text += "complete -c postern" + when + " -a " + shell_quoted(joined(option.choices, " ")) + "\n";
      }
    }
  });
  return text;
}

}  // namespace postern::app
