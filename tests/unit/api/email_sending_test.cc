// The endpoints of e-mails, called directly: what is stored, what is answered, who may see it.
#include "tests/unit/api/doors.h"

#include "api/limits.h"
#include "relay/suppression.h"

#include <boost/json/array.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::api {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kEmail =
    R"({"from": "Shop <a@example.org>", "to": ["b@example.net"], "bcc": "d@example.net", "subject": "Grüße",
  "text": "Hello", "html": "<p>Hello</p>", "tags": [{"name": "kind", "value": "welcome"}],
  "attachments": [{"filename": "a.txt", "content": "AAEC"}]})";

std::string send(Doors& doors, std::string_view body = kEmail) {
  const ApiResponse response = doors.send(body);
  EXPECT_EQ(response.status, 200) << response.body;
  return text_of(body_of(response), "id");
}

TEST(SendEmail, StoresWhatSmtpWouldHaveStored) {
  Doors doors;
  const std::string id = send(doors);
  const auto stored = doors.store.spool().find(parse_message_id(id).value()).value();
  ASSERT_TRUE(stored);
  const store::MessageRecord& message = stored->message;
  EXPECT_EQ(message.account, doors.account);
  EXPECT_EQ(message.key, doors.key);
  EXPECT_EQ(format_path(message.envelope.reverse_path), "<a@example.org>");
  ASSERT_EQ(message.envelope.recipients.size(), 2U);
  EXPECT_EQ(message.summary.subject, "Grüße");
  EXPECT_THAT(message.summary.bcc, ElementsAre("d@example.net"));
  const std::string content = test::read_content(doors.store.spool(), message);
  EXPECT_THAT(content, HasSubstr("with HTTP\r\n\tid " + id));
  EXPECT_THAT(content, HasSubstr("\r\nDate: "));
  EXPECT_THAT(content, HasSubstr("\r\nMessage-ID: <" + id + "@relay.example>\r\n"));
  EXPECT_THAT(content, Not(HasSubstr("d@example.net")));
  EXPECT_EQ(doors.wakes(), 1);
}

TEST(SendEmail, SaysWhichRecipientsItRefused) {
  Doors doors;
  doors.use_account(AccountMode::Sandbox);
  doors.use_key(Environment::Live);
  ASSERT_TRUE(doors.accounts.allow(doors.account, "friend@example.net"));
  const ApiResponse response =
      doors.send(R"({"from": "a@example.org", "to": ["friend@example.net", "stranger@example.net"], "subject": "x", "text": "x"})");
  ASSERT_EQ(response.status, 200) << response.body;
  const json::object body = body_of(response);
  const json::array& recipients = body.at("recipients").as_array();
  ASSERT_EQ(recipients.size(), 2U);
  EXPECT_EQ(text_of(recipients[0].as_object(), "status"), "accepted");
  EXPECT_EQ(text_of(recipients[1].as_object(), "status"), "refused");
  EXPECT_EQ(text_of(recipients[1].as_object(), "name"), "recipient_not_whitelisted");
  const auto stored = doors.store.spool().find(parse_message_id(text_of(body, "id")).value()).value();
  EXPECT_EQ(stored->message.envelope.recipients.size(), 1U);

  const ApiResponse refused = doors.send(R"({"from": "a@example.org", "to": "stranger@example.net", "subject": "x", "text": "x"})");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(text_of(body_of(refused), "name"), "recipient_not_whitelisted");
}

// A plan that two e-mails are too many for, and the seconds until it grants another. The clock stands at 10:00 on January 5.
struct Wait {
  const char* name;
  store::Plan plan;
  std::optional<std::uint32_t> key_per_second;
  const char* token;
  const char* limit;
  const char* seconds;
};

class SendEmailWait : public ::testing::TestWithParam<Wait> {};

