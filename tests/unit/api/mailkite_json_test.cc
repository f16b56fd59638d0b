#include "api/mailkite_json.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;

store::DomainRecord domain_of_routes() {
  store::DomainRecord domain;
  domain.id = {{1}};
  domain.name = "example.org";
  domain.state = store::DomainState::Verified;
  domain.created = Instant(std::chrono::milliseconds(1'795'253'400'123));
  domain.routes = {{.id = "rte_1", .match = "*", .action = store::RouteAction::Webhook}};
  return domain;
}

TEST(MailKiteJson, HasTimesInMillisecondsAndTheWebhooksUrl) {
  const store::DomainRecord domain = domain_of_routes();
  store::WebhookRecord webhook;
  webhook.url = "https://app.example/in";
  const json::object row = mailkite_domain(domain, &webhook);
  EXPECT_EQ(row.at("created_at"), 1'795'253'400'123);
  EXPECT_EQ(row.at("status"), "verified");
  EXPECT_EQ(row.at("webhook_url"), "https://app.example/in");
  EXPECT_TRUE(row.at("verified_at").is_null());
  EXPECT_TRUE(mailkite_domain(domain, nullptr).at("webhook_url").is_null());
  const json::object route = mailkite_route(domain, domain.routes[0], &webhook);
  EXPECT_EQ(route.at("match"), "*@example.org");
  EXPECT_EQ(route.at("destination"), "https://app.example/in");
}

TEST(MailKiteJson, NamesADeliverySoThatItIsFoundAgain) {
  store::WebhookRecord webhook;
  webhook.id = {{7, 7}};
  webhook.account = {{1}};
  Event event;
  event.sequence = 4'711;
  const events::EventIds ids(store::EventIdKey{.octets = {1, 2, 3}, .last_numbered = 0});
  events::WebhookAttempts attempts;
  attempts.add(webhook.id, {.at = Instant(std::chrono::milliseconds(5)), .sequence = 4'711, .url = "u", .status = 503});
  attempts.add(webhook.id, {.at = Instant(std::chrono::milliseconds(6)), .sequence = 1, .url = "u", .status = 200});
  const json::object row = mailkite_delivery(webhook, event, ids, &attempts);
  EXPECT_EQ(row.at("status"), "failing");
  EXPECT_EQ(row.at("status_code"), 503);
  EXPECT_EQ(row.at("attempted_at"), 5);
  EXPECT_EQ(mailkite_delivery(webhook, event, ids, nullptr).at("status"), "pending");
  const auto place = parse_mailkite_delivery_id(row.at("id").as_string());
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->webhook, webhook.id);
  EXPECT_EQ(ids.parse(webhook.account, place->event), 4'711U);
  for (const char* wrong : {"", "dlv_", "dlv_0_0", "dlv_x", "whk_0000000000000000_x", "4711"}) {
    EXPECT_FALSE(parse_mailkite_delivery_id(wrong).has_value()) << wrong;
  }
}

TEST(MailKiteJson, TakesMessagesByTheirPlaceInTime) {
  const Instant at = Instant(std::chrono::milliseconds(1'795'253'400'123));
  const MessageId first = first_message_id_at(at);
  EXPECT_EQ(first.created(), at);
  const std::string text = format_message_id(first);
  EXPECT_EQ(parse_mailkite_message_id("msg_" + text), first);
  EXPECT_EQ(parse_mailkite_message_id(text), first);
  EXPECT_FALSE(parse_mailkite_message_id("dlv_" + text).has_value());
}

}  // namespace
}  // namespace postern::api
