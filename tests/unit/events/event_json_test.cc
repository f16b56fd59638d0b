// The one JSON shape of events.
#include "events/event_json.h"

#include "events/event_ids.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <set>

namespace postern::events {
namespace {

namespace json = boost::json;

class EventJson : public ::testing::Test {
 protected:
  EventJson() {
    event_.sequence = 4711;
    event_.at = clock_.now();
    event_.type = EventType::RecipientBounced;
    event_.message = make_message_id(clock_.now(), random_);
    event_.recipient = "gone@example.net";
    event_.status = Status{550, EnhancedCode{5, 1, 1}, "no such user"};
    event_.detail = "mx.example.net [192.0.2.1]:25";
    stored_.message.id = event_.message;
    stored_.message.accepted_at = clock_.now() - std::chrono::seconds(5);
    stored_.message.envelope.reverse_path = Mailbox{.local_part = "bounces", .domain = "example.org"};
    stored_.message.summary = {.from = "Shop <shop@example.org>", .subject = "Your order", .to = {"gone@example.net"},
                               .cc = {}, .bcc = {}, .reply_to = {}, .tags = {{"kind", "order"}}};
  }

  json::object data() const { return event_payload(event_, &stored_).at("data").as_object(); }

  test::FakeClock clock_;
  test::FakeRandom random_;
  Event event_;
  store::StoredMessage stored_;
};

TEST_F(EventJson, ABounceSaysWhatItIsAboutInTheKnownShape) {
  const json::object payload = event_payload(event_, &stored_);
  EXPECT_EQ(payload.at("type"), "email.bounced");
  EXPECT_EQ(payload.at("created_at"), "2026-01-05T10:00:00Z");
  const json::object& data = payload.at("data").as_object();
  EXPECT_EQ(data.at("email_id"), json::string(format_message_id(event_.message)));
  EXPECT_EQ(data.at("created_at"), "2026-01-05T09:59:55Z");
  EXPECT_EQ(data.at("from"), "Shop <shop@example.org>");
  EXPECT_EQ(data.at("to"), json::array({"gone@example.net"}));
  EXPECT_EQ(data.at("subject"), "Your order");
  EXPECT_EQ(data.at("tags").as_object().at("kind"), "order");
  EXPECT_EQ(data.at("test"), false);
  EXPECT_EQ(data.at("recipient"), "gone@example.net");
  EXPECT_EQ(data.at("status"), json::parse(R"({"code":550,"enhanced":"5.1.1","text":"no such user"})"));
  EXPECT_EQ(data.at("remote"), "mx.example.net [192.0.2.1]:25");
  EXPECT_EQ(data.at("bounce"),
            json::parse(R"({"type":"Permanent","subType":"NoEmail","class":"recipient","message":"no such user"})"));
}

TEST_F(EventJson, ItemsOfAListAlsoHaveTheirId) {
  const json::object item = event_item(event_, &stored_, EventIds());
  EXPECT_EQ(item.at("object"), "event");
  EXPECT_EQ(item.at("id"), "evt_4711");
  EXPECT_FALSE(item.contains("sequence")) << "it counts for all accounts together";
  EXPECT_EQ(item.at("type"), "email.bounced");
  EXPECT_EQ(item.at("data"), event_payload(event_, &stored_).at("data"));
}

// A message of a thousand recipients has thousands of events.
TEST_F(EventJson, ListsRecipientsWithinABound) {
  stored_.message.summary.to.assign(1'000, std::string(234, 'a') + "@example.net");
  std::size_t octets = 0;
  const json::object long_ones = data();
  for (const json::value& address : long_ones.at("to").as_array()) octets += address.as_string().size();
  EXPECT_GT(octets, 1'000U);
  EXPECT_LE(octets, 2'048U);
  stored_.message.summary.to.assign(1'000, "a@b.example");
  EXPECT_EQ(data().at("to").as_array().size(), 50U);
  stored_.message.summary.to.assign(2, std::string(3'000, 'a') + "@example.net");
  EXPECT_EQ(data().at("to").as_array().size(), 1U) << "one at least";
}

TEST(EventIdsTest, AreReadBackByTheirOwnAccountOnly) {
  store::EventIdKey key;
  key.octets[3] = 7;
  key.last_numbered = 4;
  const EventIds ids(key);
  test::FakeRandom random;
  const AccountId one = make_account_id(random);
  const AccountId other = make_account_id(random);
  std::set<std::string> seen;
  for (const std::uint64_t sequence : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, ~std::uint64_t{0}}) {
    const std::string text = ids.format(one, sequence);
    EXPECT_EQ(ids.parse(one, text), sequence);
    EXPECT_EQ(ids.parse(other, text), std::nullopt);
    EXPECT_EQ(ids.parse(one, text.substr(4)), std::nullopt);
    EXPECT_TRUE(seen.insert(text).second);
  }
  EXPECT_NE(ids.format(one, 5), ids.format(other, 5));
  EXPECT_EQ(ids.parse(one, format_event_id(4)), 4U) << "given out before there were such ids";
  EXPECT_EQ(ids.parse(one, format_event_id(5)), std::nullopt) << "would tell how many there are";
  EXPECT_EQ(ids.parse(one, "4"), std::nullopt);
}

TEST_F(EventJson, TestMessagesAreMarked) {
  event_.environment = Environment::Test;
  EXPECT_EQ(data().at("test"), true);
}

TEST_F(EventJson, WithoutASummaryTheEnvelopeSpeaks) {
  stored_.message.summary = {};
  for (int i = 0; i < 60; ++i) {
    const Mailbox mailbox{.local_part = "to" + std::to_string(i), .domain = "example.net"};
    stored_.message.envelope.recipients.push_back(Recipient{.mailbox = mailbox, .notify = {}, .orcpt = {}});
  }
  EXPECT_EQ(data().at("from"), "bounces@example.org");
  EXPECT_EQ(data().at("to").as_array().size(), 50U) << "an event stays small";
}

TEST_F(EventJson, AnEventOutlivesItsMessage) {
  const json::object payload = event_payload(event_, nullptr);
  const json::object& gone = payload.at("data").as_object();
  EXPECT_EQ(gone.at("email_id"), json::string(format_message_id(event_.message)));
  EXPECT_EQ(gone.at("recipient"), "gone@example.net");
  EXPECT_EQ(gone.at("created_at"), "2026-01-05T10:00:00Z");
  EXPECT_EQ(gone.at("subject"), "");
}

TEST_F(EventJson, EachTypeAddsWhatItKnows) {
  const struct {
    EventType type;
    std::string_view member;
  } kRows[] = {
      {EventType::RecipientDelivered, "status"}, {EventType::RecipientDeferred, "remote"},
      {EventType::RecipientExpired, "failed"},   {EventType::RecipientComplained, "recipient"},
      {EventType::RecipientSuppressed, "suppressed"}, {EventType::RecipientCancelled, "recipient"},
      {EventType::DsnQueued, "notification_id"}, {EventType::DsnWithheld, "reason"},
      {EventType::WebhookDisabled, "webhook_id"}, {EventType::MessageScheduled, "scheduled_at"},
  };
  for (const auto& row : kRows) {
    event_.type = row.type;
    EXPECT_TRUE(data().contains(row.member)) << event_wire_name(row.type);
  }
  event_.type = EventType::MessageAccepted;
  EXPECT_FALSE(data().contains("recipient"));
}

TEST_F(EventJson, TextFromOutsideCannotBreakTheShape) {
  event_.status.text = "bad \"quotes\"\r\nand\x01 more";
  const std::string text = json::serialize(event_payload(event_, &stored_));
  EXPECT_EQ(text.find('\n'), std::string::npos) << "a line end would end an event of a live stream";
  EXPECT_EQ(json::parse(text).at("data").at("status").at("text"), json::string(event_.status.text));
}

TEST(EventTypes, WireNamesAreUniqueAndReadBack) {
  std::set<std::string_view> names;
  for (const EventTypeRow& row : event_type_table()) {
    EXPECT_TRUE(names.insert(row.wire_name).second) << row.wire_name;
    EXPECT_EQ(parse_event_wire_name(row.wire_name), row.type);
    EXPECT_EQ(event_wire_name(row.type), row.wire_name);
  }
  EXPECT_EQ(parse_event_wire_name("email.opened"), std::nullopt);
}

TEST(EventTypes, AWebhookWithoutAListWantsAll) {
  EXPECT_TRUE(wants_event({}, EventType::DsnQueued));
  EXPECT_TRUE(wants_event({"email.sent", "email.bounced"}, EventType::RecipientBounced));
  EXPECT_FALSE(wants_event({"email.sent"}, EventType::RecipientBounced));
}

TEST(EventTypes, TheDocumentationShowsTheTable) {
  std::ifstream file(std::string(POSTERN_SOURCE_DIR) + "/docs/events.md");
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_THAT(page, ::testing::HasSubstr(event_table_markdown()));
}

TEST(EventIds, AreReadWithAndWithoutTheirPrefix) {
  EXPECT_EQ(format_event_id(7), "evt_7");
  EXPECT_EQ(parse_event_id("evt_7"), 7U);
  EXPECT_EQ(parse_event_id("7"), 7U);
  for (const std::string_view bad : {"", "evt_", "evt_-1", "7x", "99999999999999999999"}) {
    EXPECT_EQ(parse_event_id(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace postern::events
