#include "store/statistics.h"

#include "tests/support/api_fixture.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace postern::api {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;

class ApiStatsTest : public ::testing::Test {
 protected:
  void write(store::Tally& tally) {
    for (const store::Tally::Counted& counted : tally.take()) {
      api.directory().write([&](store::DirectoryWriter& writer) { return writer.add_stats(counted.account, counted.row); }).value();
    }
  }
  store::Tally::Whose live() const { return {api.account, Environment::Live}; }

  test::ApiFixture api{stats_api()};
};

TEST_F(ApiStatsTest, HasEveryBucketOfThePeriod) {
  store::Tally tally;
  const Instant now = api.clock.now();
  const KeyId key = api.make_key().record.id;
  tally.count_accepted(live(), key, {"example.net"}, now);
  tally.count_accepted(live(), key, {"example.net"}, now - hours(2));
  tally.count_accepted(live(), key, {"example.net"}, now - days(3));
  tally.count_accepted(live(), key, {"example.net"}, now - days(20));
  tally.count_refused(live(), key, "rate_limited", now);
  tally.count_outcome(live(), "example.net", store::Tally::Outcome::Delivered, milliseconds(120), now);
  tally.count_accepted({api.account, Environment::Test}, key, {}, now);
  write(tally);
  const auto day = api.ask("GET /v1/stats?environment=live");
  ASSERT_EQ(day.status, 200);
  const auto& buckets = day.body.at("buckets").as_array();
  ASSERT_EQ(buckets.size(), 24U);
  EXPECT_EQ(buckets[23].at("accepted"), 1);
  EXPECT_EQ(buckets[21].at("accepted"), 1);
  EXPECT_EQ(buckets[20].at("accepted"), 0);
  EXPECT_EQ(day.body.at("totals").at("accepted"), 2);
  EXPECT_EQ(day.body.at("totals").at("refused"), 1);
  EXPECT_EQ(std::string(day.body.at("keys").at(0).at("api_key_id").as_string()), format_id(key));
  EXPECT_EQ(day.body.at("domains").at(0).at("delivered"), 1);
  EXPECT_EQ(day.body.at("refusals").at(0).at("token"), "rate_limited");
  EXPECT_EQ(day.body.at("delivery").at("p50_ms"), 150);
  EXPECT_EQ(day.body.at("delivery").at("histogram").at(0).at("up_to_ms"), 200);
  EXPECT_EQ(api.ask("GET /v1/stats").body.at("totals").at("accepted"), 3) << "live and test";
  const auto week = api.ask("GET /v1/stats?period=week&environment=live");
  EXPECT_EQ(week.body.at("buckets").as_array().size(), 168U);
  EXPECT_EQ(week.body.at("totals").at("accepted"), 3);
  const auto month = api.ask("GET /v1/stats?period=month&environment=live");
  EXPECT_EQ(month.body.at("buckets").as_array().size(), 30U);
  EXPECT_EQ(month.body.at("interval"), "day");
  EXPECT_EQ(month.body.at("totals").at("accepted"), 4);
}

TEST_F(ApiStatsTest, IsEmptyWhereNothingHappened) {
  const auto day = api.ask("GET /v1/stats");
  EXPECT_EQ(day.body.at("buckets").as_array().size(), 24U);
  EXPECT_TRUE(day.body.at("delivery").at("p50_ms").is_null());
  EXPECT_TRUE(day.body.at("keys").as_array().empty());
}

TEST_F(ApiStatsTest, ShowsTheGreatestOfManyNames) {
  store::Tally tally;
  for (int i = 0; i < 60; ++i) {
    for (int times = 0; times <= i; ++times) {
      tally.count_accepted(live(), {}, {std::to_string(i) + ".example"}, api.clock.now());
    }
  }
  write(tally);
  const auto day = api.ask("GET /v1/stats");
  ASSERT_EQ(day.body.at("domains").as_array().size(), 50U);
  EXPECT_EQ(day.body.at("domains").at(0).at("domain"), "59.example");
}

TEST_F(ApiStatsTest, ShowsATestKeyTestMailOnlyAndNobodyAnotherAccounts) {
  store::Tally tally;
  tally.count_accepted(live(), {}, {}, api.clock.now());
  tally.count_accepted({api.account, Environment::Test}, {}, {}, api.clock.now());
  tally.count_accepted({api.make_account("other"), Environment::Live}, {}, {}, api.clock.now());
  write(tally);
  const Caller tester = api.caller_of(api.make_key(Environment::Test).record.id);
  EXPECT_EQ(api.ask("GET /v1/stats", tester).body.at("totals").at("accepted"), 1);
  EXPECT_EQ(api.ask("GET /v1/stats?environment=live", tester).status, 422);
  EXPECT_EQ(api.ask("GET /v1/stats").body.at("totals").at("accepted"), 2);
  EXPECT_EQ(api.ask("GET /v1/stats?period=year").status, 422);
}

}  // namespace
}  // namespace postern::api
