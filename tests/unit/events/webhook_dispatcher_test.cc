// The dispatcher over a real store, with a receiver that a test scripts and a clock that it moves.
#include "events/webhook_dispatcher.h"

#include "events/event_json.h"
#include "events/webhook_admin.h"
#include "events/webhook_backlog.h"
#include "events/webhook_retry.h"
#include "events/webhook_sender.h"
#include "tests/faults/disk_faults.h"
#include "tests/support/coroutine_loop.h"
#include "tests/support/temp_store.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace postern::events {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

struct Received {
  std::string url;
  std::string type;
  std::string email_id;
  std::string id;  // webhook-id
};

// Answers what a test says, at once or when it is let go.
class ScriptedClient final : public WebhookClient {
 public:
  explicit ScriptedClient(net::asio::io_context& io) : gate_(io, net::asio::steady_timer::time_point::max()) {}

  net::Awaitable<WebhookAnswer> post(WebhookRequest request) override {
    Received got;
    got.url = request.url;
    const auto body = boost::json::parse(request.body);
    got.type = body.at("type").as_string();
    if (const auto* id = body.at("data").as_object().if_contains("email_id")) got.email_id = id->as_string();
    for (const auto& [name, value] : request.fields) {
      if (name == "webhook-id") got.id = value;
    }
    received.push_back(got);
    ++under_way[got.url];
    while (held.contains(got.url) && !is_cancelled_) {
      co_await gate_.async_wait(net::asio::as_tuple(net::asio::use_awaitable_t<net::Executor>()));
    }
    --under_way[got.url];
    WebhookAnswer answer;
    answer.is_interrupted = is_cancelled_;
    answer.status = statuses.contains(got.url) ? statuses[got.url] : 200;
    if (answer.is_success() && !answer.is_interrupted) taken.push_back(got);
    co_return answer;
  }
  void cancel() override {
    is_cancelled_ = true;
    gate_.cancel();
  }
  void release(const std::string& url) {
    held.erase(url);
    gate_.cancel();
  }

  std::map<std::string, std::uint16_t> statuses;  // by URL; 200 otherwise
  std::set<std::string> held;
  std::map<std::string, int> under_way;
  std::vector<Received> received;
  std::vector<Received> taken;  // with success

 private:
  net::asio::steady_timer gate_;
  bool is_cancelled_ = false;
};

class Dispatching : public ::testing::Test {
 protected:
  Dispatching() {
    account_.id = make_account_id(random_);
    account_.name = "tests";
    EXPECT_TRUE(store_.directory().write([this](store::DirectoryWriter& writer) { return writer.put_account(account_); }));
  }
  ~Dispatching() override { stop(); }

