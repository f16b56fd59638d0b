// The queue over a real store, with transports that do as they are told.
#include "relay/transports.h"
#include "tests/unit/relay/queue_fixture.h"

#include <set>
#include <span>

namespace postern::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using store::RecipientStage;

class QueueTest : public QueueFixture {};

// The reports wait, with their content.
RecipientReport bounces_all_but_reports(const std::string&, const Recipient& recipient) {
  const bool is_report = recipient.mailbox.domain == "sender.example";
  if (is_report) return failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 3, 0}, "later"});
  return failed_report(Outcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "no such user"});
}

TEST_F(QueueTest, DeliversAMessageAsSoonAsItIsWoken) {
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_EQ(events(id), (std::vector{EventType::MessageAccepted, EventType::RecipientDelivered}));
  EXPECT_EQ(state(id).attempts, 1U);
  EXPECT_TRUE(load(id).delivery.is_settled());
}

TEST_F(QueueTest, DeliversWhatAnEarlierVersionLeftInTheQueue) {
  store_.close();
  std::filesystem::copy(std::filesystem::path(POSTERN_SOURCE_DIR) / "tests/stores/595bc11", store_.folder(),
                        std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  store_.open();
  clock_.set(Instant{std::chrono::sys_days{std::chrono::December / 1 / 2026}});
  routes_ = {route_to("all", "*")};
  start();
  run_until([&] { return script_.delivered.size() == 4; });
  EXPECT_THAT(script_.delivered, ::testing::UnorderedElementsAre("queued@example.net", "queued2@example.net", "queued3@example.net",
                                                                 "friend@example.net"));
}

TEST_F(QueueTest, FindsAMessageThatWasCommittedWithoutAWake) {
  start();
  script_.is_holding = true;
  const MessageId first = accept("live.example");
  run_until([&] { return script_.calls["live"] == 1; });
  test::Draft draft = draft_to({"live.example"});
  const MessageId second = draft.message.id;
  ASSERT_TRUE(test::commit_draft(store_.spool(), std::move(draft), "x\r\n"));
  script_.release();
  clock_.advance(settings_.poll);
  run_until([&] { return stage(first) == RecipientStage::Delivered && stage(second) == RecipientStage::Delivered; });
}

TEST_F(QueueTest, DeliversWhatItIsToldOfAndFindsWhatItIsNot) {
  start();
  const MessageId first = accept("live.example");
  run_until([&] { return stage(first) == RecipientStage::Delivered; });
  test::Draft told = draft_to({"live.example"});
  test::Draft untold = draft_to({"live.example"});
  const store::DueEntry entry{*told.delivery.due, told.message.id, told.delivery.lane};
  const MessageId other = untold.message.id;
  ASSERT_TRUE(test::commit_draft(store_.spool(), std::move(told), "x\r\n"));
  ASSERT_TRUE(test::commit_draft(store_.spool(), std::move(untold), "x\r\n"));
  queue_->accepted(entry);
  run_until([&] { return stage(entry.id) == RecipientStage::Delivered; });
  clock_.advance(settings_.poll);
  queue_->accepted(entry);
  run_until([&] { return stage(other) == RecipientStage::Delivered; });
  EXPECT_EQ(script_.delivered.size(), 3U) << "what is told of twice is delivered once";
}

TEST_F(QueueTest, RunsNoMoreDeliveriesThanTheRouteAllows) {
  routes_[0].max_connections = 3;
  script_.is_holding = true;
  std::vector<MessageId> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(accept("live.example"));
  start();
  run_until([&] { return script_.running["live"] == 3; });
  script_.release();
  run_until([&] { return script_.delivered.size() == 10; });
  EXPECT_EQ(script_.most_running["live"], 3U);
}

TEST_F(QueueTest, DefersWithASpacingThatGrows) {
  script_.answer = [](auto&, auto&) { return failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 3, 0}, "later"}); };
  start();
  const MessageId id = accept("live.example");
  Duration before{0};
  for (unsigned attempt = 1; attempt <= 4; ++attempt) {
    run_until([&] { return state(id).attempts == attempt; });
    const Duration wait = state(id).next_attempt - clock_.now();
    EXPECT_GT(wait, before) << "attempt " << attempt;
    before = wait;
    advance(wait);
  }
}

