// What lists of e-mails and of their events cost, and what a key of some From domains sees of them.
#include "tests/unit/api/doors.h"

#include "core/time_format.h"

#include <boost/json/array.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::api {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;

std::vector<std::string> ids_of(const json::object& page) {
  std::vector<std::string> ids;
  for (const json::value& item : page.at("data").as_array()) ids.push_back(text_of(item.as_object(), "id"));
  return ids;
}

std::string send_from(Doors& doors, const std::string& from) {
  const ApiResponse response = doors.send(R"({"to": "b@example.net", "subject": "x", "text": "x", "from": ")" + from +
                                          R"(", "attachments": [{"filename": "a.txt", "content": "AAEC"}]})");
  EXPECT_EQ(response.status, 200) << response.body;
  doors.clock.advance(std::chrono::seconds(1));
  return text_of(body_of(response), "id");
}

TEST(GetEmail, ShowsNothingOfOtherDomainsToAKeyOfSome) {
  Doors doors;
  const std::string own = send_from(doors, "a@own.example");
  const std::string other = send_from(doors, "a@other.example");
  const std::string posing = send_from(doors, "\\\"a@own.example\\\" <a@other.example>");
  auth::NewKey narrow;
  narrow.from_domains = {"own.example"};
  doors.use_key(Environment::Live, narrow);
  for (const char* path : {"/v1/emails/:id", "/v1/emails/:id/raw", "/v1/emails/:id/events", "/v1/emails/:id/attachments",
                           "/v1/emails/:id/attachments/:attachment_id", "/v1/emails/:id/attachments/:attachment_id/content"}) {
    EXPECT_EQ(doors.get(path, own, {}, "0").status, 200) << path;
    EXPECT_EQ(doors.get(path, other, {}, "0").status, 404) << path;
    EXPECT_EQ(doors.get(path, posing, {}, "0").status, 404) << path;
  }
  EXPECT_EQ(doors.cancel(other).status, 404);
  EXPECT_THAT(ids_of(body_of(doors.get("/v1/emails"))), ElementsAre(own));
  EXPECT_THAT(ids_of(body_of(doors.get("/v1/emails", {}, {{"before", own}}))), ElementsAre());
  doors.is_signed_in_user = true;
  EXPECT_THAT(ids_of(body_of(doors.get("/v1/emails"))), ElementsAre(posing, other, own));
}

