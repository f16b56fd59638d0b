#include "submission/refusal_book.h"

#include "tests/support/api_fixture.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace postern::api {
namespace {

class ApiRefusalsTest : public ::testing::Test {
 protected:
  ApiRefusalsTest() { api.submission.refusals = &book; }

  void refuse(const KeyId& key, Environment environment, std::string token) {
    book.add(api.account, {.at = api.clock.now(), .environment = environment, .key = key, .token = std::move(token), .words = "no",
                           .from = "a@example.org", .to = "b@example.net", .peer = "192.0.2.7", .client = "host"});
  }
  std::string tokens(const std::string& query, const Caller& caller) {
    const auto answer = api.ask("GET /v1/refusals" + query, caller);
    if (answer.status != 200) return answer.name();
    std::string all;
    for (const auto& row : answer.body.at("data").as_array()) all += std::string(row.at("token").as_string()) + " ";
    return all;
  }
  std::string tokens(const std::string& query) { return tokens(query, api.caller); }

  submission::RefusalBook book;
  test::ApiFixture api{refusal_api()};
};

TEST_F(ApiRefusalsTest, AreListedByWhatIsAskedFor) {
  const KeyId live = api.make_key().record.id;
  const KeyId test = api.make_key(Environment::Test).record.id;
  refuse(live, Environment::Live, "rate_limited");
  refuse(live, Environment::Live, "no_route");
  refuse(test, Environment::Test, "rate_limited");
  EXPECT_EQ(tokens(""), "rate_limited no_route rate_limited ");
  EXPECT_EQ(tokens("?token=no_route"), "no_route ");
  EXPECT_EQ(tokens("?environment=test"), "rate_limited ");
  EXPECT_EQ(tokens("?key=" + format_id(live)), "no_route rate_limited ");
  EXPECT_EQ(tokens("?since=2200-01-01T00:00:00Z"), "");
  EXPECT_EQ(tokens("?until=2200-01-01T00:00:00Z"), "rate_limited no_route rate_limited ");
  EXPECT_EQ(tokens("", api.caller_of(test)), "rate_limited ") << "a test key sees test mail's";
  EXPECT_EQ(tokens("?environment=live", api.caller_of(test)), "validation_error");
  for (const char* wrong : {"?key=x", "?since=never", "?environment=all", "?limit=0", "?after=x"}) {
    EXPECT_EQ(tokens(wrong), "validation_error") << wrong;
  }
}

TEST_F(ApiRefusalsTest, ComeInPages) {
  const KeyId key = api.make_key().record.id;
  for (const char* token : {"a", "b", "c"}) refuse(key, Environment::Live, token);
  const auto first = api.ask("GET /v1/refusals?limit=2");
  EXPECT_TRUE(first.body.at("has_more").as_bool());
  EXPECT_EQ(tokens("?limit=2&after=" + first.text("next")), "a ");
}

TEST_F(ApiRefusalsTest, AreTheOwnAccountsOnly) {
  refuse(api.make_key().record.id, Environment::Live, "a");
  Caller other = api.caller;
  other.account = api.make_account("other");
  EXPECT_EQ(tokens("", other), "");
}

}  // namespace
}  // namespace postern::api
