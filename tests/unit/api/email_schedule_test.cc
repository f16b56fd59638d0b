// E-mails that wait for their time: sent, changed and cancelled over HTTP.
#include "tests/unit/api/doors.h"

#include <boost/json/array.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::api {
namespace {

namespace json = boost::json;

std::string sent(Doors& doors, std::string_view body) {
  const ApiResponse response = doors.send(body);
  EXPECT_EQ(response.status, 200) << response.body;
  return text_of(body_of(response), "id");
}

TEST(ScheduleEmail, HoldsItUntilItsTimeAndTakesAnother) {
  Doors doors;
  doors.use_account(AccountMode::Production, {"small", {}, 1, {}});
  doors.use_key(Environment::Live);
  const std::string body = R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "x", "scheduled_at": ")";
  const std::string id = sent(doors, body + "in 2 hours\"}");
  EXPECT_EQ(doors.send(body + "in 2 hours\"}").status, 429) << "the quota is taken at once";
  const auto shown = [&](const char* name) { return text_of(body_of(doors.get("/v1/emails/:id", id)), name); };
  EXPECT_EQ(shown("last_event"), "scheduled");
  EXPECT_EQ(shown("scheduled_at"), "2026-01-05T12:00:00Z");
  const auto due = [&] { return doors.store.spool().find(*parse_message_id(id)).value()->delivery.due; };
  EXPECT_EQ(due(), doors.clock.now() + std::chrono::hours(2));

  const ApiResponse moved = doors.reschedule(id, R"({"scheduled_at": "2026-01-06T00:00:00+01:00"})");
  ASSERT_EQ(moved.status, 200) << moved.body;
  EXPECT_EQ(text_of(body_of(moved), "id"), id);
  EXPECT_EQ(shown("scheduled_at"), "2026-01-05T23:00:00Z");
  EXPECT_EQ(due(), doors.clock.now() + std::chrono::hours(13));
  EXPECT_EQ(doors.reschedule(id, R"({"scheduled_at": "soon"})").status, 422);
  EXPECT_EQ(text_of(body_of(doors.reschedule(id, R"({"scheduled_at": "in 31 days"})")), "name"), "hold_too_long");
  std::vector<std::string> types;
  const json::object events = body_of(doors.get("/v1/emails/:id/events", id));
  for (const json::value& event : events.at("data").as_array()) types.push_back(text_of(event.as_object(), "type"));
  EXPECT_THAT(types, ::testing::ElementsAre("email.sent", "email.scheduled", "email.scheduled"));
  const json::object& last = events.at("data").as_array().back().as_object();
  EXPECT_EQ(text_of(last.at("data").as_object(), "scheduled_at"), "2026-01-05T23:00:00Z");

  ASSERT_EQ(doors.cancel(id).status, 200);
  EXPECT_EQ(shown("last_event"), "canceled");
  EXPECT_EQ(doors.reschedule(id, R"({"scheduled_at": "in 1 hour"})").status, 409);
}

TEST(ScheduleEmail, IsForWhatHasATime) {
  Doors doors;
  const std::string id = sent(doors, R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "x"})");
  EXPECT_EQ(doors.reschedule(id, R"({"scheduled_at": "in 1 hour"})").status, 409);
  EXPECT_EQ(doors.reschedule(std::string(26, '0'), R"({"scheduled_at": "in 1 hour"})").status, 404);
}

TEST(ScheduleEmail, IsAnotherMessageForTheSameKeyAtAnotherTime) {
  Doors doors;
  const Doors::Headers key = {{"idempotency-key", "k"}};
  const std::string body = R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "x", "scheduled_at": ")";
  const ApiResponse first = doors.send(body + "in 2 hours\"}", key);
  doors.clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(doors.send(body + "in 2 hours\"}", key).body, first.body);
  EXPECT_EQ(doors.send(body + "in 3 hours\"}", key).status, 409);
}

}  // namespace
}  // namespace postern::api
