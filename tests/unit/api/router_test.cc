#include "api/router.h"

#include <gtest/gtest.h>

namespace postern::api {
namespace {

constexpr Route row(Method method, std::string_view path, std::string_view operation) {
  return {.method = method, .path = path, .access = Access::Open, .body = Body::None, .handler = nullptr,
          .operation = operation, .summary = {}, .tag = {}};
}

constexpr Route kMail[] = {
    row(Method::Get, "/v1/emails", "list"),         row(Method::Post, "/v1/emails", "send"),
    row(Method::Get, "/v1/emails/:id", "get"),      row(Method::Get, "/v1/emails/latest", "latest"),
    row(Method::Post, "/v1/emails/batch", "batch"), row(Method::Delete, "/v1/emails/:id/parts/:part", "part")};
constexpr Route kOther[] = {row(Method::Get, "/", "root"), row(Method::Get, "/healthz", "health")};
constexpr ApiArea kTwoAreas[] = {{kMail, {}}, {kOther, {}}};

std::string found(std::string_view method, std::string_view target) {
  const RouteAnswer answer = Router(kTwoAreas).find(method, *http::parse_target(target));
  if (const auto* wrong = std::get_if<WrongMethod>(&answer)) return "allow " + wrong->allow;
  const auto* match = std::get_if<RouteMatch>(&answer);
  if (match == nullptr) return "nothing";
  std::string text(match->route->operation);
  for (const auto& [name, value] : match->path_parameters) text += ' ' + name + '=' + value;
  return text;
}

TEST(RouterTest, FindsTheRow) {
  EXPECT_EQ(found("GET", "/"), "root");
  EXPECT_EQ(found("GET", "/healthz"), "health");
  EXPECT_EQ(found("GET", "/v1/emails?limit=2"), "list");
  EXPECT_EQ(found("POST", "/v1/emails"), "send");
  EXPECT_EQ(found("GET", "/v1/emails/0-x"), "get id=0-x");
  EXPECT_EQ(found("DELETE", "/v1/emails/a%2Fb/parts/c%20d"), "part id=a/b part=c d");
}

TEST(RouterTest, PrefersTheLiteral) {
  EXPECT_EQ(found("GET", "/v1/emails/latest"), "latest");
  EXPECT_EQ(found("POST", "/v1/emails/batch"), "batch");
  EXPECT_EQ(found("GET", "/v1/emails/batch"), "get id=batch");
}

TEST(RouterTest, FindsNothingBesideTheTable) {
  for (const char* target :
       {"/v1", "/v1/", "/v1/Emails", "/v2/emails", "/v1/emails/a/b", "/v1/v1/emails", "/emails//raw", "/healthz/x", "//", "/api"}) {
    EXPECT_EQ(found("GET", target), "nothing") << target;
  }
}

TEST(RouterTest, TakesBaseUrlsAsClientsWriteThem) {
  for (const char* target : {"/emails", "/emails/", "/v1/emails/", "/v1//emails", "//v1/emails", "/api//emails/", "//emails"}) {
    EXPECT_EQ(found("GET", target), "list") << target;
  }
  EXPECT_EQ(found("GET", "/emails/0-x"), "get id=0-x");
  EXPECT_EQ(found("DELETE", "/v1/emails/a/parts/"), "nothing") << "an empty id is no id";
}

TEST(RouterTest, SaysWhichMethodsAPathTakes) {
  EXPECT_EQ(found("PUT", "/v1/emails"), "allow GET, HEAD, POST");
  EXPECT_EQ(found("get", "/healthz"), "allow GET, HEAD");
  EXPECT_EQ(found("GET", "/v1/emails/a/parts/b"), "allow DELETE");
}

TEST(RouterTest, AnswersHeadAsGet) { EXPECT_EQ(found("HEAD", "/v1/emails"), "list"); }

TEST(RouterTest, TakesApiForTheFirstVersion) {
  EXPECT_EQ(found("POST", "/api/emails"), "send");
  EXPECT_EQ(found("GET", "/api/emails/x"), "get id=x");
}

TEST(RouterTest, PrefersWhatApiHasOfItsOwn) {
  static constexpr Route kOwn[] = {row(Method::Get, "/api/emails", "own list"), row(Method::Put, "/api/emails/:id", "own put"),
                                   row(Method::Get, "/v1/emails", "list"), row(Method::Get, "/v1/emails/:id", "get")};
  static constexpr ApiArea kArea[] = {{kOwn, {}}};
  const Router router{kArea};
  const auto operation = [&](std::string_view method, std::vector<std::string> segments) {
    const RouteAnswer answer = router.find(method, {.path = {}, .segments = std::move(segments), .query = {}});
    const auto* match = std::get_if<RouteMatch>(&answer);
    return match == nullptr ? std::string("nothing") : std::string(match->route->operation);
  };
  EXPECT_EQ(operation("GET", {"api", "emails"}), "own list");
  EXPECT_EQ(operation("GET", {"v1", "emails"}), "list");
  EXPECT_EQ(operation("PUT", {"api", "emails", "x"}), "own put");
  EXPECT_EQ(operation("GET", {"api", "emails", "x"}), "get") << "what has no row there is the first version's";
  EXPECT_EQ(operation("PUT", {"v1", "emails", "x"}), "nothing");
  const RouteAnswer wrong = router.find("PATCH", {.path = {}, .segments = {"api", "emails", "x"}, .query = {}});
  ASSERT_TRUE(std::holds_alternative<WrongMethod>(wrong));
}

TEST(RouterDeathTest, RefusesTwoRowsForOneRequest) {
  static constexpr Route kTwice[] = {row(Method::Get, "/a/:x", "one"), row(Method::Get, "/a/:x", "two")};
  static constexpr ApiArea kArea[] = {{kTwice, {}}};
  EXPECT_DEATH(Router{kArea}, "bug");
}

}  // namespace
}  // namespace postern::api
