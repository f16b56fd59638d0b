// The configuration file → validated Settings, all problems at once. Flow: toml_reader → app/config_environment → the table of
// keys (app/config_keys) → checks across keys → app/config_values makes the folders' option types.
#pragma once

#include "app/settings.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::app {

struct ConfigProblem {
  std::string file;         // "environment" where a variable is at fault; `key` is its name then
  std::size_t line = 0;   // 0: the file as a whole
  std::string key;        // empty where it is no key's
  std::string what;       // what is wrong
  std::string advice;     // what to do
  bool is_warning = false;
};

// "postern.toml:12: max_recipients: 5 is too small; write 100 to 50000"
std::string format_problem(const ConfigProblem& problem);

struct ConfigLoad {
  Settings settings;                    // usable only if is_usable()
  std::vector<ConfigProblem> problems;  // in the order of their lines

  bool is_usable() const;
};

// Parses and checks; reads the files that `password_file` keys name, nothing else. `file` gives the name in messages and the
// folder from which relative paths are taken. `variables`: see app/config_environment.h.
ConfigLoad parse_config(std::string_view text, const std::filesystem::path& file,
                        const std::vector<std::pair<std::string, std::string>>& variables = {});
// The same from the file, with this process's variables; a file that cannot be read is a problem like any other. Warns where
// others can read a password.
ConfigLoad load_config(const std::filesystem::path& file);

// Where no --config and no POSTERN_CONFIG is given.
inline constexpr std::string_view kDefaultConfigFile = "/etc/postern/postern.toml";

}  // namespace postern::app