TEST_P(SendEmailWait, IsSaidInTheFieldsOf429) {
  const Wait& wait = GetParam();
  Doors doors;
  doors.use_account(AccountMode::Production, wait.plan);
  auth::NewKey wanted;
  wanted.per_second = wait.key_per_second;
  doors.use_key(Environment::Live, wanted);
  const char* const body = R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "x"})";
  const ApiResponse sent = doors.send(body);
  EXPECT_EQ(sent.status, 200) << sent.body;
  EXPECT_TRUE(sent.headers.empty());
  const std::string batch = '[' + std::string(body) + ']';
  for (const ApiResponse& refused : {doors.send(body), doors.post("/v1/emails/batch", batch)}) {
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(text_of(body_of(refused), "name"), wait.token);
    EXPECT_THAT(text_of(body_of(refused), "message"), HasSubstr("wait " + std::string(wait.seconds) + " s"));
    EXPECT_EQ(refused.headers, (Doors::Headers{{"Retry-After", wait.seconds},
                                               {"RateLimit-Limit", wait.limit},
                                               {"RateLimit-Remaining", "0"},
                                               {"RateLimit-Reset", wait.seconds}}));
  }
  doors.clock.advance(std::chrono::seconds(std::stol(wait.seconds)));
  EXPECT_EQ(doors.send(body).status, 200) << "after the time that was said";
}

INSTANTIATE_TEST_SUITE_P(OfEveryLimit, SendEmailWait,
                         ::testing::Values(Wait{"PlanRate", {"p", 1, {}, {}}, {}, "rate_limited", "1", "1"},
                                           Wait{"KeyRate", {"p", 50, {}, {}}, 1, "rate_limited", "1", "1"},
                                           Wait{"Day", {"p", {}, 1, {}}, {}, "quota_exceeded", "1", "50400"},
                                           Wait{"Month", {"p", {}, 5, 1}, {}, "quota_exceeded", "1", "2296800"}),
                         [](const auto& wait) { return std::string(wait.param.name); });

TEST(SendEmail, AnswersWithTheSimulatedReply) {
  struct Case {
    const char* local_part;
    int status;
    const char* name;
    const char* message;
    bool says_when;
  };
  const Case cases[] = {
      {"rejected", 422, "simulated", "550 5.1.1", false},
      {"smtp-550-5.1.1", 422, "simulated", "550 5.1.1", false},
      {"smtp-550-5.7.1", 403, "simulated", "550 5.7.1", false},
      {"smtp-450-4.2.1", 503, "simulated", "450 4.2.1", false},
      {"smtp-451-4.3.0", 503, "simulated", "451 4.3.0", false},
      {"smtp-421-4.3.2", 503, "simulated", "421 4.3.2", false},
      {"smtp-450-4.7.1", 429, "simulated", "450 4.7.1", true},
      {"smtp-452-4.3.1", 507, "simulated", "452 4.3.1", false},
      {"rate_limited", 429, "rate_limited", "simulated: too many messages a second", true},
      {"quota_exceeded", 429, "quota_exceeded", "simulated: the quota is used up", true},
      {"storage_full", 507, "storage_full", "simulated: ", false},
  };
  for (const Case& c : cases) {
    Doors doors;
    doors.use_key(Environment::Test);
    const std::string to = std::string(c.local_part) + "@simulator.postern.test";
    const std::string body = R"({"from": "a@example.org", "to": ")" + to + R"(", "subject": "x", "text": "x"})";
    const ApiResponse refused = doors.send(body);
    EXPECT_EQ(refused.status, c.status) << c.local_part;
    EXPECT_EQ(text_of(body_of(refused), "name"), c.name) << c.local_part;
    EXPECT_THAT(text_of(body_of(refused), "message"), HasSubstr(c.message)) << c.local_part;
    const auto has_wait = std::ranges::any_of(refused.headers, [](const auto& field) { return field.first == "Retry-After"; });
    EXPECT_EQ(has_wait, c.says_when) << c.local_part;

    const json::object explained = body_of(doors.post("/v1/explain", body.substr(0, body.find(", \"subject")) + "}"));
    const json::object& row = explained.at("recipients").as_array()[0].as_object();
    EXPECT_EQ(row.at("statusCode"), c.status) << c.local_part;
    EXPECT_EQ(text_of(row, "name"), c.name) << c.local_part;
    EXPECT_THAT(text_of(row, "rule"), Not(HasSubstr("syntax"))) << c.local_part;
  }
}

TEST(SendEmail, MarksAUtf8AddressForSmtputf8) {
  Doors doors;
  const std::string plain = send(doors);
  const std::string utf8 = send(doors, R"({"from": "a@example.org", "to": "用户@example.net", "subject": "x", "text": "x"})");
  const auto parameters = [&](const std::string& id) {
    return doors.store.spool().find(parse_message_id(id).value()).value()->message.envelope.parameters;
  };
  EXPECT_FALSE(parameters(plain).smtputf8);
  EXPECT_TRUE(parameters(utf8).smtputf8);
  EXPECT_EQ(parameters(utf8).body, BodyType::EightBitMime);
}

