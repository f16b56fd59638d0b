// Events in pages and as a stream.
#include "api/event_stream.h"
#include "events/event_ids.h"
#include "events/event_json.h"
#include "tests/support/api_fixture.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

namespace postern::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class EventApi : public ::testing::Test {
 protected:
  MessageId accept(const AccountId& account) {
    test::Draft draft =
        test::make_draft(make_message_id(api_.clock.now() + Duration{++made_}, api_.random), api_.clock.now(), {"live.example"});
    draft.message.account = account;
    draft.message.summary.subject = subject_;
    if (!from_.empty()) draft.message.envelope.reverse_path = parse_mailbox(from_).value();
    if (!from_.empty()) draft.message.summary.from = from_;
    for (Event& event : draft.events) event.account = account;
    const MessageId id = draft.message.id;
    EXPECT_TRUE(test::commit_draft(api_.store.spool(), std::move(draft), "Subject: hello\r\n\r\n"));
    return id;
  }
  void record(const AccountId& account, const MessageId& message, EventType type, std::string recipient = {}) {
    Event event;
    event.recipient = std::move(recipient);
    event.at = api_.clock.now();
    event.type = type;
    event.account = account;
    event.message = message;
    test::Waiter waiter;
    api_.store.spool().record_event(event, waiter.completion());
    ASSERT_TRUE(waiter.get());
  }
  std::vector<std::string> ids(const test::ApiAnswer& page) {
    std::vector<std::string> found;
    for (const auto& item : page.body.at("data").as_array()) found.emplace_back(item.at("id").as_string());
    return found;
  }

  test::ApiFixture api_{event_api()};
  int made_ = 0;
  std::string subject_;
  std::string from_;
};

TEST_F(EventApi, PagesGoFromTheNewestToTheOldestAndBack) {
  for (int i = 0; i < 5; ++i) accept(api_.account);
  const auto first = api_.ask("GET /v1/events?limit=2");
  EXPECT_THAT(ids(first), ElementsAre("evt_5", "evt_4"));
  EXPECT_TRUE(first.body.at("has_more").as_bool());
  EXPECT_THAT(first.text("next"), ::testing::StartsWith("cur_"));
  EXPECT_THAT(ids(api_.ask("GET /v1/events?limit=2&after=" + first.text("next"))), ElementsAre("evt_3", "evt_2"));
  EXPECT_THAT(ids(api_.ask("GET /v1/events?limit=2&after=evt_4")), ElementsAre("evt_3", "evt_2")) << "as it was before";
  const auto last = api_.ask("GET /v1/events?limit=2&after=evt_2");
  EXPECT_THAT(ids(last), ElementsAre("evt_1"));
  EXPECT_FALSE(last.body.at("has_more").as_bool());
  EXPECT_TRUE(last.body.at("next").is_null());
  EXPECT_THAT(ids(api_.ask("GET /v1/events?limit=2&before=evt_1")), ElementsAre("evt_3", "evt_2")) << "the ones next to it";
}

TEST_F(EventApi, FiltersByTypeAndMessage) {
  const MessageId first = accept(api_.account);
  const MessageId second = accept(api_.account);
  record(api_.account, second, EventType::RecipientDeferred);
  record(api_.account, second, EventType::RecipientDelivered);
  EXPECT_THAT(ids(api_.ask("GET /v1/events?type=email.delivered,email.delivery_delayed")), ElementsAre("evt_4", "evt_3"));
  EXPECT_THAT(ids(api_.ask("GET /v1/events?type=email.sent&type=email.delivered")), ElementsAre("evt_4", "evt_2", "evt_1"));
  EXPECT_THAT(ids(api_.ask("GET /v1/events?email_id=" + format_message_id(first))), ElementsAre("evt_1"));
  EXPECT_THAT(ids(api_.ask("GET /v1/events?limit=1&after=evt_4&email_id=" + format_message_id(second))), ElementsAre("evt_3"));
}

TEST_F(EventApi, AnAccountSeesItsOwnOnly) {
  const AccountId another = api_.make_account("another");
  const MessageId foreign = accept(another);
  accept(api_.account);
  EXPECT_THAT(ids(api_.ask("GET /v1/events")), ElementsAre("evt_2"));
  EXPECT_THAT(ids(api_.ask("GET /v1/events?email_id=" + format_message_id(foreign))), IsEmpty());
}

TEST_F(EventApi, ATestKeySeesWhatTestKeysDid) {
  accept(api_.account);
  test::Draft draft =
      test::make_draft(make_message_id(api_.clock.now(), api_.random), api_.clock.now(), {"live.example"}, Environment::Test);
  draft.message.account = draft.events[0].account = api_.account;
  ASSERT_TRUE(test::commit_draft(api_.store.spool(), std::move(draft), "x"));
  const Caller test_key = api_.caller_of(api_.make_key(Environment::Test).record.id);
  EXPECT_THAT(ids(api_.ask("GET /v1/events", test_key)), ElementsAre("evt_2"));
  EXPECT_THAT(ids(api_.ask("GET /v1/events")), ElementsAre("evt_2", "evt_1"));
}