  void start() {
    client_ = std::make_unique<ScriptedClient>(loop_.context());
    hub_ = std::make_unique<EventHub>(loop_.executor(), [this] { return store_.spool().last_sequence(); });
    dispatcher_ = std::make_unique<WebhookDispatcher>(
        WebhookDispatcherParts{loop_.executor(), *store_, clock_, random_, *hub_, *client_});
    tasks_ = std::make_unique<net::TaskGroup>();
    ASSERT_TRUE(tasks_->start(loop_.executor(), hub_->make_task()));
    ASSERT_TRUE(tasks_->start(loop_.executor(), dispatcher_->make_task()));
  }
  void stop() {
    if (!tasks_) return;
    tasks_->stop_all();
    run_until([this] { return tasks_->count() == 0; });
    tasks_.reset();
    dispatcher_.reset();
    hub_.reset();
  }
  void run_until(const std::function<bool()>& is_reached) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(120);
    while (!is_reached()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain";
      loop_.context().restart();
      loop_.context().run_one_for(std::chrono::milliseconds(50));
    }
  }
  void advance(Duration by) {
    clock_.advance(by);
    dispatcher_->wake();
  }

  // One that proved itself.
  store::WebhookRecord make_webhook(const std::string& url, std::vector<std::string> events = {}) {
    return make_webhook(NewWebhook{.url = url, .events = std::move(events), .mail = store::WebhookMail::Any}, true);
  }
  store::WebhookRecord make_webhook(NewWebhook wanted, bool is_proven) {
    const auto webhook = admin_.create(account_.id, std::move(wanted));
    store::WebhookProgress progress;
    progress.is_proven = is_proven;
    const auto put = [&](store::DirectoryWriter& writer) { return writer.put_webhook_progress(webhook->id, progress); };
    EXPECT_TRUE(store_.directory().write(put));
    if (dispatcher_) dispatcher_->wake();
    return webhook.value();
  }
  // A message with its accepted event.
  MessageId accept(Environment environment = Environment::Live, const std::string& from = {}) {
    test::Draft draft = test::make_draft(make_message_id(clock_.now() + Duration{++made_}, random_), clock_.now(), {"live.example"},
                                         environment);
    draft.message.account = account_.id;
    if (!from.empty()) draft.message.summary.from = from;
    if (!from.empty()) draft.message.envelope.reverse_path = parse_mailbox(from).value();
    for (Event& event : draft.events) event.account = account_.id;
    const MessageId id = draft.message.id;
    EXPECT_TRUE(test::commit_draft(store_.spool(), std::move(draft), "Subject: hello\r\n\r\n"));
    if (hub_) hub_->notify();
    return id;
  }
  void record(const MessageId& message, EventType type) {
    Event event;
    event.at = clock_.now();
    event.type = type;
    event.account = account_.id;
    event.message = message;
    event.recipient = "to@live.example";
    test::Waiter waiter;
    store_.spool().record_event(event, waiter.completion());
    ASSERT_TRUE(waiter.get());
    if (hub_) hub_->notify();
  }
  std::vector<std::string> types_taken(const std::string& url) {
    std::vector<std::string> types;
    for (const Received& one : client_->taken) {
      if (one.url == url) types.push_back(one.type);
    }
    return types;
  }
  std::size_t count_taken(const std::string& url) { return types_taken(url).size(); }
  store::WebhookState state_of(const WebhookId& id) { return store_.directory().find_webhook(id).value()->state; }

  test::CoroutineLoop loop_;
  net::asio::executor_work_guard<net::asio::io_context::executor_type> work_{loop_.context().get_executor()};
  test::TempStore store_;
  test::FakeClock clock_;
  test::FakeRandom random_;
  store::AccountRecord account_;
  WebhookAdmin admin_{*store_, clock_, random_, {}};
  std::unique_ptr<ScriptedClient> client_;
  std::unique_ptr<EventHub> hub_;
  std::unique_ptr<WebhookDispatcher> dispatcher_;
  std::unique_ptr<net::TaskGroup> tasks_;
  int made_ = 0;
};

const std::string kA = "https://a.example.com/";
const std::string kB = "https://b.example.com/";

// While the hub goes on: a look at the clock every now and then would do for nothing else.
TEST_F(Dispatching, EndsAtOnceWhenItIsTold) {
  client_ = std::make_unique<ScriptedClient>(loop_.context());
  hub_ = std::make_unique<EventHub>(loop_.executor(), [this] { return store_.spool().last_sequence(); });
  dispatcher_ = std::make_unique<WebhookDispatcher>(
      WebhookDispatcherParts{loop_.executor(), *store_, clock_, random_, *hub_, *client_});
  net::TaskGroup group;
  ASSERT_TRUE(group.start(loop_.executor(), dispatcher_->make_task()));
  loop_.settle();
  EXPECT_EQ(group.count(), 1U);
  group.stop_all();
  loop_.settle();
  EXPECT_EQ(group.count(), 0U);
}

TEST_F(Dispatching, AWebhookGetsWhatItWantsFromItsCreationOn) {
  accept();
  make_webhook(kA, {"email.delivered"});
  start();
  const MessageId id = accept();
  record(id, EventType::RecipientDelivered);
  run_until([&] { return count_taken(kA) == 1; });
  EXPECT_EQ(client_->taken.front().type, "email.delivered");
  EXPECT_EQ(client_->taken.front().email_id, format_message_id(id));
}