TEST(SendEmail, BringsABigMessageThrough) {
  Doors doors;
  const std::string text(3'000'000, 'x');
  const std::string id =
      send(doors, R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": ")" + text + "\"}");
  const ApiResponse shown = doors.get("/v1/emails/:id", id);
  EXPECT_TRUE(text_of(body_of(shown), "text").starts_with(text));
}

TEST(GetEmail, ShowsResendsShape) {
  Doors doors;
  const std::string id = send(doors);
  const json::object body = body_of(doors.get("/v1/emails/:id", id));
  EXPECT_EQ(text_of(body, "object"), "email");
  EXPECT_EQ(text_of(body, "id"), id);
  EXPECT_EQ(text_of(body, "from"), "Shop <a@example.org>");
  EXPECT_EQ(text_of(body, "subject"), "Grüße");
  EXPECT_EQ(text_of(body, "html"), "<p>Hello</p>");
  EXPECT_EQ(text_of(body, "text"), "Hello");
  EXPECT_EQ(text_of(body, "last_event"), "queued");
  EXPECT_EQ(text_of(body, "message_id"), "<" + id + "@relay.example>");
  EXPECT_EQ(body.at("to"), json::array({"b@example.net"}));
  EXPECT_EQ(body.at("tags"), json::array({json::object({{"name", "kind"}, {"value", "welcome"}})}));
}

TEST(GetEmail, ShowsAMessageFromSmtpToo) {
  Doors doors;
  const std::string replies = doors.smtp_message("a@example.org", "b@example.net",
                                                 "From: =?utf-8?q?J=C3=BCrgen?= <a@example.org>\r\nSubject: "
                                                 "=?utf-8?q?Gr=C3=BC?=\r\n\t=?utf-8?b?w58=?= =?utf-8?b?ZQ==?=\r\n\r\nx");
  const std::string id = replies.substr(replies.find("queued as ") + 10, 26);
  const json::object body = body_of(doors.get("/v1/emails/:id", id));
  EXPECT_EQ(text_of(body, "from"), "Jürgen <a@example.org>");
  EXPECT_EQ(text_of(body, "subject"), "Grüße");
  const json::object list = body_of(doors.get("/v1/emails"));
  const json::object& item = list.at("data").as_array()[0].as_object();
  EXPECT_EQ(item.at("to"), json::array({"b@example.net"}));
  EXPECT_EQ(text_of(item, "from"), "Jürgen <a@example.org>");
  EXPECT_EQ(text_of(item, "subject"), "Grüße");
  const json::object events = body_of(doors.get("/v1/emails/:id/events", id));
  const json::object& data = events.at("data").as_array()[0].as_object().at("data").as_object();
  EXPECT_EQ(text_of(data, "from"), "Jürgen <a@example.org>") << "webhooks get the same";
  EXPECT_EQ(text_of(data, "subject"), "Grüße");
}

TEST(GetEmail, ShowsNothingOfAnotherAccount) {
  Doors doors;
  const std::string id = send(doors);
  doors.use_account(AccountMode::Production);
  doors.use_key(Environment::Live);
  for (const char* path : {"/v1/emails/:id", "/v1/emails/:id/raw", "/v1/emails/:id/events", "/v1/emails/:id/attachments",
                           "/v1/emails/:id/attachments/:attachment_id", "/v1/emails/:id/attachments/:attachment_id/content"}) {
    EXPECT_EQ(doors.get(path, id, {}, "0").status, 404) << path;
    EXPECT_EQ(doors.get(path, "00000000-0000-0000-0000-000000000000", {}, "0").status, 404) << path;
  }
  EXPECT_EQ(doors.cancel(id).status, 404);
  EXPECT_TRUE(body_of(doors.get("/v1/emails")).at("data").as_array().empty());
}