// Its own mail, on an installation that has much of others'.
TEST_F(EventApi, IdsSayNothingOfTheInstallationAndServeTheirOwnAccountOnly) {
  api_.context.event_ids = events::EventIds(api_.store.spool().event_id_key(api_.random).value());
  for (int i = 0; i < 20; ++i) accept(api_.make_account("other " + std::to_string(i)));
  for (int i = 0; i < 3; ++i) accept(api_.account);
  const auto page = api_.ask("GET /v1/events?limit=2");
  const auto seen = ids(page);
  ASSERT_EQ(seen.size(), 2U);
  for (const std::string& id : seen) EXPECT_THAT(id, ::testing::MatchesRegex("evt_[0-9a-z]{26}"));
  EXPECT_FALSE(page.body.at("data").at(0).as_object().contains("sequence"));
  EXPECT_EQ(ids(api_.ask("GET /v1/events?after=" + page.text("next"))).size(), 1U);
  EXPECT_EQ(ids(api_.ask("GET /v1/events?after=" + seen[1])).size(), 1U);
  EXPECT_EQ(ids(api_.ask("GET /v1/events?before=" + seen[1])), std::vector{seen[0]});
  for (const std::string_view guess : {"evt_1", "evt_22", "22", "evt_00000000000000000000000000", "evt_"}) {
    EXPECT_EQ(api_.ask("GET /v1/events?after=" + std::string(guess)).status, 422) << guess;
  }
  Caller stranger = api_.caller;
  stranger.account = api_.make_account("stranger");
  EXPECT_EQ(api_.ask("GET /v1/events?after=" + seen[0], stranger).status, 422);
  EXPECT_EQ(api_.store.spool().event_id_key(api_.random).value(), api_.store.spool().event_id_key(api_.random).value());
}

// A store of before there were such ids: a client that stored one goes on where it was.
TEST_F(EventApi, TheNumbersThatWereGivenOutAreStillRead) {
  for (int i = 0; i < 3; ++i) accept(api_.account);
  const store::EventIdKey key = api_.store.spool().event_id_key(api_.random).value();
  EXPECT_EQ(key.last_numbered, 3U);
  api_.context.event_ids = events::EventIds(key);
  for (int i = 0; i < 2; ++i) accept(api_.account);
  EXPECT_EQ(ids(api_.ask("GET /v1/events?before=evt_2")).size(), 3U);
  EXPECT_EQ(api_.ask("GET /v1/events?before=evt_4").status, 422);
}

TEST_F(EventApi, FiltersByEnvironment) {
  accept(api_.account);
  EXPECT_EQ(ids(api_.ask("GET /v1/events?environment=live")).size(), 1U);
  EXPECT_EQ(ids(api_.ask("GET /v1/events?environment=test")).size(), 0U);
  EXPECT_EQ(api_.ask("GET /v1/events?environment=both").status, 422);
  const Caller test_key = api_.caller_of(api_.make_key(Environment::Test).record.id);
  EXPECT_EQ(api_.ask("GET /v1/events?environment=live", test_key).status, 422);
}

TEST_F(EventApi, FiltersByWhatTheMessageIs) {
  test::Draft draft =
      test::make_draft(make_message_id(api_.clock.now(), api_.random), api_.clock.now(), {"ann.example", "bob.example"},
                       Environment::Test);
  draft.message.account = draft.events[0].account = api_.account;
  draft.message.user_name = "ci-1";
  draft.message.summary = {.from = "Shop <shop@example.org>", .subject = "Order 17", .to = {}, .cc = {}, .bcc = {},
                           .reply_to = {}, .tags = {{"kind", "order"}}, .message_id = "17@example.org"};
  const MessageId id = draft.message.id;
  ASSERT_TRUE(test::commit_draft(api_.store.spool(), std::move(draft), "x"));
  accept(api_.account);
  record(api_.account, id, EventType::RecipientDelivered, "to@ann.example");
  record(api_.account, id, EventType::RecipientBounced, "to@bob.example");
  for (const char* query : {"run=ci-1", "from=SHOP@example.org", "subject=order", "tag=kind", "tag=kind:order",
                            "message_id=<17@example.org>", "run=ci-1&tag=kind"}) {
    EXPECT_THAT(ids(api_.ask("GET /v1/events?" + std::string(query))), ElementsAre("evt_4", "evt_3", "evt_1")) << query;
  }
  EXPECT_THAT(ids(api_.ask("GET /v1/events?to=TO@bob.example")), ElementsAre("evt_4", "evt_1"));
  EXPECT_THAT(ids(api_.ask("GET /v1/events?run=ci-1&to=to@ann.example&type=email.delivered")), ElementsAre("evt_3"));
  EXPECT_THAT(ids(api_.ask("GET /v1/events?run=ci-1&email_id=" + format_message_id(id) + "&limit=1")), ElementsAre("evt_4"));
  EXPECT_THAT(ids(api_.ask("GET /v1/events?run=ci-2")), IsEmpty());
  ASSERT_TRUE(api_.store.spool().remove_messages(std::array{id}));
  EXPECT_THAT(ids(api_.ask("GET /v1/events?to=to@bob.example")), ElementsAre("evt_4")) << "the event itself says whom it is about";
  EXPECT_THAT(ids(api_.ask("GET /v1/events?subject=order")), IsEmpty());
}