TEST_F(Dispatching, LetsOthersGoOnWhileItReadsPastWhatAWebhookDoesNotWant) {
  make_webhook(kA, {"email.delivered"});
  test::Draft draft = test::make_draft(make_message_id(clock_.now(), random_), clock_.now(), {"live.example"});
  draft.message.account = draft.events.front().account = account_.id;
  draft.events.resize(4'000, draft.events.front());
  draft.events.back().type = EventType::RecipientDelivered;
  ASSERT_TRUE(test::commit_draft(store_.spool(), std::move(draft), "x\r\n"));
  start();
  int turns_of_others = 0;
  bool is_over = false;
  std::function<void()> other = [&] {
    is_over = count_taken(kA) > 0;
    if (is_over) return;
    ++turns_of_others;
    net::asio::post(loop_.context(), other);
  };
  net::asio::post(loop_.context(), other);
  run_until([&] { return is_over; });
  EXPECT_GE(turns_of_others, 30);
}

TEST_F(Dispatching, EventsOfAMessageArriveInOrder) {
  make_webhook(kA);
  start();
  const MessageId id = accept();
  record(id, EventType::RecipientDeferred);
  record(id, EventType::RecipientDelivered);
  run_until([&] { return count_taken(kA) == 3; });
  EXPECT_THAT(types_taken(kA), ElementsAre("email.sent", "email.delivery_delayed", "email.delivered"));
}

TEST_F(Dispatching, AReceiverThatHangsHoldsUpNobodyElse) {
  make_webhook(kA);
  make_webhook(kB);
  start();
  client_->held.insert(kA);
  for (int i = 0; i < 30; ++i) accept();
  run_until([&] { return count_taken(kB) == 30; });
  EXPECT_EQ(count_taken(kA), 0U);
  EXPECT_LE(client_->under_way[kA], static_cast<int>(kMaxWebhookRequests));
  client_->release(kA);
  run_until([&] { return count_taken(kA) == 30; });
}

TEST_F(Dispatching, WhatFailsIsTriedAgainUnderTheSameId) {
  make_webhook(kA);
  start();
  client_->statuses[kA] = 500;
  accept();
  run_until([&] { return client_->received.size() == 1 && client_->under_way[kA] == 0; });
  client_->statuses[kA] = 204;
  advance(seconds(7));
  run_until([&] { return count_taken(kA) == 1; });
  EXPECT_EQ(client_->received[0].id, client_->received[1].id);
}

TEST_F(Dispatching, WhatCannotBeReadForAMomentIsTriedAgain) {
  namespace disk = test::disk;
  make_webhook(kA, {"email.sent"});
  start();
  client_->statuses[kA] = 500;
  const MessageId id = accept();
  run_until([&] { return client_->received.size() == 1 && client_->under_way[kA] == 0; });
  client_->statuses[kA] = 204;
  // LMDB has to be opened anew after its meta page found no room, and finds its files moved: until then nobody can read.
  const std::filesystem::path spool = store_.folder() / "spool";
  const std::filesystem::path away = store_.folder() / "away";
  std::filesystem::rename(spool, away);
  disk::fail(disk::Call::MetaWrite, 1, ENOSPC, true);
  const test::Draft refused = test::make_draft(make_message_id(clock_.now(), random_), clock_.now(), {"a.example"});
  EXPECT_FALSE(test::commit_draft(store_.spool(), refused, "x"));
  disk::reset();
  ASSERT_FALSE(store_.spool().find(id));
  advance(seconds(7));
  loop_.settle();
  EXPECT_EQ(client_->received.size(), 1U);
  std::filesystem::rename(away, spool);
  accept();
  run_until([&] {
    advance(seconds(7));
    return count_taken(kA) == 2;
  });
  EXPECT_EQ(std::count_if(client_->taken.begin(), client_->taken.end(),
                          [&](const Received& one) { return one.email_id == format_message_id(id); }), 1);
}

TEST_F(Dispatching, ARestartGoesOnWhereItWas) {
  make_webhook(kA);
  start();
  client_->statuses[kA] = 503;
  accept();
  run_until([&] { return client_->received.size() == 1 && client_->under_way[kA] == 0; });
  stop();
  start();
  accept();
  // Its success shows that the receiver is back: the first event does not wait for its retry.
  run_until([&] { return count_taken(kA) == 2; });
  stop();
  start();
  accept();
  run_until([&] { return count_taken(kA) == 1; });
}

TEST_F(Dispatching, WhatShutdownCutsOffIsSentAgain) {
  make_webhook(kA);
  start();
  client_->held.insert(kA);
  accept();
  run_until([&] { return client_->under_way[kA] == 1; });
  tasks_->cancel_all();
  stop();
  start();
  run_until([&] { return count_taken(kA) == 1; });
}

TEST_F(Dispatching, LastingFailureDisablesAndSaysSo) {
  const store::WebhookRecord webhook = make_webhook(kA);
  make_webhook(kB, {"webhook.disabled"});
  start();
  client_->statuses[kA] = 500;
  for (int i = 0; i < 3; ++i) accept();
  run_until([&] {
    const bool is_enabled = state_of(webhook.id) == store::WebhookState::Enabled;
    if (is_enabled && client_->under_way[kA] == 0) advance(std::chrono::minutes(30));
    loop_.settle();
    return !is_enabled;
  });
  EXPECT_EQ(state_of(webhook.id), store::WebhookState::Failed);
  run_until([&] { return count_taken(kB) == 1; });

  client_->statuses[kA] = 200;
  ASSERT_TRUE(admin_.change(account_.id, webhook.id, {.url = {}, .events = {}, .is_enabled = true}));
  advance(hours(3));
  run_until([&] { return count_taken(kA) >= 3; });
}

TEST_F(Dispatching, AReceiverThatIsGoneIsDisabledAtOnce) {
  const store::WebhookRecord webhook = make_webhook(kA);
  start();
  client_->statuses[kA] = 410;
  accept();
  run_until([&] { return state_of(webhook.id) == store::WebhookState::Failed; });
}

TEST_F(Dispatching, OneEventIsReplayedOrAllSinceOne) {
  const store::WebhookRecord webhook = make_webhook(kA);
  start();
  for (int i = 0; i < 3; ++i) accept();
  run_until([&] { return count_taken(kA) == 3; });
  const std::string second = client_->taken[1].id;
  client_->taken.clear();

  ASSERT_TRUE(admin_.replay_event(account_.id, webhook.id, webhook.first_sequence + 1));
  advance(seconds(3));
  run_until([&] { return count_taken(kA) == 1; });
  EXPECT_EQ(client_->taken[0].id, second);
  client_->taken.clear();

  ASSERT_TRUE(admin_.replay_since(account_.id, webhook.id, webhook.first_sequence + 1));
  advance(seconds(3));
  run_until([&] {
    advance(seconds(3));
    return count_taken(kA) == 2;
  });
}

TEST_F(Dispatching, ADisabledOrDeletedWebhookGetsNothing) {
  const store::WebhookRecord disabled = make_webhook(kA);
  const store::WebhookRecord deleted = make_webhook(kB);
  make_webhook("https://c.example.com/");
  start();
  ASSERT_TRUE(admin_.change(account_.id, disabled.id, {.url = {}, .events = {}, .is_enabled = false}));
  ASSERT_TRUE(admin_.remove(account_.id, deleted.id));
  advance(seconds(3));
  loop_.settle();
  accept();
  run_until([&] { return count_taken("https://c.example.com/") == 1; });
  EXPECT_EQ(count_taken(kA) + count_taken(kB), 0U);
}

TEST_F(Dispatching, AnotherAccountsEventsAreNotSent) {
  make_webhook(kA);
  start();
  test::Draft foreign = test::make_draft(make_message_id(clock_.now(), random_), clock_.now(), {"live.example"});
  ASSERT_TRUE(test::commit_draft(store_.spool(), std::move(foreign), "x"));
  const MessageId own = accept();
  run_until([&] { return count_taken(kA) == 1; });
  EXPECT_EQ(client_->taken[0].email_id, format_message_id(own));
}

TEST_F(Dispatching, AnAccountsRequestsAreBounded) {
  for (int i = 0; i < 10; ++i) make_webhook("https://h" + std::to_string(i) + ".example.com/");
  start();
  for (int i = 0; i < 10; ++i) client_->held.insert("https://h" + std::to_string(i) + ".example.com/");
  for (int i = 0; i < 10; ++i) accept();
  run_until([&] { return client_->received.size() >= kMaxWebhookRequestsPerAccount; });
  loop_.settle();
  EXPECT_EQ(client_->received.size(), kMaxWebhookRequestsPerAccount);
  client_->held.clear();
  client_->release("");
  run_until([&] { return client_->taken.size() == 100; });
}

TEST_F(Dispatching, AnEndpointThatHasNotProvedItselfGetsOneEventAtATime) {
  const store::WebhookRecord webhook = make_webhook(NewWebhook{.url = kA}, false);
  start();
  client_->held.insert(kA);
  for (int i = 0; i < 20; ++i) accept();
  run_until([&] { return client_->received.size() == 1; });
  advance(hours(1));
  loop_.settle();
  EXPECT_EQ(client_->received.size(), 1U);
  client_->statuses[kA] = 404;
  client_->release(kA);
  run_until([&] { return client_->under_way[kA] == 0; });
  for (int i = 0; i < 20; ++i) advance(std::chrono::milliseconds(100));
  loop_.settle();
  EXPECT_EQ(client_->received.size(), 1U) << "one failure, and it waits as for a receiver that is down";
  client_->statuses[kA] = 200;
  run_until([&] {
    advance(seconds(1));
    return count_taken(kA) == 20;
  });
  stop();
  EXPECT_TRUE(store_.directory().webhook_progress(webhook.id).value().is_proven);
}

TEST_F(Dispatching, ANewEndpointHasToProveItselfAnew) {
  const store::WebhookRecord webhook = make_webhook(kA);
  start();
  accept();
  run_until([&] { return count_taken(kA) == 1; });
  client_->held.insert(kB);
  ASSERT_TRUE(admin_.change(account_.id, webhook.id, {.url = kB, .events = {}, .is_enabled = {}}));
  advance(seconds(3));
  loop_.settle();
  for (int i = 0; i < 20; ++i) accept();
  run_until([&] { return client_->under_way[kB] > 0; });
  advance(seconds(3));
  loop_.settle();
  EXPECT_EQ(client_->under_way[kB], 1);
  client_->release(kB);
  run_until([&] { return count_taken(kB) == 20; });
}

TEST_F(Dispatching, AChangedFilterHoldsForWhatWaits) {
  const store::WebhookRecord webhook = make_webhook(kA);
  start();
  client_->statuses[kA] = 500;
  const MessageId id = accept();
  run_until([&] { return client_->received.size() == 1 && client_->under_way[kA] == 0; });
  record(id, EventType::RecipientDelivered);
  ASSERT_TRUE(admin_.change(account_.id, webhook.id, {.url = {}, .events = {{"email.delivered"}}, .is_enabled = {}}));
  advance(seconds(3));  // as if another process had changed it
  loop_.settle();
  client_->statuses[kA] = 200;
  run_until([&] {
    advance(seconds(3));
    return count_taken(kA) > 0;
  });
  EXPECT_THAT(types_taken(kA), ElementsAre("email.delivered"));
  // Asked for by its name it goes all the same.
  ASSERT_TRUE(admin_.replay_event(account_.id, webhook.id, webhook.first_sequence));
  run_until([&] {
    advance(seconds(3));
    return count_taken(kA) == 2;
  });
  EXPECT_THAT(types_taken(kA), ElementsAre("email.delivered", "email.sent"));
  stop();
  EXPECT_EQ(store_.directory().webhook_progress(webhook.id).value().given_up, 0U) << "what is not wanted is not given up";
}

TEST_F(Dispatching, AWebhookGetsTheMailOfItsEnvironmentAndDomains) {
  make_webhook(NewWebhook{.url = kA, .events = {"email.sent"}}, true);
  make_webhook(NewWebhook{.url = kB, .events = {"email.sent"}, .mail = store::WebhookMail::Test}, true);
  const std::string own = "https://own.example.com/";
  make_webhook(
      NewWebhook{.url = own, .events = {"email.sent"}, .mail = store::WebhookMail::Any, .from_domains = {"own.example"}}, true);
  start();
  const MessageId live = accept(Environment::Live, "a@own.example");
  const MessageId test = accept(Environment::Test, "a@other.example");
  run_until([&] { return count_taken(kA) == 1 && count_taken(kB) == 1 && count_taken(own) == 1; });
  advance(seconds(3));
  loop_.settle();
  EXPECT_EQ(client_->taken.size(), 3U);
  for (const Received& one : client_->taken) {
    EXPECT_EQ(one.email_id, format_message_id(one.url == kB ? test : live)) << one.url;
  }
}

TEST_F(Dispatching, AReplayKeepsTheCounts) {
  const store::WebhookRecord webhook = make_webhook(kA);
  start();
  for (int i = 0; i < 3; ++i) accept();
  run_until([&] { return count_taken(kA) == 3; });
  run_until([&] {
    advance(seconds(3));
    return store_.directory().webhook_progress(webhook.id).value().delivered == 3;
  });
  ASSERT_TRUE(admin_.replay_since(account_.id, webhook.id, webhook.first_sequence));
  EXPECT_EQ(store_.directory().webhook_progress(webhook.id).value().delivered, 3U);
  run_until([&] {
    advance(seconds(3));
    return store_.directory().webhook_progress(webhook.id).value().delivered == 6;
  });
}

TEST_F(Dispatching, AnAccountsOctetsASecondAreBounded) {
  WebhookSlots slots;
  const AccountId other = make_account_id(random_);
  EXPECT_EQ(slots.wait_of(account_.id, clock_.now()), std::nullopt);
  slots.charge(account_.id, 3 * kWebhookOctetsPerSecond, clock_.now());
  EXPECT_TRUE(slots.wait_of(account_.id, clock_.now()));
  EXPECT_EQ(slots.wait_of(other, clock_.now()), std::nullopt);
  clock_.advance(seconds(3));
  EXPECT_EQ(slots.wait_of(account_.id, clock_.now()), std::nullopt);
}

}  // namespace
}  // namespace postern::events