TEST(GetEmail, HandsOutContentAndAttachments) {
  Doors doors;
  const std::string id = send(doors);
  const ApiResponse raw = doors.get("/v1/emails/:id/raw", id);
  EXPECT_EQ(raw.content_type, "message/rfc822");
  EXPECT_TRUE(raw.body.starts_with("Received: ")) << raw.body;
  const json::object list = body_of(doors.get("/v1/emails/:id/attachments", id));
  ASSERT_EQ(list.at("data").as_array().size(), 1U);
  const json::object item = list.at("data").as_array()[0].as_object();
  EXPECT_EQ(text_of(item, "filename"), "a.txt");
  EXPECT_EQ(text_of(item, "download_url"), "http://relay.example/v1/emails/" + id + "/attachments/0/content");
  const ApiResponse content = doors.get("/v1/emails/:id/attachments/:attachment_id/content", id, {}, "0");
  EXPECT_EQ(content.body, std::string("\0\1\2", 3));
  EXPECT_EQ(content.content_type, "application/octet-stream");
  EXPECT_EQ(doors.get("/v1/emails/:id/attachments/:attachment_id", id, {}, "1").status, 404);
}

TEST(ListEmails, PagesBothWays) {
  Doors doors;
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.insert(ids.begin(), send(doors));
    doors.clock.advance(std::chrono::seconds(1));
  }
  const auto page = [&](Doors::Headers query) {
    const json::object body = body_of(doors.get("/v1/emails", {}, std::move(query)));
    std::vector<std::string> found;
    for (const json::value& row : body.at("data").as_array()) found.push_back(text_of(row.as_object(), "id"));
    found.emplace_back(body.at("has_more").as_bool() ? "more" : "end");
    return found;
  };
  EXPECT_THAT(page({{"limit", "2"}}), ElementsAre(ids[0], ids[1], "more"));
  EXPECT_THAT(page({{"limit", "2"}, {"after", ids[1]}}), ElementsAre(ids[2], ids[3], "more"));
  EXPECT_THAT(page({{"limit", "2"}, {"after", ids[3]}}), ElementsAre(ids[4], "end"));
  EXPECT_THAT(page({{"limit", "2"}, {"before", ids[3]}}), ElementsAre(ids[1], ids[2], "more"));
  EXPECT_THAT(page({{"before", ids[2]}}), ElementsAre(ids[0], ids[1], "end"));
  for (const Doors::Headers& wrong :
       {Doors::Headers{{"limit", "0"}}, Doors::Headers{{"limit", "101"}}, Doors::Headers{{"limit", "x"}},
        Doors::Headers{{"after", "x"}}, Doors::Headers{{"after", ids[0]}, {"before", ids[1]}}}) {
    EXPECT_EQ(doors.get("/v1/emails", {}, wrong).status, 422) << wrong[0].second;
  }
}

// Live messages of the doors' account, in a few commits.
void fill_with_live_messages(Doors& doors, std::size_t count) {
  std::vector<test::Waiter> waiters(count);
  for (test::Waiter& waiter : waiters) {
    const Instant now = doors.clock.now();
    test::Draft draft = test::make_draft(make_message_id(now, doors.random), now, {"example.net"});
    draft.message.account = doors.account;
    auto writer = doors.store.spool().open_message(draft.message.id);
    writer->append("x");
    doors.store.spool().commit(std::move(writer), draft.new_message(), waiter.completion());
  }
  for (test::Waiter& waiter : waiters) ASSERT_TRUE(waiter.get());
}

TEST(ListEmails, SaysWhereToGoOnWhereATestKeysMessagesAreFarApart) {
  Doors doors;
  doors.use_key(Environment::Test);
  const std::string oldest = send(doors);
  doors.clock.advance(std::chrono::seconds(1));
  fill_with_live_messages(doors, kMaxListReads + 200);
  const json::object first = body_of(doors.get("/v1/emails", {}, {{"limit", "5"}}));
  EXPECT_TRUE(first.at("data").as_array().empty());
  EXPECT_TRUE(first.at("has_more").as_bool());
  const json::object second = body_of(doors.get("/v1/emails", {}, {{"limit", "5"}, {"after", text_of(first, "next")}}));
  ASSERT_EQ(second.at("data").as_array().size(), 1U);
  EXPECT_EQ(text_of(second.at("data").as_array()[0].as_object(), "id"), oldest);
  EXPECT_FALSE(second.at("has_more").as_bool());
  EXPECT_TRUE(second.at("next").is_null());
}

