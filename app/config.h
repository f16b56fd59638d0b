// The configuration file → validated Settings, all problems at once. Flow: toml_reader → the table of keys (app/config_keys)
// → checks across keys → app/config_values makes the folders' option types.
#pragma once

#include "app/settings.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace postern::app {

struct ConfigProblem {
  std::string file;
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
// folder from which relative paths are taken.
ConfigLoad parse_config(std::string_view text, const std::filesystem::path& file);
// The same from the file; a file that cannot be read is a problem like any other. Warns where others can read a password.
ConfigLoad load_config(const std::filesystem::path& file);

// Where no --config and no POSTERN_CONFIG is given.
inline constexpr std::string_view kDefaultConfigFile = "/etc/postern/postern.toml";

}  // namespace postern::app
