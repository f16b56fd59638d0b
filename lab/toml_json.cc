#include "lab/toml_json.h"

// As in app/toml_reader.cc.
#define TOML_ASSERT(expr) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

#include <sstream>

namespace postern::lab {
namespace {

json::value to_json(const toml::node& node);

json::object to_json(const toml::table& table) {
  json::object object;
  for (const auto& [name, value] : table) object[std::string_view(name)] = to_json(value);
  return object;
}

json::value to_json(const toml::node& node) {
  if (const auto* table = node.as_table()) return to_json(*table);
  if (const auto* array = node.as_array()) {
    json::array list;
    for (const toml::node& one : *array) list.push_back(to_json(one));
    return list;
  }
  if (const auto* text = node.as_string()) return json::value(text->get());
  if (const auto* number = node.as_integer()) return json::value(number->get());
  if (const auto* number = node.as_floating_point()) return json::value(number->get());
  if (const auto* is_true = node.as_boolean()) return json::value(is_true->get());
  std::ostringstream text;
  node.visit([&text](const auto& value) {
    if constexpr (toml::is_chronological<decltype(value)>) text << value.get();
  });
  return json::value(text.str());
}

}  // namespace

Result<json::value> toml_to_json(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (parsed) return json::value(to_json(parsed.table()));
  return Error(ErrorCode::InvalidArgument, "line " + std::to_string(parsed.error().source().begin.line) + ": " +
                                               std::string(parsed.error().description()));
}

}  // namespace postern::lab
