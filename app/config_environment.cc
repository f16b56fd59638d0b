// See the header. Kinds and ranges are judged where those of the file are.
#include "app/config_environment.h"

#include "app/config_keys.h"
#include "core/bytes.h"
#include "core/case_fold.h"
#include "core/nearest_word.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>

namespace postern::app {
namespace {

constexpr std::string_view kPrefix = "POSTERN_";
constexpr std::string_view kFileVariable = "POSTERN_CONFIG";
constexpr std::size_t kShortestMisspelt = 6;  // shorter ones resemble everything
constexpr std::size_t kMostTables = 999;  // longer numbers are another program's

struct Assignment {
  std::string_view table;  // empty: the top
  std::size_t index = 0;   // from 1
  const KeyInfo* key = nullptr;
  const std::string* variable = nullptr;
  const std::string* value = nullptr;
};

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return result;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// The number in front of "_KEY".
std::optional<std::size_t> take_index(std::string_view& text) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc{} || index == 0 || index > kMostTables) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return take_prefix(text, "_") ? std::optional(index) : std::nullopt;
}

const KeyInfo* find_key(const KeyTable& table, std::string_view upper_name) {
  const auto found = std::ranges::find_if(table.keys, [&](const KeyInfo* key) { return upper(key->name) == upper_name; });
  return found == table.keys.end() ? nullptr : *found;
}

std::optional<Assignment> understand(const std::pair<std::string, std::string>& variable, const std::vector<KeyTable>& tables) {
  for (const KeyTable& table : tables) {
    std::string_view rest = variable.first;
    if (!take_prefix(rest, kPrefix)) return std::nullopt;
    std::optional<std::size_t> index = 1;
    if (!table.name.empty()) index = take_prefix(rest, upper(table.name) + "_") ? take_index(rest) : std::nullopt;
    const KeyInfo* key = index ? find_key(table, rest) : nullptr;
    if (key != nullptr) return Assignment{table.name, *index, key, &variable.first, &variable.second};
  }
  return std::nullopt;
}

// A text that is no value of the key's kind is handed on as one: whoever reads the entry says so.
TomlValue value_of(const KeyInfo& key, const std::string& text) {
  if (key.type == KeyType::Boolean && (text == "true" || text == "false")) return text == "true";
  if (key.type == KeyType::Integer) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) return number;
  }
  if (key.type != KeyType::TextList) return text;
  std::vector<std::string> items;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view item = trim_ascii_space(rest.substr(0, comma));
    if (!item.empty()) items.emplace_back(item);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return items;
}

// The table that it is for; nullptr: there are fewer.
TomlTable* table_of(const Assignment& assignment, std::vector<TomlTable>& tables) {
  if (assignment.table.empty()) return &tables.front();
  std::size_t count = 0;
  for (TomlTable& table : tables) {
    if (table.name == assignment.table && ++count == assignment.index) return &table;
  }
  if (assignment.index != count + 1) return nullptr;
  // Below every line of a file, and another for each table: what is said of it is found by its line.
  const std::size_t line = kVariableLines + tables.size();
  return &tables.emplace_back(TomlTable{std::string(assignment.table), line, {}});
}

void apply(const Assignment& assignment, std::vector<TomlTable>& tables, Problems& problems) {
  TomlTable* const table = table_of(assignment, tables);
  if (table == nullptr) {
    return problems.add_of_variable(*assignment.variable,
                                    "there is no [[" + std::string(assignment.table) + "]] table before that one",
                                    "number the tables from 1, without a gap, behind those of the file");
  }
  const auto same_key = [&](const TomlEntry& entry) { return entry.key == assignment.key->name; };
  std::erase_if(table->entries, same_key);
  table->entries.push_back(
      {std::string(assignment.key->name), table->line, value_of(*assignment.key, *assignment.value), *assignment.variable});
}

void warn_of_misspelt(const std::string& variable, const std::vector<KeyTable>& tables, Problems& problems) {
  const std::string written = fold_case(variable.substr(kPrefix.size()));
  if (written.size() < kShortestMisspelt) return;
  std::vector<std::string_view> names;
  for (const KeyInfo* key : tables.front().keys) names.push_back(key->name);
  const std::string_view nearest = nearest_word(written, names);
  if (nearest.empty()) return;
  problems.warn_of_variable(variable, "is not a key of Postern", "did you mean " + variable_name({}, 0, nearest) + "?");
}

}  // namespace

Variables process_variables() {
  Variables variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!text.starts_with(kPrefix) || equals == std::string_view::npos || equals + 1 == text.size()) continue;
    if (text.substr(0, equals) == kFileVariable) continue;
    variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

std::string variable_name(std::string_view table, std::size_t index, std::string_view key) {
  const std::string number = table.empty() ? "" : upper(table) + "_" + std::to_string(index) + "_";
  return std::string(kPrefix) + number + upper(key);
}

void apply_variables(const Variables& variables, std::vector<TomlTable>& tables, Problems& problems) {
  if (variables.empty()) return;
  const std::vector<KeyTable> known = key_tables();
  std::vector<Assignment> assignments;
  for (const auto& variable : variables) {
    if (const auto assignment = understand(variable, known)) {
      assignments.push_back(*assignment);
    } else {
      warn_of_misspelt(variable.first, known, problems);
    }
  }
  std::ranges::sort(assignments, {}, [](const Assignment& one) { return std::tuple(one.table, one.index, one.key->name); });
  for (const Assignment& assignment : assignments) apply(assignment, tables, problems);
}

}  // namespace postern::app
