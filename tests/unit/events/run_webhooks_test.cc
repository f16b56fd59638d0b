// Webhooks of runs with clocks over a real store: when what failed is offered again in the run's time, and that nobody else's time
// or failure has to do with it. The receiver is a test's; requests are made on a thread of its own.
#include "events/run_webhooks.h"

#include "events/webhook_admin.h"
#include "events/webhook_retry.h"
#include "tests/support/temp_store.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include <future>
#include <thread>

namespace postern::events {
namespace {

using relay::RunTelling;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class RunReceiver final : public WebhookClient {
 public:
  net::Awaitable<WebhookAnswer> post(WebhookRequest request) override {
    asked.push_back(std::string(boost::json::parse(request.body).at("type").as_string()));
    WebhookAnswer answer;
    answer.status = statuses.empty() ? 200 : statuses.front();
    if (statuses.size() > 1) statuses.pop_front();
    co_return answer;
  }
  void cancel() override {}

  std::deque<std::uint16_t> statuses;  // of one request after the other; the last one goes on
  std::vector<std::string> asked;
};

class RunWebhooksTest : public ::testing::Test {
 protected:
  RunWebhooksTest() {
    account_.id = make_account_id(random_);
    account_.name = "tests";
    EXPECT_TRUE(store_.directory().write([this](store::DirectoryWriter& writer) { return writer.put_account(account_); }));
    thread_ = std::thread([this] { io_.run(); });
    begin_anew();
  }
  ~RunWebhooksTest() override {
    work_.reset();
    thread_.join();
  }
  // As the next process does.
  void begin_anew() {
    webhooks_ = std::make_unique<RunWebhooks>(RunWebhooksParts{io_.get_executor(), *store_, clock_, receiver_, ids_, links_});
  }
  store::RunRecord make_run(const std::string& name) {
    const store::RunRecord run{.account = account_.id,
                               .name = name,
                               .label = {},
                               .seed = 7,
                               .script = {},
                               .created = clock_.now(),
                               .expires_at = clock_.now() + hours(1),
                               .clock = clock_.now(),
                               .clock_start = clock_.now()};
    EXPECT_TRUE(store_.spool().make_run(run));
    return run;
  }
  store::RunRecord run_now(const std::string& name) { return store_.spool().find_run(account_.id, name).value().value(); }
  MessageId accept(const std::string& run) {
    test::Draft draft = test::make_draft(make_message_id(clock_.now() + Duration{++made_}, random_), clock_.now(), {"live.example"},
                                         Environment::Test);
    draft.message.account = draft.events[0].account = account_.id;
    draft.message.user_name = run;
    draft.message.has_own_clock = true;
    draft.delivery.lane = store::lane_of_pending(draft.message, draft.delivery);
    const MessageId id = draft.message.id;
    EXPECT_TRUE(test::commit_draft(store_.spool(), std::move(draft), "Subject: hello\r\n\r\n"));
    return id;
  }
  WebhookId make_webhook(store::WebhookMail mail = store::WebhookMail::Test) {
    const auto made = admin_.create(account_.id, NewWebhook{.url = "https://a.example.com/", .mail = mail});
    store::WebhookProgress progress;
    progress.is_proven = true;
    const auto put = [&](store::DirectoryWriter& writer) { return writer.put_webhook_progress(made->id, progress); };
    EXPECT_TRUE(store_.directory().write(put));
    return made->id;
  }
  // → when something is due again.
  std::optional<Instant> tell(const std::string& run, Instant now) {
    told_.clear();
    const auto until = std::chrono::steady_clock::now() + minutes(5);
    const auto next = webhooks_->tell(run_now(run), {}, now, until, told_);
    EXPECT_TRUE(next);
    EXPECT_TRUE(webhooks_->remember(run_now(run)));
    return next ? *next : std::nullopt;
  }
  std::size_t rows_of(const WebhookId& id) { return store_.directory().list_pending_events(id, 0, 100).value().size(); }

