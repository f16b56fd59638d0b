// The endpoints of suppressions and of usage.
#include "relay/suppression.h"
#include "tests/support/api_fixture.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <gmock/gmock.h>

namespace postern::api {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> emails(const test::ApiAnswer& page) {
  std::vector<std::string> found;
  for (const auto& item : page.body.at("data").as_array()) found.emplace_back(item.at("email").as_string());
  return found;
}

class SuppressionApi : public ::testing::Test {
 protected:
  test::ApiFixture api_{suppression_api()};
};

TEST_F(SuppressionApi, AnAddressIsAddedShownAndRemoved) {
  EXPECT_EQ(api_.ask("POST /v1/suppressions", R"({"email":"Gone@EXAMPLE.net"})").text("id"), "gone@example.net");
  const auto shown = api_.ask("GET /v1/suppressions/Gone@example.NET");
  EXPECT_EQ(shown.text("object"), "suppression");
  EXPECT_EQ(shown.text("origin"), "manual");
  EXPECT_TRUE(shown.body.at("source_id").is_null());
  EXPECT_TRUE(api_.ask("DELETE /v1/suppressions/Gone@example.net").body.at("deleted").as_bool());
  EXPECT_EQ(api_.ask("GET /v1/suppressions/Gone@example.net").status, 404);
  EXPECT_EQ(api_.ask("DELETE /v1/suppressions/Gone@example.net").status, 404);
  EXPECT_EQ(api_.ask("DELETE /v1/suppressions/nonsense").status, 404);
}

TEST_F(SuppressionApi, PagesAreInOrderOfAddressAndCanBeOfOneOrigin) {
  const store::SuppressionRecord bounced{.address = "b@example.net",
                                         .reason = store::SuppressionReason::Bounce,
                                         .at = api_.clock.now(),
                                         .message = make_message_id(api_.clock.now(), api_.random)};
  ASSERT_TRUE(
      api_.directory().write([&](store::DirectoryWriter& writer) { return writer.put_suppression(api_.account, bounced); }));
  EXPECT_EQ(api_.ask("POST /v1/suppressions/batch/add", R"({"emails":["c@example.net","a@example.net"]})").status, 201);
  const auto first = api_.ask("GET /v1/suppressions?limit=2");
  EXPECT_THAT(emails(first), ElementsAre("a@example.net", "b@example.net"));
  EXPECT_EQ(first.text("next").find("example"), std::string::npos) << "a log of requests' lines shows no address";
  EXPECT_THAT(emails(api_.ask("GET /v1/suppressions?limit=2&after=" + first.text("next"))), ElementsAre("c@example.net"));
  EXPECT_THAT(emails(api_.ask("GET /v1/suppressions?limit=2&after=b@example.net")), ElementsAre("c@example.net"));
  EXPECT_THAT(emails(api_.ask("GET /v1/suppressions?origin=bounce")), ElementsAre("b@example.net"));
  EXPECT_EQ(api_.ask("GET /v1/suppressions?origin=spite").status, 422);
}

TEST_F(SuppressionApi, OneWhoseTimeIsOverIsShownNoMore) {
  for (const auto& [address, valid_days] : {std::pair("a@example.net", 3), std::pair("b@example.net", 4)}) {
    const store::SuppressionRecord timed{.address = address,
                                         .reason = store::SuppressionReason::Bounce,
                                         .at = api_.clock.now(),
                                         .message = std::nullopt,
                                         .until = api_.clock.now() + std::chrono::days(valid_days)};
    const auto put = [&](store::DirectoryWriter& writer) { return writer.put_suppression(api_.account, timed); };
    ASSERT_TRUE(api_.directory().write(put));
  }
  EXPECT_THAT(emails(api_.ask("GET /v1/suppressions")), ElementsAre("a@example.net", "b@example.net"));
  api_.clock.advance(std::chrono::days(3));
  EXPECT_THAT(emails(api_.ask("GET /v1/suppressions")), ElementsAre("b@example.net"));
  EXPECT_EQ(api_.ask("GET /v1/suppressions/a@example.net").status, 404);
  EXPECT_EQ(api_.ask("GET /v1/suppressions/b@example.net").status, 200);
}

TEST_F(SuppressionApi, ABatchIsRemovedAndWhatIsNotThereIsPassedOver) {
  api_.ask("POST /v1/suppressions", R"({"email":"a@example.net"})");
  const auto removed = api_.ask("POST /v1/suppressions/batch/remove", R"({"emails":["a@example.net","z@example.net"]})");
  EXPECT_EQ(removed.status, 200);
  EXPECT_EQ(removed.body.at("data").as_array().size(), 1U);
}

TEST_F(SuppressionApi, WrongRequestsAndStrangersGetNothing) {
  for (const std::string_view body : {R"({})", R"({"email":"nonsense"})", R"({"email":["a@example.net"]})"}) {
    EXPECT_EQ(api_.ask("POST /v1/suppressions", body).status, 422) << body;
  }
  api_.ask("POST /v1/suppressions", R"({"email":"a@example.net"})");
  Caller stranger = api_.caller;
  stranger.account = api_.make_account("stranger");
  EXPECT_EQ(api_.ask("GET /v1/suppressions/a@example.net", stranger).status, 404);
  EXPECT_EQ(api_.ask("DELETE /v1/suppressions/a@example.net", stranger).status, 404);
  EXPECT_THAT(emails(api_.ask("GET /v1/suppressions", stranger)), ElementsAre());
}

TEST_F(SuppressionApi, ABatchSaysWhichEntryIsWrongAndChangesNothing) {
  const auto added = api_.ask("POST /v1/suppressions/batch/add", R"({"emails":["a@example.net","b@example.net","nobody"]})");
  EXPECT_EQ(added.status, 422);
  EXPECT_THAT(added.text("message"), ::testing::HasSubstr("emails [2] is no address: nobody"));
  EXPECT_TRUE(api_.ask("GET /v1/suppressions").body.at("data").as_array().empty());
  const auto removed = api_.ask("POST /v1/suppressions/batch/remove", R"({"ids":["nobody"]})");
  EXPECT_EQ(removed.status, 422);
  EXPECT_THAT(removed.text("message"), ::testing::HasSubstr("ids [0]"));
}

TEST_F(SuppressionApi, ATestKeySeesAndChangesNothing) {
  const Caller test_key = api_.caller_of(api_.make_key(Environment::Test).record.id);
  EXPECT_EQ(api_.ask("POST /v1/suppressions", test_key, R"({"email":"a@example.net"})").status, 403);
  EXPECT_EQ(api_.ask("DELETE /v1/suppressions/a@example.net", test_key).status, 403);
  EXPECT_EQ(api_.ask("GET /v1/suppressions", test_key).status, 403) << "they are of live mail";
  EXPECT_EQ(api_.ask("GET /v1/suppressions/a@example.net", test_key).status, 403);
}

class UsageApi : public ::testing::Test {
 protected:
  // What the server's write-behind does.
  void sent(const KeyId& key, Instant at, std::uint64_t messages, std::uint64_t recipients) {
    ASSERT_TRUE(api_.directory().write(
        [&](store::DirectoryWriter& writer) { return writer.add_usage(api_.account, key, at, messages, recipients); }));
  }

