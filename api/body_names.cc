#include "api/body_names.h"

#include "core/bytes.h"
#include "core/nearest_word.h"

#include <boost/json/array.hpp>

#include <algorithm>

namespace postern::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxShownNameOctets = 64;
constexpr int kMaxSchemaDepth = 8;  // none of ours reaches five; one that refers to itself ends here

std::string_view chars(json::string_view text) { return {text.data(), text.size()}; }

std::string unknown_name(std::string_view name, const std::vector<std::string_view>& known) {
  std::string text = "is unknown here; ";
  const std::string snake = snake_case(name);
  const std::string_view nearest = nearest_word(snake, known);
  if (!nearest.empty()) return text.append("did you mean ").append(nearest).append("?");
  if (known.empty()) return text.append("there is nothing to set");
  text.append("known are ");
  for (std::size_t i = 0; i < known.size(); ++i) text.append(i > 0 ? ", " : "").append(known[i]);
  return text;
}

}  // namespace

// What of a schema matters for names.
struct BodyNames::Shape {
  std::map<std::string, std::unique_ptr<Shape>, std::less<>> members;
  std::unique_ptr<Shape> items;
  bool is_closed = false;  // an object with these members and no others

  void add(const json::object& schemas, const json::object& schema, int depth) {
    if (depth > kMaxSchemaDepth) return;
    if (const json::value* reference = schema.if_contains("$ref")) {
      const std::string_view path = chars(reference->get_string());
      const json::value* named = schemas.if_contains(path.substr(path.rfind('/') + 1));
      return named ? add(schemas, named->get_object(), depth + 1) : void();
    }
    for (const char* together : {"allOf", "oneOf", "anyOf"}) {
      const json::value* parts = schema.if_contains(together);
      for (const json::value& part : parts ? parts->get_array() : json::array()) add(schemas, part.get_object(), depth + 1);
    }
    if (const json::value* list = schema.if_contains("items")) {
      items = std::make_unique<Shape>();
      items->add(schemas, list->get_object(), depth + 1);
    }
    const json::value* properties = schema.if_contains("properties");
    if (!properties) return;
    is_closed = true;
    for (const auto& [name, member] : properties->get_object()) {
      auto& shape = members[std::string(chars(name))];
      shape = std::make_unique<Shape>();
      shape->add(schemas, member.get_object(), depth + 1);
    }
  }

  // `path`: of `value`, "attachments[0]"; empty for the whole.
  std::optional<std::string> settle(json::value& value, const std::string& path) const {
    if (json::array* list = value.if_array(); list && items) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        auto problem = items->settle((*list)[i], path + '[' + std::to_string(i) + ']');
        if (problem) return problem;
      }
    }
    json::object* object = value.if_object();
    if (!object || !is_closed) return std::nullopt;
    if (auto problem = rename(*object, path)) return problem;
    for (auto& member : *object) {
      const auto known = members.find(chars(member.key()));
      if (known == members.end()) continue;  // null
      auto problem = known->second->settle(member.value(), place(path, chars(member.key())));
      if (problem) return problem;
    }
    return std::nullopt;
  }

 private:
  static std::string place(const std::string& path, std::string_view name) {
    return path + (path.empty() ? "" : ".") + escape_for_log(name, kMaxShownNameOctets);
  }

  std::optional<std::string> rename(json::object& object, const std::string& path) const {
    std::vector<std::pair<std::string, std::string>> others;
    for (const auto& member : object) {
      const std::string_view name = chars(member.key());
      if (members.contains(name)) continue;
      std::string snake = snake_case(name);
      const bool is_known = members.contains(snake);
      if (!is_known && member.value().is_null()) continue;
      if (!is_known) return place(path, name) + ": " + unknown_name(name, member_names());
      const bool is_twice =
          object.contains(snake) || std::ranges::find(others, snake, &std::pair<std::string, std::string>::second) != others.end();
      if (is_twice) return place(path, name) + ": is there twice, also as " + snake;
      others.emplace_back(name, std::move(snake));
    }
    for (const auto& [name, snake] : others) {
      json::value value = std::move(object.at(name));
      object.erase(name);
      object.emplace(snake, std::move(value));
    }
    return std::nullopt;
  }

  std::vector<std::string_view> member_names() const {
    std::vector<std::string_view> names;
    for (const auto& [name, shape] : members) names.emplace_back(name);
    return names;
  }
};

BodyNames::BodyNames(const json::object& schemas) {
  for (const auto& member : schemas) {
    auto shape = std::make_unique<Shape>();
    shape->add(schemas, member.value().get_object(), 0);
    shapes_.emplace(chars(member.key()), std::move(shape));
  }
}

BodyNames::~BodyNames() = default;

std::optional<std::string> BodyNames::settle(std::string_view name, json::value& body) const {
  const auto shape = shapes_.find(name);
  return shape == shapes_.end() ? std::nullopt : shape->second->settle(body, {});
}

std::optional<std::string> unknown_parameter(const Route& route, std::span<const std::pair<std::string, std::string>> query) {
  std::vector<std::string_view> known;
  for (const Parameter& parameter : route.parameters) {
    if (!parameter.is_header) known.push_back(parameter.name);
  }
  for (const auto& [name, value] : query) {
    if (std::ranges::find(known, name) == known.end()) {
      return escape_for_log(name, kMaxShownNameOctets) + ": the parameter " + unknown_name(name, known);
    }
  }
  return std::nullopt;
}

std::string snake_case(std::string_view name) {
  std::string snake;
  for (const char c : name) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    if (is_upper && !snake.empty() && snake.back() != '_') snake.push_back('_');
    snake.push_back(ascii_lower(c));
  }
  return snake;
}

}  // namespace postern::api