TEST(ListEmails, ShowsWhatFitsItsFilters) {
  Doors doors;
  const std::string live = send(doors);
  doors.use_key(Environment::Test);
  doors.clock.advance(std::chrono::seconds(1));
  const std::string tagged = send(doors, R"({"from": "Shop <Shop@example.org>", "to": "ann@example.net", "cc": "Bob@example.net",
    "subject": "Your Order 17", "text": "x", "run": "ci-1", "tags": [{"name": "kind", "value": "order"}]})");
  doors.clock.advance(std::chrono::seconds(1));
  const std::string replies =
      doors.smtp_message("a@example.org", "ann@example.net", "From: A <author@example.org>\r\nSubject: x\r\n\r\nx");
  const std::string by_smtp = replies.substr(replies.find("queued as ") + 10, 26);
  doors.is_signed_in_user = true;  // sees both environments
  using Query = Doors::Headers;
  const auto ids = [&](const Query& query) {
    const ApiResponse response = doors.get("/v1/emails", {}, query);
    EXPECT_EQ(response.status, 200) << response.body;
    std::vector<std::string> found;
    const json::object body = body_of(response);
    for (const json::value& item : body.at("data").as_array()) found.push_back(text_of(item.as_object(), "id"));
    return found;
  };
  const auto is_empty = ::testing::IsEmpty();
  EXPECT_THAT(ids({}), ElementsAre(by_smtp, tagged, live));
  EXPECT_THAT(ids({{"environment", "test"}}), ElementsAre(by_smtp, tagged));
  EXPECT_THAT(ids({{"environment", "live"}}), ElementsAre(live));
  EXPECT_THAT(ids({{"to", "ANN@Example.net"}}), ElementsAre(by_smtp, tagged));
  EXPECT_THAT(ids({{"to", "bob@example.net"}}), ElementsAre(tagged));
  EXPECT_THAT(ids({{"to", "d@example.net"}}), ElementsAre(live)) << "Bcc is a recipient too";
  EXPECT_THAT(ids({{"from", "shop@example.org"}}), ElementsAre(tagged));
  EXPECT_THAT(ids({{"from", "author@example.org"}}), ElementsAre(by_smtp));
  EXPECT_THAT(ids({{"subject", "order"}}), ElementsAre(tagged));
  EXPECT_THAT(ids({{"subject", "Grüße"}}), ElementsAre(live));
  EXPECT_THAT(ids({{"tag", "kind"}}), ElementsAre(tagged, live));
  EXPECT_THAT(ids({{"tag", "kind:order"}}), ElementsAre(tagged));
  EXPECT_THAT(ids({{"tag", "kind:"}}), is_empty);
  EXPECT_THAT(ids({{"run", "ci-1"}}), ElementsAre(tagged));
  EXPECT_THAT(ids({{"run", "app"}}), ElementsAre(by_smtp)) << "the user name of AUTH";
  EXPECT_THAT(ids({{"status", "queued"}, {"to", "bob@example.net"}}), ElementsAre(tagged));
  EXPECT_THAT(ids({{"status", "delivered"}}), is_empty);
  EXPECT_THAT(ids({{"run", "ci-1"}, {"environment", "live"}}), is_empty);
  EXPECT_THAT(ids({{"message_id", "<" + live + "@relay.example>"}}), ElementsAre(live));
  EXPECT_THAT(ids({{"message_id", tagged + "@relay.example"}}), ElementsAre(tagged));
  const std::string own = doors.smtp_message("a@example.org", "ann@example.net", "Message-ID: <own@example.org>\r\n\r\nx");
  EXPECT_THAT(ids({{"message_id", "own@example.org"}}), ElementsAre(own.substr(own.find("queued as ") + 10, 26)));
  EXPECT_THAT(ids({{"message_id", "none@example.org"}}), is_empty);
  const MessageId own_id = parse_message_id(own.substr(own.find("queued as ") + 10, 26)).value();
  ASSERT_EQ(doors.cancel(format_message_id(own_id)).status, 200);
  ASSERT_TRUE(doors.store.spool().remove_expired(doors.clock.now() + std::chrono::days(4), 100)) << "the content of test mail";
  EXPECT_FALSE(doors.store.spool().read_chunk(own_id, 0));
  EXPECT_EQ(ids({{"message_id", "<own@example.org>"}}).size(), 1U);
  EXPECT_EQ(text_of(body_of(doors.get("/v1/emails/:id", format_message_id(own_id))), "message_id"), "<own@example.org>");
  for (const Query& query :
       {Query{{"to", "ann"}}, Query{{"from", ""}}, Query{{"status", "done"}}, Query{{"environment", "both"}}}) {
    const ApiResponse refused = doors.get("/v1/emails", {}, query);
    EXPECT_EQ(refused.status, 422);
    EXPECT_THAT(text_of(body_of(refused), "message"), HasSubstr(query[0].first));
  }
  EXPECT_EQ(body_of(doors.get("/v1/emails/:id", tagged)).at("run"), "ci-1");
  EXPECT_TRUE(body_of(doors.get("/v1/emails/:id", live)).at("run").is_null());
}