  test::TempStore store_;
  test::FakeClock clock_;
  test::FakeRandom random_;
  store::AccountRecord account_;
  WebhookAdmin admin_{*store_, clock_, random_, {}};
  EventIds ids_;
  AttachmentLinks links_;
  net::asio::io_context io_{1};
  std::optional<net::asio::executor_work_guard<net::asio::io_context::executor_type>> work_{io_.get_executor()};
  RunReceiver receiver_;
  std::unique_ptr<RunWebhooks> webhooks_;
  std::vector<RunTelling> told_;
  std::thread thread_;
  int made_ = 0;
};

TEST_F(RunWebhooksTest, WhatFailsIsOfferedAgainByTheLiveScheduleInTheRunsTime) {
  make_webhook();
  make_run("ci");
  accept("ci");
  receiver_.statuses = {500, 503, 500, 429, 500, 500, 500, 200};
  constexpr std::array<seconds, 7> kWaits = {seconds(5),       seconds(30),      minutes(2), minutes(10),
                                             minutes(30),      minutes(60),      minutes(120)};
  Instant now = clock_.now();
  for (unsigned attempt = 1; attempt <= kWaits.size(); ++attempt) {
    const auto next = tell("ci", now);
    ASSERT_EQ(told_.size(), 1U) << attempt;
    EXPECT_EQ(told_[0].attempt, attempt);
    EXPECT_EQ(told_[0].at, now);
    ASSERT_TRUE(next);
    EXPECT_GE(*next - now, kWaits[attempt - 1]);
    EXPECT_LE(*next - now, kWaits[attempt - 1] * 6 / 5);
    EXPECT_EQ(tell("ci", *next - Duration{1}), next) << "not a moment sooner";
    EXPECT_TRUE(told_.empty());
    now = *next;
  }
  EXPECT_EQ(tell("ci", now), std::nullopt);
  EXPECT_EQ(told_[0].status, 200);
  EXPECT_EQ(receiver_.asked.size(), 8U) << "whatever the wall clock says";
}

TEST_F(RunWebhooksTest, ARestartForgetsNothingAndRepeatsNothing) {
  const WebhookId id = make_webhook();
  make_run("ci");
  accept("ci");
  accept("ci");
  receiver_.statuses = {200, 500};
  const auto next = tell("ci", clock_.now());
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_EQ(rows_of(id), 1U);
  begin_anew();
  EXPECT_EQ(tell("ci", clock_.now()), next);
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(webhooks_->next_due(run_now("ci")).value(), next);
  tell("ci", *next);
  EXPECT_EQ(told_.at(0).attempt, 2U);
  receiver_.statuses = {200};
  tell("ci", clock_.now() + hours(1));
  EXPECT_EQ(rows_of(id), 0U);
  begin_anew();
  tell("ci", clock_.now() + hours(48));
  EXPECT_TRUE(told_.empty());
}

TEST_F(RunWebhooksTest, ADayOfFailuresEndsTheRunsTellingAndNotTheWebhook) {
  const WebhookId id = make_webhook();
  make_run("ci");
  make_run("other");
  accept("ci");
  receiver_.statuses = {500};
  Instant now = clock_.now();
  bool is_over = false;
  for (std::optional<Instant> next = now; next; next = tell("ci", *next)) {
    now = *next;
    is_over = is_over || (!told_.empty() && told_.back().is_last);
  }
  is_over = is_over || (!told_.empty() && told_.back().is_last);
  EXPECT_TRUE(is_over || now - clock_.now() > hours(20)) << "it is given up after a day of the run";
  EXPECT_LT(now - clock_.now(), hours(30));
  EXPECT_GT(receiver_.asked.size(), 10U);
  EXPECT_EQ(store_.directory().find_webhook(id).value()->state, store::WebhookState::Enabled);
  receiver_.statuses = {200};
  accept("other");
  tell("other", clock_.now());
  EXPECT_EQ(told_.size(), 1U) << "another run knows nothing of it";
}

TEST_F(RunWebhooksTest, SeesEventsThatAreCommittedBehindOthersThatItSaw) {
  make_webhook();
  make_run("ci");
  const MessageId first = accept("ci");
  const MessageId second = accept("ci");
  const auto until = std::chrono::steady_clock::now() + minutes(5);
  ASSERT_TRUE(webhooks_->tell(run_now("ci"), {second}, clock_.now(), until, told_));
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].event.message, second);
  tell("ci", clock_.now());
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].event.message, first);
}

TEST_F(RunWebhooksTest, ListensForWebhooksThatTakeTestMailOnly) {
  EXPECT_FALSE(webhooks_->listens_to(account_.id));
  make_webhook(store::WebhookMail::Live);
  EXPECT_FALSE(webhooks_->listens_to(account_.id));
  make_webhook();
  EXPECT_TRUE(webhooks_->listens_to(account_.id));
}

TEST_F(RunWebhooksTest, TellsOfARunSoonAfterItIsNoticed) {
  make_webhook();
  make_run("ci");
  const MessageId id = accept("ci");
  std::promise<std::string> called;
  webhooks_->start([&](const AccountId&, const std::string& run) { called.set_value(run); });
  webhooks_->notice(store_.spool().find(id).value()->message);
  auto told = called.get_future();
  ASSERT_EQ(told.wait_for(seconds(60)), std::future_status::ready);
  EXPECT_EQ(told.get(), "ci");
  webhooks_->stop();
}

}  // namespace
}  // namespace postern::events