TEST(ListEmails, APageHoldsSoManyRecipients) {
  Doors doors;
  for (int i = 0; i < 6; ++i) {
    const Instant now = doors.clock.now();
    test::Draft draft = test::make_draft(make_message_id(now, doors.random), now, std::vector<std::string>(1'000, "example.net"));
    draft.message.account = doors.account;
    ASSERT_TRUE(test::commit_draft(doors.store.spool(), draft, "x"));
    doors.clock.advance(std::chrono::seconds(1));
  }
  const json::object first = body_of(doors.get("/v1/emails"));
  EXPECT_EQ(ids_of(first).size(), 5U);
  EXPECT_TRUE(first.at("has_more").as_bool());
  const json::object second = body_of(doors.get("/v1/emails", {}, {{"after", text_of(first, "next")}}));
  EXPECT_EQ(ids_of(second).size(), 1U);
  EXPECT_FALSE(second.at("has_more").as_bool());
}

TEST(ListEmails, AreFoundByKeyTimeAndText) {
  Doors doors;
  const std::string first_key = format_id(doors.key);
  const std::string first = send_from(doors, "Ann <ann@example.org>");
  const Instant between = doors.clock.now();
  doors.use_key(Environment::Live);
  const std::string second = send_from(doors, "bob@example.org");
  const auto listed = [&](Doors::Headers query) { return ids_of(body_of(doors.get("/v1/emails", {}, std::move(query)))); };
  EXPECT_THAT(listed({{"key", first_key}}), ElementsAre(first));
  EXPECT_THAT(listed({{"key", format_id(doors.key)}}), ElementsAre(second));
  EXPECT_THAT(listed({{"until", format_rfc3339(between)}}), ElementsAre(first));
  EXPECT_THAT(listed({{"since", format_rfc3339(between)}}), ElementsAre(second));
  EXPECT_THAT(listed({{"since", format_rfc3339(between)}, {"until", format_rfc3339(between)}}), ElementsAre());
  EXPECT_THAT(listed({{"q", "ANN"}}), ElementsAre(first));
  EXPECT_THAT(listed({{"q", "b@example.net"}}), ElementsAre(second, first)) << "the recipient";
  EXPECT_THAT(listed({{"q", "nobody"}}), ElementsAre());
  for (const auto& [name, value] : Doors::Headers{{"key", "key_none"}, {"since", "yesterday"}, {"until", "x"}}) {
    EXPECT_EQ(doors.get("/v1/emails", {}, {{name, value}}).status, 422) << name;
  }
}

// A week back in a long list costs a page, not the week.
TEST(ListEmails, BeginAtTheEndOfTheTimeThatWasAskedFor) {
  Doors doors;
  const std::string oldest = send_from(doors, "a@example.org");
  doors.clock.advance(std::chrono::hours(24));
  for (int i = 0; i < 30; ++i) send_from(doors, "a@example.org");
  const json::object page =
      body_of(doors.get("/v1/emails", {}, {{"limit", "1"}, {"until", format_rfc3339(doors.clock.now() - std::chrono::hours(12))}}));
  EXPECT_THAT(ids_of(page), ElementsAre(oldest));
  EXPECT_FALSE(page.at("has_more").as_bool());
}

TEST(RetryEmail, IsForTheOwnAccountAndWhatWaits) {
  Doors doors;
  const std::string id = send_from(doors, "a@example.org");
  const auto retry = [&] {
    ApiRequest request;
    request.method = Method::Post;
    request.path_parameters = {{"id", id}};
    return doors.call(email_api(), Method::Post, "/v1/emails/:id/retry", std::move(request)).status;
  };
  doors.clock.advance(std::chrono::hours(1));
  EXPECT_EQ(retry(), 200);
  EXPECT_EQ(doors.store.spool().find(parse_message_id(id).value()).value()->delivery.due, doors.clock.now());
  EXPECT_EQ(doors.cancel(id).status, 200);
  EXPECT_EQ(retry(), 409);
  doors.use_account(AccountMode::Production);
  doors.use_key(Environment::Live);
  EXPECT_EQ(retry(), 404);
}

TEST(GetEmail, PagesItsEvents) {
  Doors doors;
  const std::string id = send_from(doors, "a@example.org");
  const std::string other = send_from(doors, "a@example.org");
  for (const std::string& of : {id, other, id}) {
    Event event;
    event.at = doors.clock.now();
    event.type = EventType::RecipientDelivered;
    event.account = doors.account;
    event.message = parse_message_id(of).value();
    test::Waiter waiter;
    doors.store.spool().record_event(event, waiter.completion());
    ASSERT_TRUE(waiter.get());
  }
  const auto page = [&](Doors::Headers query) { return body_of(doors.get("/v1/emails/:id/events", id, std::move(query))); };
  const std::vector<std::string> all = ids_of(page({}));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_FALSE(page({}).at("has_more").as_bool());
  EXPECT_THAT(ids_of(page({{"limit", "2"}})), ElementsAre(all[0], all[1]));
  EXPECT_TRUE(page({{"limit", "2"}}).at("has_more").as_bool());
  EXPECT_THAT(ids_of(page({{"limit", "2"}, {"after", all[1]}})), ElementsAre(all[2]));
  EXPECT_EQ(doors.get("/v1/emails/:id/events", id, {{"limit", "1001"}}).status, 422);
  EXPECT_EQ(doors.get("/v1/emails/:id/events", id, {{"after", "x"}}).status, 422);
}

}  // namespace
}  // namespace postern::api