TEST(SendEmail, NamesTheEnvelopeAsSmtpCan) {
  Doors doors;
  const auto stored = [&](const char* fields) {
    const std::string id =
        send(doors, R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "x")" + std::string(fields) + "}");
    return doors.store.spool().find(parse_message_id(id).value()).value()->message;
  };
  EXPECT_EQ(format_path(stored("").envelope.reverse_path), "<a@example.org>");
  EXPECT_EQ(format_path(stored(R"(, "sender": "Desk <desk@example.org>")").envelope.reverse_path), "<desk@example.org>");
  EXPECT_EQ(format_path(stored(R"(, "return_path": "bounces@example.org", "sender": "desk@example.org")").envelope.reverse_path),
            "<bounces@example.org>");
  EXPECT_EQ(format_path(stored(R"(, "return_path": "")").envelope.reverse_path), "<>");
  EXPECT_FALSE(stored("").envelope.recipients[0].notify.is_given);
  EXPECT_TRUE(stored(R"(, "notify": "never")").envelope.recipients[0].notify.never);
  const Notify some = stored(R"(, "notify": ["success", "delay"])").envelope.recipients[0].notify;
  EXPECT_EQ(some, (Notify{.is_given = true, .success = true, .delay = true}));
  const store::MessageRecord with_sender = stored(R"(, "sender": "Desk <desk@example.org>")");
  EXPECT_THAT(test::read_content(doors.store.spool(), with_sender), HasSubstr("\r\nSender: Desk <desk@example.org>\r\n"));
  for (const char* wrong : {R"(, "return_path": "x")", R"(, "sender": "x")", R"(, "notify": "always")",
                            R"(, "notify": ["never", "delay"])", R"(, "notify": [])", R"(, "run": 1)"}) {
    EXPECT_EQ(
        doors.send(R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "x")" + std::string(wrong) + "}")
            .status,
        422)
        << wrong;
  }
}

TEST(CancelEmail, WorksWhileItIsQueued) {
  Doors doors;
  const std::string id = send(doors);
  const ApiResponse cancelled = doors.cancel(id);
  EXPECT_EQ(cancelled.status, 200) << cancelled.body;
  EXPECT_EQ(text_of(body_of(cancelled), "id"), id);
  EXPECT_EQ(text_of(body_of(doors.get("/v1/emails/:id", id)), "last_event"), "canceled");
  EXPECT_EQ(doors.cancel(id).status, 409);
  const json::object events = body_of(doors.get("/v1/emails/:id/events", id));
  EXPECT_EQ(events.at("data").as_array().size(), 3U) << "sent, and cancelled for each recipient";
}

TEST(EmailEvents, AreReadOnAWorker) {
  Doors doors;
  const std::string id = send(doors);
  doors.workers.stop();
  EXPECT_EQ(doors.get("/v1/emails/:id/events", id).status, 503) << "there may be very many of them";
}

TEST(SendBatch, SendsAllOrNothingUnlessToldOtherwise) {
  Doors doors;
  const std::string good = R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "x"})";
  const std::string bad = R"({"from": "a@example.org", "to": "b@unrouted.example", "subject": "x", "text": "x"})";
  const std::string wrong = R"({"from": "a@example.org", "subject": "x", "text": "x"})";
  const auto count = [&] { return doors.store.spool().usage().value().messages; };
  const ApiResponse all = doors.post("/v1/emails/batch", '[' + good + ',' + good + ']');
  EXPECT_EQ(body_of(all).at("data").as_array().size(), 2U);
  EXPECT_EQ(count(), 2U);
  for (const std::string& other : {bad, wrong}) {
    const ApiResponse none = doors.post("/v1/emails/batch", '[' + good + ',' + other + ']');
    EXPECT_EQ(none.status, 422);
    EXPECT_THAT(text_of(body_of(none), "message"), ::testing::StartsWith("[1]: "));
    EXPECT_EQ(count(), 2U);
  }
  const ApiResponse some =
      doors.post("/v1/emails/batch", '[' + bad + ',' + good + ',' + wrong + ']', {{"x-batch-validation", "permissive"}});
  EXPECT_EQ(some.status, 200);
  EXPECT_EQ(body_of(some).at("data").as_array().size(), 1U);
  const json::object body = body_of(some);
  ASSERT_EQ(body.at("errors").as_array().size(), 2U);
  EXPECT_EQ(body.at("errors").as_array()[0].as_object().at("index").to_number<int>(), 0);
  EXPECT_EQ(body.at("errors").as_array()[1].as_object().at("index").to_number<int>(), 2);
  EXPECT_EQ(count(), 3U);
}