TEST_F(EventApi, AKeyOfSomeDomainsSeesTheirMailOnly) {
  auth::NewKey narrow;
  narrow.name = "narrow";
  narrow.permission = store::Permission::FullAccess;
  narrow.from_domains = {"own.example"};
  const Caller key = api_.caller_of(api_.make_key(narrow).record.id);
  from_ = "a@own.example";
  const MessageId own = accept(api_.account);
  from_ = "a@other.example";
  const MessageId other = accept(api_.account);
  const auto seen = api_.ask("GET /v1/events", key);
  ASSERT_EQ(ids(seen).size(), 1U);
  EXPECT_EQ(seen.body.at("data").at(0).at("data").at("email_id").as_string(), format_message_id(own));
  EXPECT_EQ(ids(api_.ask("GET /v1/events?email_id=" + format_message_id(other), key)).size(), 0U);
  EXPECT_EQ(ids(api_.ask("GET /v1/events?email_id=" + format_message_id(own), key)).size(), 1U);
  EXPECT_EQ(ids(api_.ask("GET /v1/events")).size(), 2U);
}

TEST_F(EventApi, WrongParametersAreNamed) {
  for (const std::string_view query : {"limit=0", "limit=101", "after=x", "before=evt_", "after=evt_1&before=evt_2",
                                       "type=email.opened", "type=", "email_id=42", "to=nobody", "from="}) {
    const auto answer = api_.ask("GET /v1/events?" + std::string(query));
    EXPECT_EQ(answer.status, 422) << query;
    EXPECT_EQ(answer.name(), "validation_error") << query;
  }
}

class EventStreaming : public EventApi {
 protected:
  EventStreaming() {
    tasks_.start(loop_.executor(), hub_.make_task());
  }
  ~EventStreaming() override {
    tasks_.stop_all();
    while (tasks_.count() > 0) loop_.context().run_one_for(std::chrono::milliseconds(50));
  }
  std::unique_ptr<EventStream> open(std::uint64_t after, EventFilter filter) {
    auto stream = std::make_unique<EventStream>(context_, hub_.open_stream(filter.account), filter, after, [this] {
      looked_on_ = std::this_thread::get_id();
      return is_allowed_.load();
    });
    EXPECT_THAT(*loop_.run(stream->next(std::chrono::seconds(0))), HasSubstr("retry:"));
    return stream;
  }
  std::string next(EventStream& stream) { return loop_.run(stream.next(std::chrono::seconds(120))).value_or("(end)"); }
  EventFilter own() const {
    EventFilter filter;
    filter.account = api_.account;
    return filter;
  }

  std::atomic<bool> is_allowed_{true};
  std::thread::id looked_on_;  // at the log, the last time
  test::CoroutineLoop loop_;
  net::asio::executor_work_guard<net::asio::io_context::executor_type> work_{loop_.context().get_executor()};
  events::EventHub hub_{loop_.executor(), [this] { return api_.store.spool().last_sequence(); }};
  net::TaskGroup tasks_;
  ApiContext context_{api_.make_context(nullptr, nullptr, nullptr, &hub_)};
};

TEST_F(EventStreaming, GivesWhatIsThereAboveItsPosition) {
  for (int i = 0; i < 3; ++i) accept(api_.account);
  const auto stream = open(1, own());
  const std::string piece = next(*stream);
  EXPECT_THAT(piece, Not(HasSubstr("id: evt_1\n")));
  EXPECT_THAT(piece, HasSubstr("id: evt_2\ndata: {\"object\":\"event\",\"id\":\"evt_2\""));
  EXPECT_THAT(piece, HasSubstr("id: evt_3\n"));
  EXPECT_THAT(piece, ::testing::EndsWith("\n\n"));
}

TEST_F(EventStreaming, WakesForWhatHappensNow) {
  const auto stream = open(0, own());
  const auto waiting = loop_.start(stream->next(std::chrono::seconds(120)));
  loop_.settle();
  EXPECT_FALSE(waiting->has_value());
  accept(api_.account);
  hub_.notify();
  EXPECT_THAT(loop_.wait(waiting).value(), HasSubstr("id: evt_1\n"));
}

