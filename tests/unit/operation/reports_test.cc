// A day's mail of all accounts over HTTP; tests/unit/app/cmd_usage_test.cc has what stands in it.
#include "operation/areas.h"
#include "tests/unit/api/doors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::operation {
namespace {

using namespace api;

ApiResponse on_reports(Doors& doors, Doors::Headers query = {}) {
  ApiRequest request;
  request.method = Method::Get;
  request.query = std::move(query);
  return doors.call(report_api(), Method::Get, "/v1/reports/daily", std::move(request));
}

TEST(Reports, AreOfYesterdayWhereNoDayIsNamed) {
  Doors doors;
  const auto empty = body_of(on_reports(doors));
  EXPECT_EQ(empty.at("totals").at("accepted"), 0);
  EXPECT_TRUE(empty.at("oldest_at").is_null());
  ASSERT_EQ(doors.send(R"({"from": "a@example.org", "subject": "x", "text": "x", "to": "a@example.net"})").status, 200);
  for (const auto& counted : doors.store->tally().take()) {
    doors.store.directory()
        .write([&](store::DirectoryWriter& writer) { return writer.add_stats(counted.account, counted.row); })
        .value();
  }
  doors.clock.advance(std::chrono::days(1));
  const auto report = body_of(on_reports(doors));
  EXPECT_EQ(report.at("totals").at("accepted"), 1);
  EXPECT_EQ(report.at("accounts").as_array().size(), 1U);
  EXPECT_EQ(report.at("queued"), 1);
  EXPECT_EQ(report.at("looks").as_array().size(), 1U) << "it waits for a day";
}

TEST(Reports, AreOfADayOnly) {
  Doors doors;
  EXPECT_EQ(body_of(on_reports(doors, {{"day", "2020-01-31"}})).at("day"), "2020-01-31");
  EXPECT_EQ(on_reports(doors, {{"day", "yesterday"}}).status, 422);
}

}  // namespace
}  // namespace postern::operation
