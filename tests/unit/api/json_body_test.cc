#include "api/json_body.h"

#include "api/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::api {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonBodyTest, IsOneJsonText) {
  EXPECT_EQ(parse_json_body(R"({"a": [1, "ü"]})")->at("a").at(1), "ü");
  for (const char* body : {"", "{", "{}x", "{} {}", "{'a': 1}", "{\"a\": 1,}", "NaN", "// c\n{}", "\xEF\xBB\xBF{}"}) {
    EXPECT_FALSE(parse_json_body(body)) << body;
  }
}

TEST(JsonBodyTest, IsUtf8) {
  for (const char* body : {"\"\xff\xfe\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\\ud800\"", "\"\\udc00x\"", "{\"\xff\": 1}"}) {
    EXPECT_FALSE(parse_json_body(body)) << body;
  }
}

TEST(JsonBodyTest, HasABoundedDepth) {
  EXPECT_TRUE(parse_json_body(nested(kMaxJsonDepth)));
  EXPECT_FALSE(parse_json_body(nested(kMaxJsonDepth + 1)));
  EXPECT_FALSE(parse_json_body(std::string(100'000, '[')));
}

TEST(JsonBodyTest, HasABoundedCostInMemory) {
  std::string many = "[{\"\":[{}]}";
  for (int i = 0; i < 400'000; ++i) many += ",{\"\":[{}]}";
  EXPECT_FALSE(parse_json_body(many + "]"));
  std::string text(8 * 1024 * 1024, 'a');
  for (std::size_t i = 70; i < text.size(); i += 78) text.replace(i, 4, "\\r\\n");
  EXPECT_TRUE(parse_json_body("{\"content\": \"" + text + "\"}")) << "an attachment in lines";
}

std::string fault_of(std::string_view body) {
  const auto parsed = parse_json_body(body);
  return parsed ? "none" : parsed.error().context();
}

TEST(JsonBodyTest, SaysWhereItIsWrong) {
  EXPECT_THAT(fault_of("{\"a\": 1,\n  \"b\": }"), ::testing::HasSubstr("line 2, column 8: "));
  EXPECT_THAT(fault_of("{\"a\" 1}"), ::testing::HasSubstr("line 1, column 6: "));
  EXPECT_THAT(fault_of("{} x"), ::testing::HasSubstr("line 1, column 4: "));
  EXPECT_THAT(fault_of("{\"a\": 1"), ::testing::HasSubstr("line 1, column 8: "));
}

TEST(JsonBodyTest, HasNoNameTwiceInAnObject) {
  EXPECT_EQ(fault_of("{\"a\": 1,\n \"a\": 2}"), "the body is not valid JSON: line 2, column 2: this name is there twice");
  EXPECT_THAT(fault_of(R"({"b": [{"a": {"x": ":"}, "c": "\"a\":", "a": 2}]})"),
              ::testing::HasSubstr("column 41: this name is there twice"));
  EXPECT_THAT(fault_of(R"({"a": 1, "\u0061": 2})"), ::testing::HasSubstr("twice"));
  EXPECT_EQ(fault_of(R"([{"a": 1}, {"a": "a:\\"}, {"b": {"b": 1}}])"), "none");
}

TEST(JsonBodyTest, HasABoundedNumberOfValues) {
  const auto zeros = [](std::size_t count) {
    std::string body = "[0";
    for (std::size_t i = 1; i < count; ++i) body += ",0";
    return body + std::string(4 * 1024 * 1024, ' ') + ']';  // so that memory is not what it lacks
  };
  EXPECT_TRUE(parse_json_body(zeros(kMaxJsonValues - 1)));
  EXPECT_FALSE(parse_json_body(zeros(kMaxJsonValues)));
  std::string texts = R"(["\\", "[,[,\"],],", "{,{,")";
  for (std::size_t i = 0; i < 1'000; ++i) texts += R"(, ",,,,,,,,,,\",,,,,\\")";
  const auto parsed = parse_json_body(texts + ']');
  ASSERT_TRUE(parsed) << "what stands in a text is no value";
  EXPECT_EQ(parsed->as_array().size(), 1'003U);
}

// Boost's free function takes the parser's stack from elsewhere; an array that is not closed has nothing but that stack.
TEST(JsonBodyTest, TakesTheParsersStackFromTheSameMemory) {
  std::string open = "[";
  for (std::size_t i = 0; i < kMaxJsonValues - 2; ++i) open += "0,";
  EXPECT_FALSE(parse_json_body(open + "0]")) << "256 KiB of body that took twelve times as much";
}

TEST(JsonBodyTest, KnowsItsContentType) {
  EXPECT_TRUE(is_json_content_type("application/json"));
  EXPECT_TRUE(is_json_content_type("Application/JSON ; charset=utf-8"));
  EXPECT_FALSE(is_json_content_type(""));
  EXPECT_FALSE(is_json_content_type("text/plain"));
  EXPECT_FALSE(is_json_content_type("application/jsonp"));
}

}  // namespace
}  // namespace postern::api
