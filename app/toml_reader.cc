#include "app/toml_reader.h"

// An assertion of its own ends the process for "[[%": without it the parser reports the line.
#define TOML_ASSERT(expr) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <sstream>

namespace postern::app {
namespace {

std::size_t line_of(const toml::node& node) { return node.source().begin.line; }

OtherTomlValue describe_kind(const toml::node& node) {
  std::ostringstream kind;
  kind << node.type();
  return {kind.str()};
}

TomlValue read_list(const toml::array& list) {
  std::vector<std::string> texts;
  for (const auto& item : list) {
    const auto* text = item.as_string();
    if (text == nullptr) return OtherTomlValue{"list that holds something else than text"};
    texts.push_back(text->get());
  }
  return texts;
}

TomlValue read_value(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* boolean = node.as_boolean()) return boolean->get();
  if (const auto* list = node.as_array()) return read_list(*list);
  return describe_kind(node);
}

// toml++ keeps a table sorted by name; people read messages in the order of their file.
TomlTable read_table(std::string_view name, const toml::table& table) {
  TomlTable result{std::string(name), line_of(table), {}};
  for (const auto& [key, node] : table) {
    result.entries.push_back({std::string(key.str()), key.source().begin.line, read_value(node)});
  }
  std::ranges::stable_sort(result.entries, {}, &TomlEntry::line);
  return result;
}

bool is_table_array(const toml::node& node) {
  const auto* list = node.as_array();
  return list != nullptr && !list->empty() && list->is_homogeneous(toml::node_type::table);
}

}  // namespace

std::variant<std::vector<TomlTable>, TomlProblem> read_toml(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return TomlProblem{parsed.error().source().begin.line, std::string(parsed.error().description())};
  }
  const toml::table& document = parsed.table();
  TomlTable top{{}, 0, {}};
  std::vector<TomlTable> tables;
  for (const auto& [key, node] : document) {
    if (!is_table_array(node)) {
      top.entries.push_back({std::string(key.str()), key.source().begin.line, read_value(node)});
      continue;
    }
    for (const auto& element : *node.as_array()) tables.push_back(read_table(key.str(), *element.as_table()));
  }
  std::ranges::stable_sort(top.entries, {}, &TomlEntry::line);
  std::ranges::stable_sort(tables, {}, &TomlTable::line);
  tables.insert(tables.begin(), std::move(top));
  return tables;
}

}  // namespace postern::app
