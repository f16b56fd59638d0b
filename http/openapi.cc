#include "http/openapi.h"

#include "core/bytes.h"
#include "core/check.h"
#include "http/router.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace postern::http {
namespace {

namespace json = boost::json;

constexpr std::string_view kErrorSchema = "Error";

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

json::array describe_parameters(const std::vector<std::string>& names) {
  json::array parameters;
  for (const std::string& name : names) {
    parameters.push_back(json::object{
        {"name", name}, {"in", "path"}, {"required", true}, {"schema", json::object{{"type", "string"}}}});
  }
  return parameters;
}

struct Failure {
  std::string_view status;
  std::string_view description;
  bool (*is_possible)(const Route& route);
};

bool needs_credential(const Route& route) { return route.access != Access::Open; }
bool takes_json(const Route& route) { return route.body == Body::Json; }
bool names_a_thing(const Route& route) { return route.path.find(':') != std::string_view::npos; }

constexpr std::array<Failure, 8> kFailures = {{
    {"400", "The request or its JSON is malformed.", takes_json},
    {"401", "There is no credential, or it is not valid.", needs_credential},
    {"403", "The credential does not allow this.", needs_credential},
    {"404", "There is nothing of that id.", names_a_thing},
    {"413", "The body is bigger than this endpoint takes.", takes_json},
    {"415", "The body is not JSON.", takes_json},
    {"422", "A field is missing or wrong.", takes_json},
    {"429", "Too many requests or failures: wait for the seconds of Retry-After.", needs_credential},
}};

json::object describe_responses(const Route& route) {
  json::object success{{"description", "Success."}};
  if (!route.response_schema.empty()) success["content"] = json_content(route.response_schema);
  json::object responses{{std::to_string(route.status), std::move(success)}};
  for (const Failure& failure : kFailures) {
    if (!failure.is_possible(route)) continue;
    responses[failure.status] = json::object{{"description", failure.description}, {"content", json_content(kErrorSchema)}};
  }
  responses["default"] = json::object{{"description", "Any other failure."}, {"content", json_content(kErrorSchema)}};
  return responses;
}

json::array describe_security(Access access) {
  const json::object key{{"apiKey", json::array()}};
  const json::object session{{"sessionToken", json::array()}};
  switch (access) {
    case Access::Open: return {};
    case Access::Send: return json::array{key};
    case Access::Manage: return json::array{key, session};
  }
  return {};
}

json::object describe_operation(const Route& route, const std::vector<std::string>& parameters) {
  json::object operation{{"operationId", route.operation}, {"summary", route.summary}, {"tags", json::array{route.tag}}};
  if (!parameters.empty()) operation["parameters"] = describe_parameters(parameters);
  if (!route.request_schema.empty()) {
    operation["requestBody"] = json::object{{"required", true}, {"content", json_content(route.request_schema)}};
  }
  operation["responses"] = describe_responses(route);
  operation["security"] = describe_security(route.access);
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
  };
  return {{"type", "object"}, {"required", json::array{"statusCode", "name", "message"}}, {"properties", properties}};
}

json::object gather_schemas(std::span<const ApiArea> areas) {
  json::object schemas{{kErrorSchema, error_schema()}};
  for (const ApiArea& area : areas) {
    if (area.schemas.empty()) continue;
    json::error_code error;
    const json::value parsed = json::parse(area.schemas, error);
    POSTERN_CHECK(!error && parsed.is_object());
    for (const auto& [name, schema] : parsed.get_object()) POSTERN_CHECK(schemas.emplace(name, schema).second);
  }
  return schemas;
}

json::object security_schemes() {
  return {{"apiKey", json::object{{"type", "http"}, {"scheme", "bearer"}, {"description", "An API key."}}},
          {"sessionToken", json::object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"},
                                        {"description", "A user's token from POST /v1/auth/login."}}}};
}

}  // namespace

json::object make_openapi(std::span<const ApiArea> areas) {
  json::object paths;
  for (const ApiArea& area : areas) {
    for (const Route& route : area.routes) {
      std::vector<std::string> parameters;
      const std::string path = template_path(route.path, parameters);
      if (!paths.contains(path)) paths[path] = json::object();
      paths[path].as_object()[to_ascii_lower(method_name(route.method))] = describe_operation(route, parameters);
    }
  }
  return {{"openapi", "3.1.0"},
          {"info", json::object{{"title", "Postern"}, {"version", "1"}, {"summary", "Sends e-mail, and simulates sending it."}}},
          {"servers", json::array{json::object{{"url", "/"}}}},
          {"paths", std::move(paths)},
          {"components", json::object{{"schemas", gather_schemas(areas)}, {"securitySchemes", security_schemes()}}}};
}

}  // namespace postern::http