TEST_F(QueueTest, DoesNotLetADeadDestinationBlockALiveOne) {
  settings_.max_leased = 96;  // 32 for each destination
  script_.answer = [](const std::string& route, auto&) { return route == "dead" ? unreachable_report() : delivered_report(); };
  std::vector<MessageId> dead;
  for (int i = 0; i < 300; ++i) dead.push_back(accept("dead.example"));
  std::vector<MessageId> live;
  for (int i = 0; i < 50; ++i) live.push_back(accept("live.example"));
  start();
  run_until([&] { return script_.delivered.size() == live.size(); });
  EXPECT_LE(script_.calls["dead"], std::size_t{routes_[1].max_connections}) << "nobody hammers a dead host";
  std::size_t attempted = 0;
  for (const MessageId& id : dead) attempted += state(id).attempts;
  EXPECT_EQ(attempted, script_.calls["dead"]) << "only real attempts are counted";
}

TEST_F(QueueTest, ProbesADeadDestinationAndDrainsItWhenItIsBack) {
  settings_.max_leased = 96;
  bool is_dead = true;
  script_.answer = [&](auto&, auto&) { return is_dead ? unreachable_report() : delivered_report(); };
  routes_[1].max_connections = 1;
  for (int i = 0; i < 200; ++i) accept("dead.example");
  start();
  run_until([&] { return script_.calls["dead"] == 1; });
  advance(seconds(2));
  run_until([&] { return script_.calls["dead"] == 2; });
  is_dead = false;
  advance(minutes(5));
  run_until([&] { return script_.delivered.size() == 200; });
}

TEST_F(QueueTest, GivesANextHopAHundredRecipientsAtATime) {
  start();
  const MessageId id = accept(draft_to(std::vector<std::string>(250, "live.example")));
  run_until([&] { return load(id).delivery.is_settled(); });
  EXPECT_EQ(script_.calls["live"], 3U);
  EXPECT_EQ(script_.delivered.size(), 250U);
}

// RFC 5321 §4.5.3.1.8: who takes fewer than a message has gets the rest in the next transaction.
TEST_F(QueueTest, SendsTheRestAtOnceWhereANextHopHadEnoughRecipients) {
  std::map<std::size_t, std::size_t> asked;  // by transaction
  script_.answer = [&](const std::string&, const Recipient&) {
    if (++asked[script_.calls["live"]] <= 4) return delivered_report();
    return failed_report(Outcome::Deferred, Status{452, EnhancedCode{4, 5, 3}, "too many recipients"});
  };
  start();
  const MessageId id = accept(draft_to(std::vector<std::string>(11, "live.example")));
  run_until([&] { return load(id).delivery.is_settled(); });
  EXPECT_EQ(script_.calls["live"], 3U);
  EXPECT_EQ(script_.delivered.size(), 11U);
  EXPECT_FALSE(has_event(id, EventType::RecipientDeferred));
}

TEST_F(QueueTest, WaitsWhereANextHopTookNobodyOrLacksStorage) {
  struct Case {
    const char* name;
    std::optional<EnhancedCode> code;
    bool takes_one;
  };
  for (const Case& c : {Case{"nobody was taken", EnhancedCode{4, 5, 3}, false}, Case{"storage", EnhancedCode{4, 3, 1}, true}}) {
    SCOPED_TRACE(c.name);
    bool is_first = c.takes_one;
    script_.answer = [&](const std::string&, const Recipient&) {
      if (std::exchange(is_first, false)) return delivered_report();
      return failed_report(Outcome::Deferred, Status{452, c.code, "no"});
    };
    script_.calls.clear();
    start();
    const MessageId id = accept(draft_to({"live.example", "live.example"}));
    run_until([&] { return state(id, 1).attempts == 1; });
    EXPECT_EQ(script_.calls["live"], 1U);
    EXPECT_TRUE(has_event(id, EventType::RecipientDeferred));
    stop();
  }
}

