#include "api/openapi.h"

#include "api/router.h"
#include "core/bytes.h"
#include "core/check.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kErrorSchema = "Error";
constexpr std::string_view kCursorSchema = "Cursor";

json::object reference_to(std::string_view schema) {
  return {{"$ref", "#/components/schemas/" + std::string(schema)}};
}

json::object json_content(std::string_view schema) {
  return {{"application/json", json::object{{"schema", reference_to(schema)}}}};
}

// "/v1/emails/:id" → "/v1/emails/{id}", and the names on the way.
std::string template_path(std::string_view path, std::vector<std::string>& parameters) {
  std::string text;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(1, end - 1);
    if (segment.starts_with(':')) {
      parameters.emplace_back(segment.substr(1));
      text += "/{" + parameters.back() + '}';
    } else {
      text.append("/").append(segment);
    }
    path.remove_prefix(end);
  }
  return text;
}

json::object schema_of(const Parameter& parameter) {
  const bool is_text = parameter.type == "string";
  json::object schema{{"type", parameter.type}};
  if (parameter.least != 0) schema[is_text ? "minLength" : "minimum"] = parameter.least;
  if (parameter.most != 0) schema[is_text ? "maxLength" : "maximum"] = parameter.most;
  if (parameter.otherwise) schema["default"] = *parameter.otherwise;
  if (!parameter.format.empty()) schema["format"] = parameter.format;
  if (parameter.values.empty()) return schema;
  json::array values;
  for (std::string_view rest = parameter.values; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    values.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  schema["enum"] = std::move(values);
  return schema;
}

json::array describe_parameters(const Route& route, const std::vector<std::string>& names_in_path) {
  json::array parameters;
  for (const std::string& name : names_in_path) {
    parameters.push_back(json::object{
        {"name", name}, {"in", "path"}, {"required", true}, {"schema", json::object{{"type", "string"}}}});
  }
  for (const Parameter& parameter : route.parameters) {
    parameters.push_back(json::object{{"name", parameter.name},
                                      {"in", parameter.is_header ? "header" : "query"},
                                      {"required", parameter.is_required},
                                      {"description", parameter.description},
                                      {"schema", schema_of(parameter)}});
  }
  return parameters;
}

struct FailureEntry {
  std::string_view status;
  std::string_view description;
  bool (*is_possible)(const Route& route);
};

bool needs_credential(const Route& route) { return route.access != Access::Open; }
bool takes_json(const Route& route) { return route.body == Body::Json; }
bool names_a_thing(const Route& route) { return route.path.find(':') != std::string_view::npos; }
// A parameter that it does not know, if it has none.
bool takes_input(const Route& route) { return takes_json(route) || needs_credential(route) || !route.parameters.empty(); }
bool is_throttled(const Route& route) { return needs_credential(route) || takes_json(route); }
bool is_any(const Route&) { return true; }
bool is_only_named(const Route&) { return false; }

constexpr std::array<FailureEntry, 11> kFailures = {{
    {"400", "The request or its JSON is malformed.", is_any},
    {"401", "There is no credential, or it is not valid.", needs_credential},
    {"403", "The credential does not allow this.", needs_credential},
    {"404", "There is nothing of that id.", names_a_thing},
    {"409", "The state of the thing forbids it.", is_only_named},
    {"413", "The body is bigger than this endpoint takes.", takes_json},
    {"415", "The body is not JSON.", takes_json},
    {"422", "A field or parameter is missing or wrong.", takes_input},
    {"429", "Too many requests or failures: wait for the seconds of Retry-After.", is_throttled},
    {"503", "It cannot be done at the moment: try again later.", is_only_named},
    {"507", "The disk is nearly full.", is_only_named},
}};

bool is_possible(const FailureEntry& failure, const Route& route) {
  const auto is_this = [&](std::uint16_t status) { return std::to_string(status) == failure.status; };
  return failure.is_possible(route) || std::ranges::any_of(route.failures, is_this);
}

json::object describe_success(const Route& route) {
  json::object content;
  if (!route.response_schema.empty()) content = json_content(route.response_schema);
  if (!route.other_content.empty()) content[route.other_content] = json::object{{"schema", json::object{{"type", "string"}}}};
  return {{"description", "Success."}, {"content", std::move(content)}};
}

json::object describe_responses(const Route& route) {
  json::object responses{{std::to_string(route.status), describe_success(route)}};
  for (const FailureEntry& failure : kFailures) {
    if (!is_possible(failure, route)) continue;
    responses[failure.status] = json::object{{"description", failure.description}, {"content", json_content(kErrorSchema)}};
  }
  responses["default"] = json::object{{"description", "Any other failure."}, {"content", json_content(kErrorSchema)}};
  return responses;
}

// A person may name the key that sends, where the row has that parameter.
json::array describe_security(const Route& route) {
  const json::object key{{"apiKey", json::array()}};
  const json::object session{{"sessionToken", json::array()}};
  switch (route.access) {
    case Access::Open: return {};
    case Access::Send: {
      const bool may_name = std::ranges::find(route.parameters, kActingKey.name, &Parameter::name) != route.parameters.end();
      return may_name ? json::array{key, session} : json::array{key};
    }
    case Access::Manage: return json::array{key, session};
    case Access::Operate: return json::array{session};
  }
  return {};
}

json::object describe_operation(const Route& route, const std::vector<std::string>& names_in_path) {
  json::object operation{{"operationId", route.operation}, {"summary", route.summary}, {"tags", json::array{route.tag}}};
  json::array parameters = describe_parameters(route, names_in_path);
  if (!parameters.empty()) operation["parameters"] = std::move(parameters);
  if (!route.request_schema.empty()) {
    operation["requestBody"] = json::object{{"required", true}, {"content", json_content(route.request_schema)}};
  }
  operation["responses"] = describe_responses(route);
  operation["security"] = describe_security(route);
  return operation;
}

// Every name that a failure can have, from the two tables that make them.
json::array failure_names() {
  json::array names;
  for (const ApiProblemRow& row : api_problem_table()) names.emplace_back(row.name);
  for (const RefusalRow& row : refusal_table()) {
    if (row.http_status != 0) names.emplace_back(row.token);
  }
  return names;
}

json::object error_schema() {
  const json::object properties{
      {"statusCode", json::object{{"type", "integer"}, {"description", "The HTTP status once more."}}},
      {"name", json::object{{"type", "string"}, {"enum", failure_names()}, {"description", "Stable: branch on it."}}},
      {"message", json::object{{"type", "string"}, {"description", "For people: what was wrong and what to do."}}},
      {"error", json::object{{"type", "string"}, {"description", "The message once more, for clients of MailKite's API."}}},
  };
  return {{"type", "object"}, {"required", json::array{"statusCode", "name", "message"}}, {"properties", properties}};
}

json::object cursor_schema() {
  return {{"type", json::array{"string", "null"}},
          {"examples", json::array{"cur_04r34c1j60q36d9m6h"}},
          {"description", "What to give as `after` for the next page, as it is; null: there is none."}};
}

void put_limits(json::value& schema, std::span<const SchemaLimit> limits) {
  if (json::array* list = schema.if_array()) {
    for (json::value& item : *list) put_limits(item, limits);
  }
  if (json::object* members = schema.if_object()) {
    for (auto& member : *members) put_limits(member.value(), limits);
  }
  const json::string* text = schema.if_string();
  if (text == nullptr || !text->starts_with('$')) return;
  const auto limit = std::ranges::find(limits, std::string_view(*text).substr(1), &SchemaLimit::name);
  POSTERN_CHECK(limit != limits.end());
  schema = limit->value;
}

json::object gather_schemas(std::span<const ApiArea> areas) {
  json::object schemas{{kErrorSchema, error_schema()}, {kCursorSchema, cursor_schema()}};
  for (const ApiArea& area : areas) {
    if (area.schemas.empty()) continue;
    json::error_code error;
    json::value parsed = json::parse(area.schemas, error);
    POSTERN_CHECK(!error && parsed.is_object());
    put_limits(parsed, area.limits);
    for (const auto& [name, schema] : parsed.get_object()) POSTERN_CHECK(schemas.emplace(name, schema).second);
  }
  return schemas;
}

json::object describe_webhook(const WebhookRow& row) {
  const json::object accepted{{"description", "Accepted; anything else is sent again."}};
  return {{"post", json::object{{"summary", row.type},
                                {"requestBody", json::object{{"required", true}, {"content", json_content(row.schema)}}},
                                {"responses", json::object{{"2XX", accepted}}}}}};
}

json::object security_schemes() {
  return {{"apiKey", json::object{{"type", "http"}, {"scheme", "bearer"}, {"description", "An API key."}}},
          {"sessionToken", json::object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"},
                                        {"description", "A user's token from POST /v1/auth/login."}}}};
}

}  // namespace

json::object make_openapi(std::span<const ApiArea> areas) {
  json::object paths;
  json::object webhooks;
  for (const ApiArea& area : areas) {
    for (const WebhookRow& row : area.webhooks) webhooks[row.type] = describe_webhook(row);
    for (const Route& route : area.routes) {
      std::vector<std::string> names;
      const std::string path = template_path(route.path, names);
      if (!paths.contains(path)) paths[path] = json::object();
      paths[path].as_object()[to_ascii_lower(method_name(route.method))] = describe_operation(route, names);
    }
  }
  return {{"openapi", "3.1.0"},
          {"info", json::object{{"title", "Postern"}, {"version", "1"}, {"summary", "Sends e-mail, and simulates sending it."}}},
          {"servers", json::array{json::object{{"url", "/"}}}},
          {"paths", std::move(paths)},
          {"webhooks", std::move(webhooks)},
          {"components", json::object{{"schemas", gather_schemas(areas)}, {"securitySchemes", security_schemes()}}}};
}

}  // namespace postern::api
