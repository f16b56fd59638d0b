// The names that bodies and queries may use.
#include "api/body_names.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::api {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kSchemas = R"({
"Part": {"type": "object", "properties": {"content_type": {"type": "string"}, "content": {}}},
"Parts": {"type": "object", "properties": {
  "reply_to": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
  "headers": {"type": "object", "additionalProperties": {"type": "string"}}, "subject": {"type": "string"}}},
"Mail": {"allOf": [{"$ref": "#/components/schemas/Parts"}, {"type": "object", "properties": {
  "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}}}}]},
"Batch": {"type": "array", "items": {"$ref": "#/components/schemas/Mail"}}
})";

// The body as it is read, or what is wrong with it.
std::string settled(std::string_view schema, std::string_view body) {
  const json::value schemas = json::parse(kSchemas);
  const BodyNames names(schemas.get_object());
  json::value value = json::parse(body);
  const auto problem = names.settle(schema, value);
  return problem ? *problem : json::serialize(value);
}

TEST(BodyNames, TakeTheirCamelCaseTwins) {
  EXPECT_EQ(settled("Mail", R"({"replyTo": ["a"]})"), R"({"reply_to":["a"]})");
  EXPECT_EQ(settled("Mail", R"({"ReplyTo": "a", "parts": [{"contentType": "a/b"}, {"content": 1}]})"),
            R"({"parts":[{"content_type":"a/b"},{"content":1}],"reply_to":"a"})");
  EXPECT_EQ(settled("Batch", R"([{"replyTo": "a"}])"), R"([{"reply_to":"a"}])");
  EXPECT_EQ(settled("Mail", R"({"replyTo": "a", "reply_to": "b"})"), "replyTo: is there twice, also as reply_to");
  EXPECT_EQ(settled("Mail", R"({"replyTo": "a", "ReplyTo": "b"})"), "ReplyTo: is there twice, also as reply_to");
}

TEST(BodyNames, RefuseOthersAndNameTheNearest) {
  EXPECT_EQ(settled("Mail", R"({"subjet": "a"})"), "subjet: is unknown here; did you mean subject?");
  EXPECT_EQ(settled("Mail", R"({"replyTwo": "a"})"), "replyTwo: is unknown here; did you mean reply_to?");
  EXPECT_EQ(settled("Mail", R"({"zzzzzzzzz": "a"})"), "zzzzzzzzz: is unknown here; known are headers, parts, reply_to, subject");
  EXPECT_EQ(settled("Mail", R"({"parts": [{}, {"contnt": "a"}]})"), "parts[1].contnt: is unknown here; did you mean content?");
  EXPECT_EQ(settled("Batch", R"([{}, {"sbject": "a"}])"), "[1].sbject: is unknown here; did you mean subject?");
  EXPECT_THAT(settled("Mail", "{\"a\\u0001b\": 1}"), StartsWith("a\\x01b: is unknown here"));
  EXPECT_LT(settled("Mail", "{\"" + std::string(10'000, 'x') + "\": 1}").size(), 300U);
}

TEST(BodyNames, LeaveFreeObjectsAndNullsAlone) {
  for (const char* body : {R"({"headers":{"X-Any":"a"}})", R"({"zzz":null})", R"({"parts":[{"content":{"any":1}}]})",
                           R"({"parts":1})", R"([1])", "1", R"({"reply_to":{"any":1}})"}) {
    EXPECT_EQ(settled("Mail", body), body);
  }
  EXPECT_EQ(settled("NoSuch", R"({"a":1})"), R"({"a":1})");
}

TEST(QueryNames, AreThoseOfTheRoute) {
  static constexpr Parameter kParameters[] = {limit_parameter(10, 5), {.name = "email_id", .description = ""},
                                              {.name = "X-Field", .description = "", .is_header = true}};
  const Route route{.method = Method::Get, .path = "/", .access = Access::Send, .body = Body::None, .handler = nullptr,
                    .operation = {}, .summary = {}, .tag = {}, .parameters = kParameters};
  using Query = std::vector<std::pair<std::string, std::string>>;
  EXPECT_FALSE(unknown_parameter(route, Query{}));
  EXPECT_FALSE(unknown_parameter(route, Query{{"limit", "1"}, {"email_id", "x"}}));
  EXPECT_EQ(unknown_parameter(route, Query{{"limit", "1"}, {"lmit", "x"}}),
            "lmit: the parameter is unknown here; did you mean limit?");
  EXPECT_EQ(unknown_parameter(route, Query{{"emailId", "x"}}), "emailId: the parameter is unknown here; did you mean email_id?");
  EXPECT_THAT(*unknown_parameter(route, Query{{"X-Field", "x"}}), HasSubstr("known are limit, email_id"));
  EXPECT_THAT(*unknown_parameter({.method = Method::Get,
                                  .path = "/",
                                  .access = Access::Send,
                                  .body = Body::None,
                                  .handler = nullptr,
                                  .operation = {},
                                  .summary = {},
                                  .tag = {}},
                                 Query{{"to", "x"}}),
              HasSubstr("there is nothing to set"));
}

TEST(SnakeCase, IsOfAnyCase) {
  EXPECT_EQ(snake_case("replyTo"), "reply_to");
  EXPECT_EQ(snake_case("ReplyTo"), "reply_to");
  EXPECT_EQ(snake_case("reply_to"), "reply_to");
  EXPECT_EQ(snake_case("reply_To"), "reply_to");
}

}  // namespace
}  // namespace postern::api
