#include "api/schema_text.h"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

namespace postern::api {
namespace {

namespace json = boost::json;

json::object parse(std::string_view text) { return json::parse(text).as_object(); }

const json::object kSchemaTexts = parse(R"({
  "Part": {"type": "object", "required": ["id"], "properties": {
    "id": {"type": "string", "examples": ["p1"], "description": "Its name."}, "size": {"type": ["integer", "null"], "minimum": 2}}},
  "Whole": {"allOf": [{"$ref": "#/components/schemas/Part"}, {"type": "object", "required": ["parts"], "properties": {
    "parts": {"type": "array", "maxItems": 3, "items": {"$ref": "#/components/schemas/Part"}}}}]}
})");

struct TypeCase {
  const char* schema;
  const char* words;
};
constexpr TypeCase kTypes[] = {
    {R"({"type": "string"})", "string"},
    {R"({"type": ["string", "null"], "maxLength": 5})", "string or null, at most 5 characters"},
    {R"({"type": "array", "items": {"$ref": "#/components/schemas/Part"}})", "list of [Part](#part)"},
    {R"({"enum": ["live", "test"]})", "`live` or `test`"},
    {R"({"const": true})", "`true`"},
    {R"({"oneOf": [{"$ref": "#/components/schemas/Part"}, {"type": "null"}]})", "[Part](#part) or null"},
    {R"({"type": "integer", "minimum": 1, "default": 7})", "integer, at least 1, default 7"},
};

TEST(SchemaTextTest, SaysTypesInWords) {
  for (const TypeCase& one : kTypes) EXPECT_EQ(SchemaText(kSchemaTexts).type(parse(one.schema)), one.words);
}

TEST(SchemaTextTest, ListsTheFieldsOfAllParts) {
  EXPECT_EQ(SchemaText(kSchemaTexts).fields(kSchemaTexts.at("Whole").as_object()),
            "| field | type | |\n|---|---|---|\n| `id` * | string | Its name. |\n| `size` | integer or null, at least 2 |  |\n"
            "| `parts` * | list of [Part](#part), at most 3 of them |  |\n");
}

TEST(SchemaTextTest, MakesAnExample) {
  EXPECT_EQ(json::parse(SchemaText(kSchemaTexts).example(parse(R"({"$ref": "#/components/schemas/Whole"})"))),
            json::parse(R"({"id": "p1", "size": 2, "parts": [{"id": "p1", "size": 2}]})"));
}

}  // namespace
}  // namespace postern::api