TEST_F(QueueTest, SendsEachPartOfAMessageOnceThoughItsNextHopGoesAway) {
  routes_[0].max_connections = 1;
  bool is_there = true;
  script_.answer = [&](const std::string&, const Recipient&) {
    is_there = is_there && script_.delivered.size() < 100;
    return is_there ? delivered_report() : unreachable_report();
  };
  start();
  const MessageId id = accept(draft_to(std::vector<std::string>(350, "live.example")));
  run_until([&] { return script_.calls["live"] == 2; });
  EXPECT_EQ(script_.delivered.size(), 100U);
  script_.answer = [](const std::string&, const Recipient&) { return delivered_report(); };
  run_until([&] {
    advance(std::chrono::minutes(5));
    return load(id).delivery.is_settled();
  });
  EXPECT_EQ(script_.delivered.size(), 350U);
  EXPECT_EQ(script_.calls["live"], 5U) << "two, of which one failed, then three";
}

TEST_F(QueueTest, DeliversOneGroupOfAMessageWhileTheOtherWaitsForItsDestination) {
  bool is_dead = true;
  script_.answer = [&](const std::string& route, auto&) {
    return route == "dead" && is_dead ? unreachable_report() : delivered_report();
  };
  start();
  accept("dead.example");
  run_until([&] { return script_.calls["dead"] == 1; });
  const MessageId mixed = accept(draft_to({"dead.example", "live.example"}));
  run_until([&] { return stage(mixed, 1) == RecipientStage::Delivered; });
  EXPECT_EQ(state(mixed, 0).stage, RecipientStage::Pending);
  EXPECT_EQ(state(mixed, 0).attempts, 0U);
  EXPECT_EQ(script_.calls["dead"], 1U) << "as all that waits for a dead host";
  is_dead = false;
  advance(minutes(5));
  run_until([&] { return stage(mixed, 0) == RecipientStage::Delivered; });
}

TEST_F(QueueTest, GivesEachDomainADestinationThatComesAndGoes) {
  constexpr std::size_t kDomains = 200;
  routes_ = {route_to("domains", "*")};
  routes_[0].is_per_domain = true;
  std::set<std::string> dead;
  script_.answer = [&dead](auto&, const Recipient& recipient) {
    return dead.contains(recipient.mailbox.domain) ? unreachable_report() : delivered_report();
  };
  for (std::size_t i = 0; i < kDomains; ++i) {
    accept("d" + std::to_string(i) + ".example");
    accept("d" + std::to_string(i) + ".example");
  }
  dead.insert("d7.example");
  start();
  const std::size_t configured = script_.transports;
  EXPECT_EQ(configured, 2U) << "of the route and of the simulation";
  run_until([&] { return script_.delivered.size() == 2 * kDomains - 2; });
  EXPECT_LE(script_.most_transports, kDomains + configured);
  run_until([&] {
    advance(seconds(1));
    io_.poll();
    return script_.transports <= configured + 1;
  });
  EXPECT_EQ(script_.delivered.size(), 2 * kDomains - 2);
  dead.clear();
  run_until([&] {
    advance(seconds(30));
    return script_.delivered.size() == 2 * kDomains;
  });
  run_until([&] {
    advance(seconds(10));
    io_.poll();
    return script_.transports == configured;
  });
}

// Whoever has much waiting does not keep the connections that others wait for.
TEST_F(QueueTest, LetsDestinationsTakeTurnsWhereAllTogetherHaveTooManyDeliveries) {
  settings_.max_deliveries = 2;
  script_.is_holding = true;
  for (int i = 0; i < 20; ++i) accept("live.example");
  start();
  run_until([&] { return script_.running["live"] == 2; });
  for (int i = 0; i < 3; ++i) accept("sender.example");
  for (int i = 0; i < 3; ++i) accept("dead.example");
  run_until([&] { return io_.poll() == 0; });
  EXPECT_EQ(script_.running["live"], 2U);
  script_.release();
  run_until([&] { return script_.delivered.size() == 26; });
  const auto others = std::ranges::count_if(std::span(script_.delivered).first(12), [](const std::string& address) {
    return address != "to@live.example";
  });
  EXPECT_GE(others, 5) << "in turn";
  EXPECT_LE(script_.most_running["live"], 2U);
}

