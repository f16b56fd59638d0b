// What waits, by destination, and having it tried again.
#include "operation/areas.h"
#include "tests/unit/api/doors.h"

#include "core/time_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/array.hpp>

namespace postern::operation {
namespace {

using namespace api;

namespace json = boost::json;
using ::testing::ElementsAre;

ApiResponse on_queue(Doors& doors, Method method, std::string_view path, const std::string& id = {}, Doors::Headers query = {}) {
  ApiRequest request;
  request.method = method;
  request.path_parameters = {{"id", id}};
  request.query = std::move(query);
  return doors.call(queue_api(), method, path, std::move(request));
}

std::string send_to(Doors& doors, const std::string& to) {
  const ApiResponse sent = doors.send(R"({"from": "a@example.org", "subject": "x", "text": "x", "to": ")" + to + "\"}");
  EXPECT_EQ(sent.status, 200) << sent.body;
  doors.clock.advance(std::chrono::seconds(1));
  return text_of(body_of(sent), "id");
}

std::vector<std::string> texts_of(const json::object& page, std::string_view name) {
  std::vector<std::string> texts;
  for (const json::value& one : page.at("data").as_array()) texts.push_back(text_of(one.as_object(), name));
  return texts;
}

TEST(Queue, SaysWhatWaitsForWhichDestinationSinceWhen) {
  Doors doors;
  const Instant began = doors.clock.now();
  send_to(doors, "a@example.net");
  send_to(doors, "b@example.net");
  const json::object queue = body_of(on_queue(doors, Method::Get, "/v1/queue"));
  EXPECT_EQ(queue.at("messages"), 2);
  ASSERT_THAT(texts_of(queue, "destination"), ElementsAre("example.net"));
  const json::value& lane = queue.at("data").at(0);
  EXPECT_EQ(lane.at("messages"), 2);
  EXPECT_EQ(lane.at("route"), "all");
  EXPECT_EQ(lane.at("oldest_at"), json::value(format_rfc3339(began)));
  EXPECT_TRUE(lane.at("last_status").is_null());
  EXPECT_TRUE(lane.at("paused_until").is_null());
}

TEST(Queue, ListsTheEmailsOfADestinationInPages) {
  Doors doors;
  const std::string first = send_to(doors, "a@example.net");
  const std::string second = send_to(doors, "b@example.net");
  const auto page = [&](Doors::Headers query) {
    query.emplace_back("destination", "example.net");
    return body_of(on_queue(doors, Method::Get, "/v1/queue/emails", {}, std::move(query)));
  };
  const json::object begins = page({{"limit", "1"}});
  EXPECT_THAT(texts_of(begins, "id"), ElementsAre(first));
  EXPECT_EQ(begins.at("has_more"), true);
  const json::object goes_on = page({{"after", text_of(begins, "next")}});
  EXPECT_THAT(texts_of(goes_on, "id"), ElementsAre(second));
  EXPECT_EQ(goes_on.at("has_more"), false);
  EXPECT_EQ(on_queue(doors, Method::Get, "/v1/queue/emails").status, 422);
  EXPECT_EQ(on_queue(doors, Method::Get, "/v1/queue/emails", {}, {{"destination", "example.net"}, {"after", "x"}}).status, 422);
}

TEST(Queue, TriesOrCancelsAnyEmailOnce) {
  Doors doors;
  const std::string id = send_to(doors, "a@example.net");
  doors.clock.advance(std::chrono::hours(1));
  EXPECT_EQ(on_queue(doors, Method::Post, "/v1/queue/emails/:id/retry", id).status, 200);
  const auto stored = doors.store.spool().find(parse_message_id(id).value()).value();
  EXPECT_EQ(stored->delivery.due, doors.clock.now());
  EXPECT_EQ(on_queue(doors, Method::Post, "/v1/queue/emails/:id/cancel", id).status, 200);
  EXPECT_EQ(on_queue(doors, Method::Post, "/v1/queue/emails/:id/cancel", id).status, 409);
  EXPECT_EQ(on_queue(doors, Method::Post, "/v1/queue/emails/:id/retry", id).status, 409);
  EXPECT_EQ(on_queue(doors, Method::Post, "/v1/queue/emails/:id/retry", "nonsense").status, 404);
}

TEST(Destinations, SayWhichIsPausedAndWhyUntilTheyAreProbed) {
  Doors doors;
  test::Waiter waiter;
  doors.store.spool().set_pause("all",
                                store::DestinationPause{.name = "all",
                                                        .since = doors.clock.now(),
                                                        .until = doors.clock.now() + std::chrono::minutes(5),
                                                        .why = {421, {}, "cannot connect"}},
                                waiter.completion());
  ASSERT_TRUE(waiter.get());
  send_to(doors, "a@example.net");
  const json::value lane = body_of(on_queue(doors, Method::Get, "/v1/queue")).at("data").at(0);
  EXPECT_EQ(lane.at("last_status"), "421 cannot connect");
  EXPECT_FALSE(lane.at("paused_until").is_null());
  const json::value paused = body_of(on_queue(doors, Method::Get, "/v1/destinations")).at("data").at(0);
  EXPECT_EQ(paused.at("name"), "all");
  EXPECT_EQ(paused.at("last_status"), "421 cannot connect");
  test::Waiter other;
  doors.store.spool().set_pause("example.org",
                                store::DestinationPause{.name = "example.org",
                                                        .since = doors.clock.now(),
                                                        .until = doors.clock.now() + std::chrono::minutes(5),
                                                        .why = {450, {}, "busy"}},
                                other.completion());
  ASSERT_TRUE(other.get());
  const json::value domain = body_of(on_queue(doors, Method::Get, "/v1/destinations")).at("data").at(1);
  EXPECT_EQ(domain.at("name"), "example.org") << "a destination of a route that has one for each domain";
  EXPECT_TRUE(domain.at("host").is_null());
  EXPECT_EQ(on_queue(doors, Method::Post, "/v1/destinations/retry").status, 200);
  EXPECT_TRUE(body_of(on_queue(doors, Method::Get, "/v1/destinations")).at("data").at(0).at("paused_since").is_null());
}

}  // namespace
}  // namespace postern::operation
