// What an operator wants done with mail that waits.
#include "operation/areas.h"
#include "tests/unit/api/doors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

namespace postern::operation {
namespace {

using namespace api;

namespace json = boost::json;

ApiResponse on_orders(Doors& doors, Method method, const std::string& body = {}, const std::string& id = {}) {
  ApiRequest request;
  request.method = method;
  if (!body.empty()) request.json = json::parse(body);
  request.path_parameters = {{"id", id}};
  return doors.call(order_api(), method, id.empty() ? "/v1/queue/orders" : "/v1/queue/orders/:id", std::move(request));
}

TEST(Orders, AreGivenListedAndEnded) {
  Doors doors;
  const ApiResponse given =
      on_orders(doors, Method::Post, R"({"action": "hold", "domain": ".Example.NET", "reason": "moving", "expires_in": 60})");
  ASSERT_EQ(given.status, 201) << given.body;
  const json::object order = body_of(given);
  EXPECT_EQ(order.at("domain"), ".example.net");
  EXPECT_TRUE(order.at("key_id").is_null());
  const std::string id = text_of(order, "id");
  const json::object listed = body_of(on_orders(doors, Method::Get));
  EXPECT_EQ(listed.at("data").as_array().size(), 1U);
  EXPECT_EQ(listed.at("data").at(0).at("id"), json::value(id));
  EXPECT_EQ(on_orders(doors, Method::Delete, {}, id).status, 200);
  EXPECT_EQ(on_orders(doors, Method::Delete, {}, id).status, 404);
  EXPECT_TRUE(body_of(on_orders(doors, Method::Get)).at("data").as_array().empty());
}

TEST(Orders, AreNotListedWhenTheirTimeIsOver) {
  Doors doors;
  ASSERT_EQ(on_orders(doors, Method::Post, R"({"action": "bounce", "tag": "campaign"})").status, 201);
  doors.clock.advance(std::chrono::minutes(5));
  EXPECT_TRUE(body_of(on_orders(doors, Method::Get)).at("data").as_array().empty());
}

TEST(Orders, MeanSomethingOrAreRefused) {
  Doors doors;
  for (const char* body :
       {R"({"domain": "*"})", R"({"action": "hold"})", R"({"action": "pause", "domain": "*"})",
        R"({"action": "hold", "domain": "a b"})", R"({"action": "hold", "domain": "."})",
        R"({"action": "hold", "route": "nowhere"})", R"({"action": "move", "domain": "*"})",
        R"({"action": "hold", "domain": "*", "to_route": "x"})",
        R"({"action": "hold", "account_id": "key_0000000000000000"})",
        R"({"action": "hold", "domain": "*", "expires_in": 31536001})",
        R"({"action": "hold", "domain": "*", "expires_at": "x"})"}) {
    EXPECT_EQ(on_orders(doors, Method::Post, body).status, 422) << body;
  }
  const std::string long_reason = R"({"action": "hold", "domain": "*", "reason": ")" + std::string(201, 'x') + "\"}";
  EXPECT_EQ(on_orders(doors, Method::Post, long_reason).status, 422);
  EXPECT_EQ(on_orders(doors, Method::Post, R"({"action": "hold", "key_id": "key_0000000000000000"})").status, 404);
  EXPECT_EQ(on_orders(doors, Method::Delete, {}, "nonsense").status, 404);
}

ApiResponse retry_mail(Doors& doors, const std::string& body) {
  ApiRequest request;
  request.method = Method::Post;
  request.json = json::parse(body);
  return doors.call(order_api(), Method::Post, "/v1/queue/retry", std::move(request));
}

TEST(RetryMail, SaysOfWhich) {
  Doors doors;
  const ApiResponse none = retry_mail(doors, R"({"domain": "*"})");
  ASSERT_EQ(none.status, 200) << none.body;
  EXPECT_EQ(body_of(none).at("messages"), 0);
  EXPECT_FALSE(body_of(none).at("has_more").as_bool());
  EXPECT_TRUE(body_of(none).at("next").is_null());
  for (const char* body :
       {R"({})", R"({"domain": "a b"})", R"({"route": "nowhere"})", R"({"key_id": "x"})", R"({"action": "hold"})"}) {
    EXPECT_EQ(retry_mail(doors, body).status, 422) << body;
  }
  EXPECT_EQ(retry_mail(doors, R"({"account_id": "acc_0000000000000000"})").status, 404);
}

}  // namespace
}  // namespace postern::operation