TEST_F(EventStreaming, LeavesOutWhatIsNotWanted) {
  const AccountId another = api_.make_account("another");
  accept(another);
  const MessageId id = accept(api_.account);
  record(api_.account, id, EventType::RecipientDelivered);
  EventFilter filter = own();
  filter.types = {"email.delivered"};
  const auto stream = open(0, filter);
  const std::string piece = next(*stream);
  EXPECT_THAT(piece, HasSubstr("id: evt_3\n"));
  EXPECT_THAT(piece, Not(HasSubstr("email.sent")));
}

TEST_F(EventStreaming, LeavesOutMailThatIsNotWanted) {
  ApiRequest request;
  request.query = {{"subject", "wanted"}};
  EventFilter filter = own();
  filter.mail = EmailFilter::read(request).value();
  accept(api_.account);
  subject_ = "What is wanted";
  accept(api_.account);
  const auto stream = open(0, filter);
  EXPECT_THAT(next(*stream), ::testing::AllOf(HasSubstr("id: evt_2\n"), Not(HasSubstr("id: evt_1\n"))));
}

TEST_F(EventStreaming, ReadsPastWhatIsNotWantedAwayFromTheConnectionsThread) {
  for (int i = 0; i < 200; ++i) accept(api_.account);
  EventFilter filter = own();
  filter.types = {"email.complained"};
  const auto stream = open(0, filter);
  const auto waiting = loop_.start(stream->next(std::chrono::seconds(120)));
  bool has_gone_on = false;
  net::asio::post(loop_.context(), [&] { has_gone_on = true; });
  while (!has_gone_on) loop_.context().run_one();
  EXPECT_FALSE(waiting->has_value());
  stream->stop();
  EXPECT_EQ(loop_.wait(waiting), std::nullopt);
  EXPECT_NE(looked_on_, std::this_thread::get_id());
}

TEST_F(EventStreaming, GivesPiecesOfABoundedSize) {
  subject_.assign(store::kMaxSummaryOctets, 's');
  constexpr std::size_t kEvents = 200;
  for (std::size_t i = 0; i < kEvents; ++i) accept(api_.account);
  const auto stream = open(0, own());
  std::size_t seen = 0;
  std::size_t pieces = 0;
  for (; seen < kEvents; ++pieces) {
    const std::string piece = next(*stream);
    EXPECT_LT(piece.size(), 68U * 1024);
    for (std::size_t at = piece.find("\ndata: "); at != std::string::npos; at = piece.find("\ndata: ", at + 1)) ++seen;
  }
  EXPECT_EQ(seen, kEvents);
  EXPECT_GT(pieces, 3U);
}

TEST_F(EventStreaming, IsWokenWhereItsReaderMayBeGone) {
  const auto stream = open(0, own());
  const auto waiting = loop_.start(stream->next(std::chrono::hours(1)));
  loop_.settle();
  stream->wake();
  EXPECT_EQ(loop_.wait(waiting), "");
}

TEST_F(EventStreaming, AHeadTakesNoStream) {
  std::vector<std::unique_ptr<events::EventHub::StreamTicket>> tickets;
  for (std::size_t i = 0; i < events::kMaxStreamsPerAccount; ++i) tickets.push_back(hub_.open_stream(api_.account));
  ApiRequest request;
  request.caller = api_.caller;
  const auto stream = [&] { return loop_.run(event_api().routes.back().handler(context_, request)); };
  EXPECT_EQ(stream().status, 503);
  request.is_head = true;
  EXPECT_EQ(stream().status, 200);
}

TEST_F(EventStreaming, EndsWhenItIsStopped) {
  const auto stream = open(0, own());
  stream->stop();
  EXPECT_EQ(next(*stream), "(end)");
}

TEST_F(EventStreaming, EndsWhenItsReaderMayReadNoMore) {
  const auto stream = open(0, own());
  is_allowed_ = false;
  accept(api_.account);
  EXPECT_EQ(next(*stream), "(end)");
}

TEST_F(EventStreaming, AnAccountsStreamsAreBounded) {
  std::vector<std::unique_ptr<events::EventHub::StreamTicket>> tickets;
  for (std::size_t i = 0; i < events::kMaxStreamsPerAccount; ++i) tickets.push_back(hub_.open_stream(api_.account));
  EXPECT_NE(tickets.back(), nullptr);
  EXPECT_EQ(hub_.open_stream(api_.account), nullptr);
  EXPECT_NE(hub_.open_stream(api_.make_account("another")), nullptr);
  tickets.pop_back();
  EXPECT_NE(hub_.open_stream(api_.account), nullptr);
}

}  // namespace
}  // namespace postern::api