constexpr const char* kOneEmail = R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "x"})";

std::string batch_of(std::size_t count) {
  std::string batch;
  for (std::size_t i = 0; i < count; ++i) batch += (i == 0 ? "[" : ",") + std::string(kOneEmail);
  return batch + ']';
}

TEST(SendBatch, GivesBackTheQuotaOfWhatItDidNotSend) {
  Doors doors;
  doors.use_account(AccountMode::Production, {"small", {}, 2, {}});
  doors.use_key(Environment::Live);
  const ApiResponse refused = doors.post("/v1/emails/batch", batch_of(3), {{"x-batch-validation", "strict"}});
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(text_of(body_of(refused), "name"), "quota_exceeded");
  EXPECT_THAT(text_of(body_of(refused), "message"), ::testing::StartsWith("[2]: "));
  EXPECT_EQ(doors.store.spool().usage().value().messages, 0U);
  EXPECT_EQ(doors.post("/v1/emails/batch", batch_of(2)).status, 200) << "the whole day's quota is there";
}

TEST(SendBatch, SendsWhatTheQuotaLeavesWhereItIsPermissive) {
  Doors doors;
  doors.use_account(AccountMode::Production, {"small", {}, 2, {}});
  doors.use_key(Environment::Live);
  const json::object body = body_of(doors.post("/v1/emails/batch", batch_of(3), {{"x-batch-validation", "permissive"}}));
  EXPECT_EQ(body.at("data").as_array().size(), 2U);
  ASSERT_EQ(body.at("errors").as_array().size(), 1U);
  EXPECT_EQ(body.at("errors").as_array()[0].as_object().at("index").to_number<int>(), 2);
  EXPECT_THAT(text_of(body.at("errors").as_array()[0].as_object(), "message"), HasSubstr("quota"));
}

TEST(SendBatch, IsRefusedWholeWhereNoneOfItMayGo) {
  Doors doors;
  doors.use_account(AccountMode::Production, {"none", 0, {}, {}});
  doors.use_key(Environment::Live);
  for (const char* validation : {"strict", "permissive"}) {
    EXPECT_EQ(doors.post("/v1/emails/batch", batch_of(2), {{"x-batch-validation", validation}}).status, 429) << validation;
  }
}

// Whatever is wrong with the first, or with all of them: a batch was asked for.
TEST(SendBatch, IsChargedOnceBeforeAnythingIsLookedAt) {
  const std::string wrong = R"({"from": "a@example.org", "subject": "x", "text": "x"})";
  const std::string foreign = R"({"from": "a@other.example", "to": "b@example.net", "subject": "x", "text": "x"})";
  for (const std::string& first : {wrong, foreign}) {
    for (const char* validation : {"strict", "permissive"}) {
      Doors doors;
      doors.use_account(AccountMode::Production, {"small", 1, {}, {}});
      auth::NewKey wanted;
      wanted.from_domains = {"example.org"};
      doors.use_key(Environment::Live, wanted);
      const std::string batch = '[' + first + ',' + kOneEmail + ',' + kOneEmail + ']';
      EXPECT_NE(doors.post("/v1/emails/batch", batch, {{"x-batch-validation", validation}}).status, 429);
      for (int second = 0; second < 2; ++second) {
        EXPECT_EQ(doors.post("/v1/emails/batch", batch, {{"x-batch-validation", validation}}).status, 429) << first << validation;
        doors.clock.advance(std::chrono::seconds(1));
      }
      doors.clock.advance(std::chrono::seconds(1));
      EXPECT_NE(doors.post("/v1/emails/batch", batch, {{"x-batch-validation", validation}}).status, 429) << "three seconds later";
    }
  }
}

