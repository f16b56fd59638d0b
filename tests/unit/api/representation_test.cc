// ETag, If-None-Match and gzip of what is read.
#include "api/representation.h"

#include "http/gzip.h"
#include "tests/support/api_fixture.h"

#include <gmock/gmock.h>

namespace postern::api {
namespace {

using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string field_of_answer(const ApiResponse& response, std::string_view name) {
  for (const auto& [field, value] : response.headers) {
    if (field == name) return value;
  }
  return {};
}

ApiResponse settled(std::string body, std::vector<std::pair<std::string, std::string>> asked = {},
                    std::string content_type = "application/json") {
  ApiRequest request;
  request.headers = std::move(asked);
  ApiResponse response;
  response.content_type = std::move(content_type);
  response.body = std::move(body);
  settle_representation(request, response);
  return response;
}

TEST(Representation, IsNotSentToWhoHasIt) {
  const ApiResponse first = settled("{}");
  const std::string tag = field_of_answer(first, "ETag");
  EXPECT_THAT(tag, StartsWith("W/\""));
  EXPECT_EQ(field_of_answer(first, "Cache-Control"), "private, no-cache");
  EXPECT_NE(field_of_answer(settled("[]"), "ETag"), tag);
  for (const std::string& known : {tag, "\"x\", " + tag, tag.substr(2), std::string("*")}) {
    const ApiResponse same = settled("{}", {{"if-none-match", known}});
    EXPECT_EQ(same.status, 304) << known;
    EXPECT_THAT(same.body, IsEmpty());
    EXPECT_EQ(field_of_answer(same, "ETag"), tag);
  }
  const std::string shorter = tag.substr(0, tag.size() - 2) + '"';
  for (const std::string& other : {std::string(), std::string("\"\""), std::string("W/\"x\""), shorter}) {
    EXPECT_EQ(settled("{}", {{"if-none-match", other}}).status, 200) << other;
  }
}

TEST(Representation, GoesInGzipWhereThatIsWorthWhile) {
  const std::string text = '"' + std::string(4'000, 'x') + '"';
  const ApiResponse packed = settled(text, {{"accept-encoding", "gzip"}});
  EXPECT_EQ(field_of_answer(packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(packed.body, http::gzip(text, 1));
  EXPECT_LT(packed.body.size(), 200U);
  EXPECT_EQ(field_of_answer(packed, "ETag"), field_of_answer(settled(text), "ETag")) << "one validator for both forms";
  EXPECT_EQ(field_of_answer(packed, "Vary"), "Authorization, Accept-Encoding");
  EXPECT_EQ(settled(text).body, text);
  EXPECT_EQ(settled("{}", {{"accept-encoding", "gzip"}}).body, "{}") << "too small";
  EXPECT_EQ(settled(text, {{"accept-encoding", "gzip"}}, "message/rfc822").body, text) << "not what it is made for";
  const std::string big(2 * 1024 * 1024, ' ');
  EXPECT_EQ(settled(big, {{"accept-encoding", "gzip"}}).body, big) << "a worker's time";
}

TEST(Representation, OfAFailureASecretOrAPageHasNoTag) {
  EXPECT_EQ(field_of_answer(settled("<p>", {}, "text/html; charset=utf-8"), "Cache-Control"), "");
  ApiRequest request;
  ApiResponse failure = api_problem(ApiProblem::NotFound);
  settle_representation(request, failure);
  EXPECT_EQ(field_of_answer(failure, "ETag"), "");
  ApiResponse secret = ApiResponse::json_with_secret({{"a", 1}}, "token", Secret("x"));
  settle_representation(request, secret);
  EXPECT_EQ(field_of_answer(secret, "ETag"), "");
}

// An area's own tests call its handlers: what is read has a tag, what is changed has none.
TEST(Representation, IsOfWhatIsRead) {
  test::ApiFixture api{key_api()};
  const test::ApiAnswer listed = api.ask("GET /v1/api-keys");
  EXPECT_EQ(listed.status, 200);
  EXPECT_THAT(listed.header("ETag"), StartsWith("W/\""));
  EXPECT_EQ(api.ask("POST /v1/api-keys", R"({"name": "app"})").header("ETag"), "");
  EXPECT_NE(api.ask("GET /v1/api-keys").header("ETag"), listed.header("ETag"));
}

}  // namespace
}  // namespace postern::api