  test::ApiFixture api_{usage_api()};
};

TEST_F(UsageApi, ShowsDaysAndKeysWithTheirSums) {
  const KeyId key = make_key_id(api_.random);
  const Instant now = api_.clock.now();  // 2026-01-05
  sent(key, now, 2, 5);
  sent(key, now, 1, 1);
  sent(key, now - std::chrono::days(2), 4, 4);
  sent(key, now - std::chrono::days(40), 9, 9);
  const auto all = api_.ask("GET /v1/usage");
  EXPECT_EQ(all.body.at("messages"), 7);
  EXPECT_EQ(all.body.at("recipients"), 10);
  EXPECT_EQ(all.text("to"), "2026-01-05");
  ASSERT_EQ(all.body.at("data").as_array().size(), 2U);
  const auto day = api_.ask("GET /v1/usage?from=2026-01-05&to=2026-01-05");
  EXPECT_EQ(day.body.at("messages"), 3);
  const auto& row = day.body.at("data").as_array().at(0);
  EXPECT_EQ(row.at("day"), "2026-01-05");
  EXPECT_EQ(row.at("api_key_id"), boost::json::string(format_id(key)));
  EXPECT_TRUE(day.body.at("quotas").at("day").as_object().contains("limit"));
}

TEST_F(UsageApi, PeriodsThatAreNoneAreRefused) {
  for (const std::string_view query :
       {"from=yesterday", "to=2026-13-01", "from=2026-01-02&to=2026-01-01", "from=2020-01-01&to=2026-01-01"}) {
    EXPECT_EQ(api_.ask("GET /v1/usage?" + std::string(query)).status, 422) << query;
  }
}

TEST_F(UsageApi, ReadsSoManyRows) {
  const Instant now = api_.clock.now();
  ASSERT_TRUE(api_.directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
    for (int i = 0; i < 10'001; ++i) {
      if (auto added = writer.add_usage(api_.account, make_key_id(api_.random), now, 1, 1); !added) return added;
    }
    return {};
  }));
  sent(make_key_id(api_.random), now - std::chrono::days(1), 1, 1);
  EXPECT_EQ(api_.ask("GET /v1/usage").name(), "limit_exceeded");
  EXPECT_EQ(api_.ask("GET /v1/usage?from=2026-01-01&to=2026-01-04").status, 200);
}

TEST_F(UsageApi, ATestKeySeesNoLiveUsage) {
  const Caller test_key = api_.caller_of(api_.make_key(Environment::Test).record.id);
  EXPECT_EQ(api_.ask("GET /v1/usage", test_key).status, 403);
}

}  // namespace
}  // namespace postern::api