TEST_F(QueueTest, RestsWithoutAnAttemptWhereADestinationMayNotBeGivenMore) {
  bool is_restrained = true;
  script_.answer = [&](const std::string& route, const Recipient&) {
    if (route != "dead" || !is_restrained) return delivered_report();
    RecipientReport report =
        failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 4, 5}, "not more now"}, Contact::Restrained);
    report.retry_after = minutes(60);
    return report;
  };
  start();
  std::vector<MessageId> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(accept("dead.example"));
  const MessageId other = accept("live.example");
  run_until([&] { return stage(other) == RecipientStage::Delivered; });
  const std::size_t asked = script_.calls["dead"];
  EXPECT_LE(asked, routes_[1].max_connections);
  advance(minutes(4));
  waiting.push_back(accept("dead.example"));
  const MessageId later = accept("live.example");
  run_until([&] { return stage(later) == RecipientStage::Delivered; });
  EXPECT_EQ(script_.calls["dead"], asked) << "it rests";
  EXPECT_EQ(state(waiting.front()).attempts, 0U);
  is_restrained = false;
  advance(minutes(2));
  run_until([&] { return std::ranges::all_of(waiting, [&](const MessageId& id) { return state(id).attempts == 1; }); });
}

TEST_F(QueueTest, MakesTheFirstAttemptWhenItIsAskedForAndNotBefore) {
  for (const bool is_told : {true, false}) {
    SCOPED_TRACE(is_told);
    script_.delivered.clear();
    start();
    test::Draft draft = draft_to({"live.example"});
    const MessageId id = draft.message.id;
    const Instant later = clock_.now() + hours(1);
    draft.delivery.scheduled_at = draft.delivery.due = draft.delivery.recipients[0].next_attempt = later;
    const store::DueEntry entry{later, id, draft.delivery.lane, account_.id};
    ASSERT_TRUE(test::commit_draft(store_.spool(), std::move(draft), "x\r\n"));
    queue_->accepted(entry);
    for (int i = 0; i < 11; ++i) {
      advance(minutes(5));
      run_until([&] { return io_.poll() == 0; });
    }
    EXPECT_TRUE(script_.delivered.empty());
    const auto moved = store_.spool().reschedule(id, clock_.now() + minutes(1), clock_.now());
    ASSERT_TRUE(moved);
    if (is_told) queue_->accepted(*moved);
    clock_.advance(minutes(1));
    run_until([&] { return stage(id) == RecipientStage::Delivered; });
    EXPECT_EQ(state(id).attempts, 1U);
    stop();
  }
}

TEST_F(QueueTest, DeliversTestMessagesWhateverTheirDomainsDestinationDoes) {
  script_.answer = [](const std::string& route, auto&) { return route == "dead" ? unreachable_report() : delivered_report(); };
  start();
  accept("dead.example");
  run_until([&] { return script_.calls["dead"] == 1; });
  const MessageId id = accept(draft_to({"dead.example"}, Environment::Test));
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  EXPECT_EQ(script_.calls["simulation"], 1U);
}

TEST_F(QueueTest, DefersWhatNoRouteLeadsTo) {
  start();
  const MessageId id = accept("nowhere.example");
  run_until([&] { return state(id).attempts == 1; });
  EXPECT_EQ(state(id).last_status.enhanced, (EnhancedCode{4, 4, 4}));
  routes_.push_back(route_to("all", "*"));
  queue_->replace_routes(std::make_shared<const RouteTable>(routes_));
  io_.poll();  // the new routes are in force before the clock moves
  advance(hours(1));
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
}

TEST_F(QueueTest, ResumesAtOnceAfterARestartWhatWasUnderWay) {
  script_.is_holding = true;
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return script_.calls["live"] == 1; });
  cancel();
  EXPECT_EQ(stage(id), RecipientStage::Pending);
  EXPECT_EQ(state(id).attempts, 0U) << "cut off by us: no attempt";
  store_.reopen();
  start();
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
}

TEST_F(QueueTest, FinishesWhatIsUnderWayWhenItIsStopped) {
  script_.is_holding = true;
  routes_[0].max_connections = 1;
  start();
  const MessageId running = accept("live.example");
  const MessageId waiting = accept("live.example");
  run_until([&] { return script_.calls["live"] == 1; });
  stop();
  EXPECT_EQ(stage(running), RecipientStage::Delivered);
  EXPECT_EQ(stage(waiting), RecipientStage::Pending);
}

