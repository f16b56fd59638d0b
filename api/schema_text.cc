#include "api/schema_text.h"

#include "core/check.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

namespace postern::api {
namespace {

namespace json = boost::json;

struct NamedExample {
  std::string_view name;
  std::string_view example;
};

// By a member's name, where its schema has no example of its own: what people would write there.
constexpr NamedExample kMemberExamples[] = {
    {"id", "01JD6R3M1XK8Z0V4T7Q2W9B5CE"},
    {"account_id", "01JD6R3M1X0000000000000ACC"},
    {"api_key_id", "01JD6R3M1X0000000000000KEY"},
    {"domain_id", "01JD6R3M1X0000000000000DOM"},
    {"source_id", "01JD6R3M1XK8Z0V4T7Q2W9B5CE"},
    {"email", "friend@example.net"},
    {"emails", "friend@example.net"},
    {"ids", "friend@example.net"},
    {"password", "correct horse battery"},
    {"from", "Ada Lovelace <ada@example.org>"},
    {"to", "friend@example.net"},
    {"cc", "copy@example.net"},
    {"bcc", "archive@example.org"},
    {"reply_to", "ada@example.org"},
    {"subject", "Your receipt"},
    {"text", "Thank you."},
    {"html", "<p>Thank you.</p>"},
    {"headers", "17"},
    {"message_id", "<01JD6R3M1XK8Z0V4T7Q2W9B5CE@relay.example.org>"},
    {"filename", "receipt.pdf"},
    {"content", "JVBERi0xLjcK"},
    {"content_type", "application/pdf"},
    {"content_id", "logo"},
    {"key_prefix", "pk_live_1a2B3c4D"},
    {"token", "pk_live_1a2B3c4D5e6F…"},
    {"from_domains", "example.org"},
    {"networks", "192.0.2.0/24"},
    {"last_used_from", "192.0.2.17"},
    {"signing_secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    {"endpoint", "https://hooks.example.org/mail"},
    {"remote", "mx.example.net (192.0.2.25)"},
    {"use_case", "Receipts for our shop's customers"},
    {"name", "shop"},
    {"value", "receipt"},
    {"since", "evt_0hq3v1k0a2s8g6d4f0j2l4n6p8"},
    {"event", "evt_0hq3v1k0a2s8g6d4f0j2l4n6p8"},
    {"next", "cur_04r34c1j60q36d9m6h"},
};

struct FormatExample {
  std::string_view format;
  std::string_view example;
};
constexpr std::array<FormatExample, 4> kFormatExamples = {{{"date-time", "2030-01-31T12:00:00Z"},
                                                           {"date", "2030-01-31"},
                                                           {"email", "friend@example.net"},
                                                           {"uri", "https://hooks.example.org/mail"}}};

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

const json::value* find(const json::object& schema, std::string_view name) {
  return schema.if_contains({name.data(), name.size()});
}

const json::object* find_object(const json::object& schema, std::string_view name) {
  const json::value* value = find(schema, name);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* find_array(const json::object& schema, std::string_view name) {
  const json::value* value = find(schema, name);
  return value == nullptr ? nullptr : value->if_array();
}

std::string schema_name(const json::object& schema) {
  const json::value* reference = find(schema, "$ref");
  if (reference == nullptr) return {};
  const std::string_view path = view(reference->get_string());
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string anchor(std::string_view name) {
  std::string lower;
  for (const char c : name) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return '[' + std::string(name) + "](#" + lower + ')';
}

// References followed, the parts of allOf taken together.
class Resolver {
 public:
  explicit Resolver(const json::object& schemas) : schemas_(schemas) {}

  json::object resolve(const json::object& schema) const {
    const std::string name = schema_name(schema);
    if (!name.empty()) {
      const json::object* named = find_object(schemas_, name);
      POSTERN_CHECK(named != nullptr);
      return resolve(*named);
    }
    const json::array* parts = find_array(schema, "allOf");
    return parts == nullptr ? schema : merge(schema, *parts);
  }

 private:
  json::object merge(const json::object& schema, const json::array& parts) const {
    json::object whole = schema;
    json::object properties;
    json::array required;
    for (const json::value& part : parts) {
      const json::object resolved = resolve(part.get_object());
      if (const auto* members = find_object(resolved, "properties")) {
        for (const auto& [name, member] : *members) properties[name] = member;
      }
      if (const auto* names = find_array(resolved, "required")) required.insert(required.end(), names->begin(), names->end());
    }
    whole["properties"] = std::move(properties);
    whole["required"] = std::move(required);
    return whole;
  }

  const json::object& schemas_;
};

std::vector<std::string_view> type_names(const json::object& schema) {
  std::vector<std::string_view> names;
  const json::value* type = find(schema, "type");
  if (type == nullptr) return names;
  if (const auto* text = type->if_string()) return {view(*text)};
  for (const json::value& name : type->get_array()) names.push_back(view(name.get_string()));
  return names;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " or ") + word;
  return text;
}

std::string bounds(const json::object& schema) {
  struct Bound {
    std::string_view name;
    std::string_view words;
    std::string_view unit;
  };
  constexpr std::array<Bound, 8> kBounds = {{{"minimum", "at least ", ""},
                                             {"maximum", "at most ", ""},
                                             {"minLength", "at least ", " characters"},
                                             {"maxLength", "at most ", " characters"},
                                             {"minItems", "at least ", " of them"},
                                             {"maxItems", "at most ", " of them"},
                                             {"maxProperties", "at most ", " members"},
                                             {"default", "default ", ""}}};
  std::string text;
  for (const Bound& bound : kBounds) {
    const json::value* value = find(schema, bound.name);
    if (value != nullptr) text += ", " + std::string(bound.words) + json::serialize(*value) + std::string(bound.unit);
  }
  return text;
}

json::value member_example(std::string_view name) {
  const auto row = std::ranges::find(kMemberExamples, name, &NamedExample::name);
  return row == std::end(kMemberExamples) ? json::value("…") : json::value(row->example);
}

class ExampleMaker {
 public:
  explicit ExampleMaker(const json::object& schemas) : resolver_(schemas) {}

  // `name` is the member's that the value is for.
  json::value make(const json::object& schema, std::string_view name) const {
    const json::object whole = resolver_.resolve(schema);
    if (const auto* examples = find_array(whole, "examples")) return examples->front();
    if (const auto* constant = find(whole, "const")) return *constant;
    if (const auto* values = find_array(whole, "enum")) return values->front();
    if (const auto* branches = find_array(whole, "oneOf")) return make(branches->front().get_object(), name);
    const auto types = type_names(whole);
    const std::string_view type = types.empty() ? "object" : types.front();
    if (type == "object") return object(whole, name);
    if (type == "array") return list(whole, name);
    if (type == "boolean") return true;
    if (type == "integer") return find(whole, "minimum") == nullptr ? json::value(1) : *find(whole, "minimum");
    if (type == "null") return nullptr;
    return text(whole, name);
  }

 private:
  json::value object(const json::object& schema, std::string_view name) const {
    json::object made;
    if (const auto* properties = find_object(schema, "properties")) {
      for (const auto& [member, of_member] : *properties) made[member] = make(of_member.get_object(), member);
    }
    if (const auto* others = find_object(schema, "additionalProperties")) made["X-Order"] = make(*others, name);
    return made;
  }

  json::value list(const json::object& schema, std::string_view name) const {
    const auto* items = find_object(schema, "items");
    return items == nullptr ? json::array() : json::array({make(*items, name)});
  }

  static json::value text(const json::object& schema, std::string_view name) {
    const json::value* format = find(schema, "format");
    if (format == nullptr) return member_example(name);
    const auto row = std::ranges::find(kFormatExamples, view(format->get_string()), &FormatExample::format);
    return row == kFormatExamples.end() ? member_example(name) : json::value(row->example);
  }

  Resolver resolver_;
};

// Small values stand on one line.
constexpr std::size_t kLineOctets = 100;

void indent(const json::value& value, std::size_t depth, std::string& text) {
  const std::string flat = json::serialize(value);
  const bool is_flat = flat.size() + 2 * depth <= kLineOctets && depth > 0;
  const bool is_list = value.is_array();
  if (is_flat || !(value.is_object() || is_list) || flat.size() <= 2) {
    text += flat;
    return;
  }
  const std::string margin(2 * depth + 2, ' ');
  const char* separator = "\n";
  text += is_list ? '[' : '{';
  if (is_list) {
    for (const json::value& item : value.get_array()) {
      text += separator + margin;
      indent(item, depth + 1, text);
      separator = ",\n";
    }
  } else {
    for (const auto& [name, member] : value.get_object()) {
      text += separator + margin + json::serialize(name) + ": ";
      indent(member, depth + 1, text);
      separator = ",\n";
    }
  }
  text += '\n' + std::string(2 * depth, ' ') + (is_list ? ']' : '}');
}

bool is_required(const json::object& schema, std::string_view name) {
  const auto* required = find_array(schema, "required");
  return required != nullptr &&
         std::ranges::any_of(*required, [&](const json::value& one) { return view(one.get_string()) == name; });
}

}  // namespace

std::string SchemaText::type(const json::object& schema) const {
  if (const std::string name = schema_name(schema); !name.empty()) return anchor(name);
  std::vector<std::string> words;
  const json::array* branches = find_array(schema, "oneOf");
  const json::array* values = find_array(schema, "enum");
  if (branches != nullptr) {
    for (const json::value& branch : *branches) words.push_back(type(branch.get_object()));
  } else if (values != nullptr) {
    for (const json::value& value : *values) words.push_back('`' + std::string(view(value.get_string())) + '`');
  } else if (const json::value* constant = find(schema, "const")) {
    words.push_back('`' + json::serialize(*constant) + '`');
  } else {
    const json::object* items = find_object(schema, "items");
    for (const std::string_view name : type_names(schema)) {
      const json::value* format = name == "string" ? find(schema, "format") : nullptr;
      const std::string suffix = format == nullptr ? "" : " (" + std::string(view(format->get_string())) + ')';
      words.push_back(name == "array" && items != nullptr ? "list of " + type(*items) : std::string(name) + suffix);
    }
  }
  return joined(words) + bounds(schema);
}

std::string SchemaText::fields(const json::object& schema) const {
  const json::object whole = Resolver(schemas_).resolve(schema);
  const json::object* properties = find_object(whole, "properties");
  if (properties == nullptr) return {};
  std::string table = "| field | type | |\n|---|---|---|\n";
  for (const auto& [name, member] : *properties) {
    const json::object& of_member = member.get_object();
    const json::value* description = find(of_member, "description");
    table += "| `" + std::string(name) + (is_required(whole, name) ? "` * | " : "` | ") + type(of_member) + " | ";
    if (description != nullptr) table += view(description->get_string());
    table += " |\n";
  }
  return table;
}

std::string SchemaText::example(const json::object& schema) const {
  std::string text;
  indent(ExampleMaker(schemas_).make(schema, {}), 0, text);
  return text;
}

}  // namespace postern::api
