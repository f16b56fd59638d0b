// TOML text → keys and values with their lines. The only file that includes toml++; what a key may be is app/config's business.
#pragma once

#include "core/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postern::app {

// A value of a kind that no key takes: a date, a float, a list of something else than text. `kind` names it for the message.
struct OtherTomlValue {
  std::string kind;
};
using TomlValue = std::variant<std::string, std::int64_t, bool, std::vector<std::string>, OtherTomlValue>;

struct TomlEntry {
  std::string key;
  std::size_t line = 0;
  TomlValue value;
  std::string variable = {};  // of the environment, that gave the value; empty: the file did
};

struct TomlTable {
  std::string name;  // of the [[array of tables]] it belongs to; empty: the top
  std::size_t line = 0;  // of its header; 0: the top
  std::vector<TomlEntry> entries;  // in the file's order
};

struct TomlProblem {
  std::size_t line = 0;
  std::string what;
};

// The top table first, then the tables of every [[array]] in the file's order. A syntax error ends the reading: one problem.
std::variant<std::vector<TomlTable>, TomlProblem> read_toml(std::string_view text);

}  // namespace postern::app