TEST_F(QueueTest, NeverRevivesAMessageCancelledMeanwhile) {
  script_.is_holding = true;
  script_.answer = [](auto&, auto&) { return failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 3, 0}, "later"}); };
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return script_.calls["live"] == 1; });
  ASSERT_TRUE(store_.spool().cancel(id, clock_.now()));
  script_.release();
  run_until([&] { return has_event(id, EventType::RecipientDeferred); });
  EXPECT_EQ(stage(id), RecipientStage::Cancelled);
  EXPECT_TRUE(load(id).delivery.is_settled());
}

TEST_F(QueueTest, DoesNotSendWhatWasCancelledWhileItWaitedForAConnection) {
  routes_[0].max_connections = 1;
  script_.is_holding = true;
  const MessageId first = accept("live.example");
  const MessageId second = accept("live.example");
  start();
  run_until([this] { return script_.running["live"] == 1; });
  ASSERT_TRUE(store_.spool().cancel(second, clock_.now()));
  clock_.advance(std::chrono::seconds(2));
  const MessageId last = accept("live.example");
  script_.release();
  run_until([&] { return stage(last) == RecipientStage::Delivered; });
  EXPECT_EQ(stage(first), RecipientStage::Delivered);
  EXPECT_EQ(stage(second), RecipientStage::Cancelled);
  EXPECT_EQ(script_.delivered.size(), 2U);
}

TEST_F(QueueTest, SeesARetryAskedForByAnotherProcess) {
  bool is_ready = false;
  script_.answer = [&](auto&, auto&) {
    return is_ready ? delivered_report() : failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 3, 0}, "later"});
  };
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return state(id).attempts == 1; });
  is_ready = true;
  clock_.advance(seconds(2));
  ASSERT_TRUE(store_.spool().retry_now(id, clock_.now()));
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
}

TEST_F(QueueTest, ReportsAPermanentFailureToTheSender) {
  script_.answer = [](const std::string&, const Recipient& recipient) {
    if (recipient.mailbox.domain == "sender.example") return delivered_report();
    return failed_report(Outcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "no such user"});
  };
  routes_.push_back(route_to("back", "sender.example"));
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return notification() && stage(notification()->message.id) == RecipientStage::Delivered; });
  EXPECT_EQ(events(id),
            (std::vector{EventType::MessageAccepted, EventType::RecipientBounced, EventType::DsnQueued}));
  const store::MessageRecord dsn = notification()->message;
  EXPECT_FALSE(dsn.envelope.reverse_path) << "RFC 5321 §4.5.5";
  EXPECT_EQ(dsn.account, account_.id);
  EXPECT_EQ(store_.spool().events_of(id).value().back().detail, format_message_id(dsn.id));
}

TEST_F(QueueTest, WritesANoticeThatHoldsTheReportAndTheHeader) {
  script_.answer = bounces_all_but_reports;
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return notification().has_value(); });
  const std::string content = test::read_content(store_.spool(), notification()->message);
  EXPECT_NE(content.find("Content-Type: multipart/report; report-type=delivery-status"), std::string::npos) << content;
  EXPECT_NE(content.find("Final-Recipient: rfc822;to@live.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"), std::string::npos)
      << content;
  EXPECT_NE(content.find("Content-Type: text/rfc822-headers"), std::string::npos);
  EXPECT_NE(content.find("Subject: hello\r\n"), std::string::npos);
  EXPECT_EQ(content.find("body"), std::string::npos) << "RET was not FULL";
  EXPECT_NE(content.find(format_message_id(id)), std::string::npos);
}

TEST_F(QueueTest, ReturnsTheWholeContentWhereRetAsksForIt) {
  script_.answer = bounces_all_but_reports;
  start();
  test::Draft draft = draft_to({"live.example"});
  draft.message.envelope.parameters.ret = DsnReturn::Full;
  const std::string body(200'000, 'x');
  accept(std::move(draft), "Subject: long\r\n\r\n" + body + "\r\n");
  run_until([&] { return notification().has_value(); });
  EXPECT_NE(test::read_content(store_.spool(), notification()->message).find(body), std::string::npos);
}

TEST_F(QueueTest, NeverReportsOnAReport) {
  script_.answer = [](auto&, auto&) { return failed_report(Outcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "no"}); };
  start();
  test::Draft draft = draft_to({"live.example"});
  draft.message.envelope.reverse_path.reset();
  const MessageId id = accept(std::move(draft));
  run_until([&] { return stage(id) == RecipientStage::Bounced; });
  EXPECT_EQ(events(id), (std::vector{EventType::MessageAccepted, EventType::RecipientBounced}));
}

