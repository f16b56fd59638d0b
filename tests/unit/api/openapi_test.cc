#include "api/openapi.h"

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <set>

namespace postern::api {
namespace {

namespace json = boost::json;

constexpr Parameter kParameters[] = {
    limit_parameter(50, 20),
    {.name = "kind", .description = "Which.", .values = "round square", .is_required = true},
    {.name = "X-Mark", .description = "A mark.", .least = 1, .most = 8, .is_header = true},
};

constexpr Route kRoutes[] = {
    {.method = Method::Get, .path = "/v1/things/:id/parts/:part", .access = Access::Manage, .body = Body::None, .handler = nullptr,
     .operation = "getPart", .summary = "A part", .tag = "things", .response_schema = "Part"},
    {.method = Method::Post, .path = "/v1/things", .access = Access::Send, .body = Body::Json, .handler = nullptr,
     .operation = "createThing", .summary = "A new thing", .tag = "things", .request_schema = "NewThing", .status = 201,
     .response_schema = "Part"},
    {.method = Method::Get, .path = "/v1/things", .access = Access::Open, .body = Body::None, .handler = nullptr,
     .operation = "listThings", .summary = "All", .tag = "things", .other_content = "text/plain", .parameters = kParameters,
     .failures = {409}},
};
constexpr ApiArea kAreas[] = {{kRoutes, R"({"Part": {"type": "object"}, "NewThing": {"$ref": "#/components/schemas/Part"}})"}};

json::value document() { return make_openapi(kAreas); }

// Every "$ref" in the document leads to something.
void check_references(const json::value& node, const json::value& whole) {
  if (node.is_array()) {
    for (const json::value& item : node.get_array()) check_references(item, whole);
  } else if (node.is_object()) {
    for (const auto& [name, value] : node.get_object()) {
      if (name == "$ref") {
        json::error_code error;
        EXPECT_NE(whole.find_pointer(std::string_view(value.as_string()).substr(1), error), nullptr) << value;
      }
      check_references(value, whole);
    }
  }
}

TEST(OpenapiTest, HasTheStructureOfTheSpecification) {
  const json::value openapi = document();
  EXPECT_EQ(openapi.at("openapi"), "3.1.0");
  EXPECT_TRUE(openapi.at("info").at("title").is_string() && openapi.at("info").at("version").is_string());
  check_references(openapi, openapi);
  for (const auto& [path, item] : openapi.at("paths").as_object()) {
    EXPECT_TRUE(path.starts_with('/')) << path;
    for (const auto& [method, operation] : item.as_object()) {
      EXPECT_TRUE(operation.at("operationId").is_string());
      EXPECT_TRUE(operation.at("responses").as_object().contains("default"));
      for (const json::value& requirement : operation.at("security").as_array()) {
        for (const auto& [scheme, scopes] : requirement.as_object()) {
          EXPECT_TRUE(openapi.at("components").at("securitySchemes").as_object().contains(scheme)) << scheme;
        }
      }
    }
  }
}

TEST(OpenapiTest, NamesThePathsParameters) {
  const json::value openapi = document();
  const json::value& operation = openapi.at("paths").at("/v1/things/{id}/parts/{part}").at("get");
  const json::array& parameters = operation.at("parameters").as_array();
  ASSERT_EQ(parameters.size(), 2U);
  EXPECT_EQ(parameters[0].at("name"), "id");
  EXPECT_EQ(parameters[1].at("name"), "part");
  EXPECT_TRUE(parameters[1].at("required").as_bool());
}

TEST(OpenapiTest, ListsParametersWithTheirBounds) {
  const json::value openapi = document();
  const json::array& parameters = openapi.at("paths").at("/v1/things").at("get").at("parameters").as_array();
  ASSERT_EQ(parameters.size(), 3U);
  EXPECT_EQ(parameters[0].at("in"), "query");
  EXPECT_EQ(json::serialize(parameters[0].at("schema")), R"({"type":"integer","minimum":1,"maximum":50,"default":20})");
  EXPECT_TRUE(parameters[1].at("required").as_bool());
  EXPECT_EQ(json::serialize(parameters[1].at("schema")), R"({"type":"string","enum":["round","square"]})");
  EXPECT_EQ(parameters[2].at("in"), "header");
  EXPECT_EQ(json::serialize(parameters[2].at("schema")), R"({"type":"string","minLength":1,"maxLength":8})");
}

TEST(OpenapiTest, DescribesOtherContentAndARowsOwnFailures) {
  const json::value openapi = document();
  const json::object& responses = openapi.at("paths").at("/v1/things").at("get").at("responses").as_object();
  EXPECT_TRUE(responses.at("200").at("content").as_object().contains("text/plain"));
  EXPECT_TRUE(responses.contains("409") && responses.contains("422"));
  EXPECT_FALSE(openapi.at("paths").at("/v1/things").at("post").at("responses").as_object().contains("409"));
}

TEST(OpenapiTest, DescribesBodiesAndFailures) {
  const json::value openapi = document();
  const json::value& create = openapi.at("paths").at("/v1/things").at("post");
  EXPECT_EQ(create.at("requestBody").at("content").at("application/json").at("schema").at("$ref"), "#/components/schemas/NewThing");
  EXPECT_TRUE(create.at("responses").as_object().contains("201"));
  for (const char* status : {"400", "401", "403", "413", "415", "422", "429"}) {
    EXPECT_TRUE(create.at("responses").as_object().contains(status)) << status;
  }
  EXPECT_FALSE(create.at("responses").as_object().contains("404"));
}

TEST(OpenapiTest, SaysWhichCredentialsAnOperationTakes) {
  const json::value openapi = document();
  EXPECT_EQ(json::serialize(openapi.at("paths").at("/v1/things").at("get").at("security")), "[]");
  EXPECT_EQ(json::serialize(openapi.at("paths").at("/v1/things").at("post").at("security")), R"([{"apiKey":[]}])");
  EXPECT_EQ(json::serialize(openapi.at("paths").at("/v1/things/{id}/parts/{part}").at("get").at("security")),
            R"([{"apiKey":[]},{"sessionToken":[]}])");
}

TEST(OpenapiTest, ListsEveryNameOfAFailureOnce) {
  const json::value openapi = document();
  std::set<std::string> names;
  const json::array& listed = openapi.at("components").at("schemas").at("Error").at("properties").at("name").at("enum").as_array();
  for (const json::value& name : listed) names.insert(std::string(name.as_string()));
  EXPECT_EQ(names.size(), listed.size());
  EXPECT_TRUE(names.contains("invalid_key") && names.contains("validation_error"));
  EXPECT_FALSE(names.contains("bare_newline")) << "never said over HTTP";
}

}  // namespace
}  // namespace postern::api