TEST(SendBatch, KnowsTwoKindsOfValidation) {
  Doors doors;
  for (const char* validation : {"Permissive", "lenient"}) {
    const ApiResponse refused = doors.post("/v1/emails/batch", batch_of(1), {{"x-batch-validation", validation}});
    EXPECT_EQ(refused.status, 422) << validation;
    EXPECT_THAT(text_of(body_of(refused), "message"), ::testing::StartsWith("x-batch-validation: "));
  }
  EXPECT_EQ(doors.store.spool().usage().value().messages, 0U);
}

TEST(SendBatch, HoldsItsLimits) {
  Doors doors;
  EXPECT_EQ(doors.post("/v1/emails/batch", "[]").status, 422);
  EXPECT_EQ(doors.post("/v1/emails/batch", "{}").status, 422);
  std::string many = "[";
  for (std::size_t i = 0; i <= 100; ++i) many += (i > 0 ? ",1" : "1");
  const ApiResponse response = doors.post("/v1/emails/batch", many + "]");
  EXPECT_EQ(text_of(body_of(response), "name"), "limit_exceeded");
  EXPECT_EQ(doors.post("/v1/emails/batch", '[' + std::string(kEmail) + ']').status, 422) << "attachments";
}

TEST(Explain, TakesNothing) {
  Doors doors;
  doors.use_account(AccountMode::Production, {"small", 1, 1, {}});
  doors.use_key(Environment::Live);
  for (int i = 0; i < 3; ++i) {
    const json::object body =
        body_of(doors.post("/v1/explain", R"({"from": "a@example.org", "to": ["b@example.net", "c@example.net"]})"));
    const json::array& rows = body.at("recipients").as_array();
    EXPECT_EQ(text_of(rows[0].as_object(), "verdict"), "relay") << i;
    EXPECT_EQ(text_of(rows[1].as_object(), "name"), "quota_exceeded") << "the second recipient would be one too many";
  }
  EXPECT_EQ(doors.store.spool().usage().value().messages, 0U);
  EXPECT_EQ(doors.send(R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "x"})").status, 200);
}

TEST(Explain, SaysWhichRuleDecides) {
  Doors doors;
  doors.use_key(Environment::Test);
  const json::object body = body_of(
      doors.post("/v1/explain", R"({"from": "a@example.org", "to": ["b@example.net", "rejected@simulator.postern.test"]})"));
  const json::array& rows = body.at("recipients").as_array();
  EXPECT_EQ(text_of(rows[0].as_object(), "verdict"), "simulate");
  EXPECT_FALSE(text_of(rows[0].as_object(), "rule").empty());
  EXPECT_EQ(text_of(rows[1].as_object(), "verdict"), "refuse");
  EXPECT_EQ(rows[1].as_object().at("smtp").as_object().at("code").as_int64(), 550);
  EXPECT_FALSE(rows[0].as_object().contains("route"));
}

TEST(Explain, SaysWhatTheQueueWillMakeOfIt) {
  Doors doors;
  ASSERT_TRUE(relay::suppress(doors.store.directory(), doors.account, "gone@example.net", doors.clock.now()));
  const json::object body = body_of(doors.post(
      "/v1/explain", R"({"from": "a@example.org", "to": ["b@example.net", "Gone@example.net", "c@nowhere.example"]})"));
  const json::array& rows = body.at("recipients").as_array();
  const auto smtp = [&](std::size_t i) { return text_of(rows[i].as_object().at("smtp").as_object(), "text"); };
  EXPECT_EQ(text_of(rows[0].as_object(), "verdict"), "relay");
  EXPECT_EQ(text_of(rows[0].as_object().at("route").as_object(), "name"), "all");
  EXPECT_EQ(text_of(rows[0].as_object().at("route").as_object(), "tls"), "opportunistic");
  EXPECT_EQ(smtp(0), "Recipient accepted") << "as RCPT is answered";
  EXPECT_EQ(text_of(rows[1].as_object(), "verdict"), "suppress");
  EXPECT_THAT(text_of(rows[1].as_object(), "rule"), HasSubstr("suppression list"));
  EXPECT_EQ(smtp(1), "Recipient accepted") << "it is, and then not sent to";
  EXPECT_EQ(text_of(rows[2].as_object(), "name"), "no_route");
  EXPECT_FALSE(rows[2].as_object().contains("route"));
}

}  // namespace
}  // namespace postern::api