TEST_F(QueueTest, WithholdsANoticeThatWouldLeaveTheSandbox) {
  account_.mode = AccountMode::Sandbox;
  put_account();
  script_.answer = [](auto&, auto&) { return failed_report(Outcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "no"}); };
  start();
  const MessageId withheld = accept("live.example");
  run_until([&] { return stage(withheld) == RecipientStage::Bounced; });
  EXPECT_TRUE(has_event(withheld, EventType::DsnWithheld));
  EXPECT_FALSE(notification());

  ASSERT_TRUE(store_.directory().write([this](store::DirectoryWriter& writer) {
    return writer.add_to_whitelist(account_.id, {"sender@sender.example", clock_.now()});
  }));
  const MessageId allowed = accept("live.example");
  run_until([&] { return has_event(allowed, EventType::DsnQueued); });
}

TEST_F(QueueTest, GivesUpAfterTheLifetimeAndSaysSo) {
  script_.answer = [](auto&, auto&) { return failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 3, 0}, "later"}); };
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return state(id).attempts == 1; });
  advance(settings_.policy.retry.lifetime);
  run_until([&] { return stage(id) == RecipientStage::Expired; });
  EXPECT_TRUE(has_event(id, EventType::DsnQueued));
  const std::string content = test::read_content(store_.spool(), notification()->message);
  EXPECT_NE(content.find("Status: 5.4.7\r\n"), std::string::npos) << content;
}

TEST_F(QueueTest, ExpiresWhatWaitsBehindADeadHostWithoutAnAttempt) {
  settings_.max_leased = 96;
  script_.answer = [](auto&, auto&) { return unreachable_report(); };
  routes_[1].max_connections = 1;
  std::vector<MessageId> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(accept("dead.example"));
  start();
  run_until([&] { return script_.calls["dead"] == 1; });
  advance(settings_.policy.retry.lifetime);
  run_until([&] {
    return std::all_of(ids.begin(), ids.end(), [&](const MessageId& id) { return stage(id) == RecipientStage::Expired; });
  });
  std::size_t attempted = 0;
  for (const MessageId& id : ids) attempted += state(id).attempts;
  EXPECT_EQ(attempted, script_.calls["dead"]);
  EXPECT_LT(attempted, 10U);
}

TEST_F(QueueTest, PlaysTheScenariosOfTestMessages) {
  struct Case {
    const char* local_part;
    RecipientStage stage;
    std::vector<EventType> events;
  };
  using enum EventType;
  const std::vector<Case> cases = {
      {"delivered", RecipientStage::Delivered, {MessageAccepted, RecipientDelivered}},
      {"bounced", RecipientStage::Bounced, {MessageAccepted, RecipientBounced, DsnQueued}},
      {"complained", RecipientStage::Complained, {MessageAccepted, RecipientDelivered, RecipientComplained}},
      {"suppressed", RecipientStage::Suppressed, {MessageAccepted, RecipientSuppressed, DsnQueued}},
      {"deferred",
       RecipientStage::Delivered,
       {MessageAccepted, RecipientDeferred, RecipientDeferred, RecipientDelivered}},
      {"expired",
       RecipientStage::Expired,
       {MessageAccepted, RecipientDeferred, RecipientDeferred, RecipientDeferred, RecipientDeferred, RecipientExpired,
        DsnQueued}},
  };
  start(make_transport_factory(io_.get_executor(), store_.spool(), {.hostname = "relay.example"}));
  for (const Case& c : cases) {
    SCOPED_TRACE(c.local_part);
    test::Draft draft = draft_to({"simulator.postern.test"}, Environment::Test);
    draft.message.envelope.recipients[0].mailbox.local_part = c.local_part;
    const MessageId id = accept(std::move(draft));
    for (unsigned attempt = 1; !load(id).delivery.is_settled(); ++attempt) {
      run_until([&] { return state(id).attempts == attempt; });
      advance(seconds(2));
    }
    EXPECT_EQ(stage(id), c.stage);
    EXPECT_EQ(events(id), c.events);
  }
}

}  // namespace
}  // namespace postern::relay
