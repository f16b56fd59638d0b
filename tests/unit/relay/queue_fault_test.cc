// The queue when things go wrong around it: reads that fail, accounts that are suspended or removed, mail that breaks every
// session, routes that change under way. Real store, real reads; this executable's own mdb_txn_renew stands in front of LMDB's.
#include "tests/support/captured_log.h"
#include "tests/unit/relay/queue_fixture.h"

#include <dlfcn.h>
#include <lmdb.h>

#include <atomic>
#include <span>

namespace {

std::atomic<int> reads_until_failure{0};  // 0: none fails

}  // namespace

// As if every slot for readers was taken, for one read.
extern "C" int mdb_txn_renew(MDB_txn* transaction) {
  using Renew = int (*)(MDB_txn*);
  static const auto real = reinterpret_cast<Renew>(::dlsym(RTLD_NEXT, "mdb_txn_renew"));
  if (reads_until_failure > 0 && --reads_until_failure == 0) return MDB_READERS_FULL;
  return real(transaction);
}

namespace postern::relay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using store::RecipientStage;

class QueueFaultTest : public QueueFixture {
 protected:
  bool is_delivered(const std::vector<MessageId>& ids) {
    return std::ranges::all_of(ids, [this](const MessageId& id) { return stage(id) == RecipientStage::Delivered; });
  }
  // Lets time go by until then.
  void run_on_until(const std::function<bool()>& is_reached) {
    run_until([&] {
      if (is_reached()) return true;
      advance(milliseconds(250));
      return false;
    });
  }
  MessageId accept_of(const AccountId& account, const std::string& domain = "live.example") {
    test::Draft draft = draft_to({domain});
    draft.message.account = account;
    for (Event& event : draft.events) event.account = account;
    return accept(std::move(draft));
  }
};

// Whichever of the queue's reads fails, once: of the due index, of a message, of an account, of a suppression. Nothing is stranded,
// and nothing has to be found by the sweep.
TEST_F(QueueFaultTest, DeliversABacklogWhicheverReadFails) {
  settings_.max_leased = 96;  // 32 for each destination: the rest is passed over and read again
  for (const int nth : {1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144}) {
    SCOPED_TRACE(nth);
    test::CapturedLog log;
    std::vector<MessageId> ids;
    for (int i = 0; i < 40; ++i) ids.push_back(accept("live.example"));
    script_.delivered.clear();
    reads_until_failure = nth;
    start();
    run_until([&] { return script_.delivered.size() >= 30 || reads_until_failure == 0; });
    run_on_until([&] { return script_.delivered.size() >= ids.size(); });
    reads_until_failure = 0;
    run_until([&] { return is_delivered(ids); });
    EXPECT_EQ(script_.delivered.size(), ids.size()) << "each once";
    stop();
    EXPECT_EQ(log.finish().find("queue_stranded"), std::string::npos);
  }
}

TEST_F(QueueFaultTest, FindsWhatIsDueAndInNobodysHandsAndSaysSoOnce) {
  test::CapturedLog log;
  start();
  const MessageId first = accept("live.example");
  run_until([&] { return stage(first) == RecipientStage::Delivered; });
  test::Draft draft = draft_to({"live.example"});
  const Instant due = clock_.now() - hours(1);  // far behind what was looked at
  draft.delivery.due = due;
  draft.delivery.recipients[0].next_attempt = due;
  const MessageId stranded = draft.message.id;
  ASSERT_TRUE(test::commit_draft(store_.spool(), std::move(draft), "x\r\n"));
  run_on_until([&] { return stage(stranded) == RecipientStage::Delivered; });
  clock_.advance(hours(1));
  const MessageId last = accept("live.example");
  run_on_until([&] { return stage(last) == RecipientStage::Delivered; });
  stop();
  const std::string lines = log.finish();
  const std::size_t said = lines.find("queue_stranded messages=1");
  EXPECT_NE(said, std::string::npos) << lines;
  EXPECT_EQ(lines.find("queue_stranded", said + 1), std::string::npos) << lines;
}

TEST_F(QueueFaultTest, HoldsTheMailOfASuspendedAccountUntilItIsResumed) {
  const AccountId other = add_account("other");
  const MessageId early = accept("live.example");
  set_state(store::AccountState::Suspended);
  start();
  const MessageId late = accept("live.example");
  const MessageId theirs = accept_of(other);
  run_until([&] { return stage(theirs) == RecipientStage::Delivered && state(late).last_status.code != 0; });
  EXPECT_EQ(events(early), (std::vector{EventType::MessageAccepted, EventType::RecipientDeferred})) << "said";
  EXPECT_EQ(state(early).last_status.enhanced, (EnhancedCode{4, 7, 1}));
  EXPECT_EQ(state(early).attempts, 0U);
  for (int i = 0; i < 40; ++i) {
    advance(minutes(5));
    run_until([&] { return io_.poll() == 0; });
  }
  EXPECT_EQ(stage(early), RecipientStage::Pending);
  EXPECT_EQ(events(early).size(), 2U) << "said once";
  set_state(store::AccountState::Active);
  run_on_until([&] { return is_delivered({early, late}); });
  EXPECT_EQ(script_.delivered.size(), 3U);
}

TEST_F(QueueFaultTest, HoldsWhatWaitedForAConnectionWhenItsAccountWasSuspended) {
  routes_[0].max_connections = 1;
  script_.is_holding = true;
  const MessageId running = accept("live.example");
  const MessageId waiting = accept("live.example");
  start();
  run_until([&] { return script_.running["live"] == 1; });
  set_state(store::AccountState::Suspended);
  advance(seconds(2));
  run_until([&] { return io_.poll() == 0; });
  script_.release();
  run_until([&] { return stage(running) == RecipientStage::Delivered && state(waiting).last_status.code != 0; });
  EXPECT_EQ(script_.delivered.size(), 1U);
  set_state(store::AccountState::Active);
  run_on_until([&] { return stage(waiting) == RecipientStage::Delivered; });
}

TEST_F(QueueFaultTest, ExpiresHeldMailAndHoldsItOverARestart) {
  set_state(store::AccountState::Suspended);
  const MessageId id = accept("live.example");
  start();
  run_until([&] { return state(id).last_status.code != 0; });
  stop();
  start();
  run_until([&] { return io_.poll() == 0; });
  EXPECT_EQ(stage(id), RecipientStage::Pending);
  advance(settings_.policy.retry.lifetime);
  run_on_until([&] { return stage(id) == RecipientStage::Expired; });
  EXPECT_TRUE(script_.delivered.empty());
}

// 200 messages of one account at whose content the next hop hangs up: whoever shares the route does not feel it.
TEST_F(QueueFaultTest, SendsAnAccountsMailPastAnothersThatBreaksEverySession) {
  const AccountId poisoner = add_account("poisoner");
  script_.answer = [](const std::string&, const Recipient& recipient) {
    if (recipient.mailbox.local_part != "poison") return delivered_report();
    return failed_report(Outcome::Deferred, Status{421, EnhancedCode{4, 3, 2}, "bye"}, Contact::Broken);
  };
  std::vector<MessageId> poison;
  for (int i = 0; i < 60; ++i) {
    test::Draft draft = draft_to({"live.example"});
    draft.message.account = poisoner;
    draft.message.envelope.recipients[0].mailbox.local_part = "poison";
    poison.push_back(accept(std::move(draft)));
  }
  test::CapturedLog log;
  start();
  std::vector<MessageId> good;
  for (int i = 0; i < 20; ++i) good.push_back(accept("live.example"));
  run_until([&] { return is_delivered(good); });
  run_until([&] { return std::ranges::all_of(poison, [&](const MessageId& id) { return state(id).attempts == 1; }); });
  stop();
  EXPECT_EQ(log.finish().find("destination_unavailable"), std::string::npos);
}

TEST_F(QueueFaultTest, SendsNewMailPastAnAccountsBacklog) {
  const AccountId other = add_account("other");
  settings_.max_leased = 96;
  routes_[0].max_connections = 1;
  script_.is_holding = true;
  std::vector<MessageId> all;
  for (int i = 0; i < 100; ++i) all.push_back(accept("live.example"));
  start();
  run_until([&] { return script_.running["live"] == 1; });
  std::vector<MessageId> theirs;
  for (int i = 0; i < 20; ++i) {
    test::Draft draft = draft_to({"live.example"});
    draft.message.account = other;
    draft.message.envelope.recipients[0].mailbox.local_part = "theirs";
    const store::DueEntry entry{*draft.delivery.due, draft.message.id, draft.delivery.lane, other};
    theirs.push_back(draft.message.id);
    ASSERT_TRUE(test::commit_draft(store_.spool(), std::move(draft), "x\r\n"));
    queue_->accepted(entry);
  }
  run_until([&] { return io_.poll() == 0; });
  all.insert(all.end(), theirs.begin(), theirs.end());
  // A hop that is slower than the disk: one that takes all at once is done before what it took is written down, and room made.
  const auto settled = [&] {
    return std::ranges::count_if(all, [&](const MessageId& id) { return state(id).stage == store::RecipientStage::Delivered; });
  };
  while (!is_delivered(theirs)) {
    const std::ptrdiff_t before = std::ssize(script_.delivered);
    script_.gate.cancel();
    run_until([&] {
      const bool has_next = script_.running["live"] == 1 || is_delivered(theirs);
      return std::ssize(script_.delivered) > before && settled() == std::ssize(script_.delivered) && has_next;
    });
  }
  script_.release();
  const auto last = std::find(script_.delivered.rbegin(), script_.delivered.rend(), "theirs@live.example");
  EXPECT_LT(script_.delivered.rend() - last, 100) << "they take turns, whatever the backlog";
  const auto first_turns = std::span(script_.delivered).first(20);
  EXPECT_GE(std::ranges::count(first_turns, "theirs@live.example"), 8);
  run_until([&] { return script_.delivered.size() == 120; });
}

TEST_F(QueueFaultTest, SaysAnOutageOnceAndProbesAtOnceWhenAnOperatorAsks) {
  test::CapturedLog log;
  bool is_dead = true;
  script_.answer = [&](auto&, auto&) { return is_dead ? unreachable_report() : delivered_report(); };
  routes_[1].max_connections = 1;
  start();
  std::vector<MessageId> ids;
  for (int i = 0; i < 12; ++i) ids.push_back(accept("dead.example"));
  run_on_until([&] { return script_.calls["dead"] >= 9; });
  const auto pause = [this] {
    const std::vector<store::DestinationPause> pauses = store_.spool().list_pauses().value();
    return pauses.empty() ? store::DestinationPause{} : pauses.front();
  };
  run_until([&] { return pause().until > clock_.now() + minutes(2); });
  EXPECT_EQ(pause().name, "dead");
  EXPECT_EQ(pause().why.enhanced, (EnhancedCode{4, 4, 1}));
  const MessageId id = ids.front();
  is_dead = false;
  ASSERT_TRUE(store_.spool().retry_now(id, clock_.now()));
  ASSERT_TRUE(store_.spool().clear_pauses());
  for (int poll = 0; poll < 2; ++poll) {  // far less than the pause
    advance(seconds(2));
    run_until([&] { return io_.poll() == 0; });
  }
  run_until([&] { return stage(id) == RecipientStage::Delivered; });
  run_until([&] { return store_.spool().list_pauses().value().empty(); });
  stop();
  const std::string lines = log.finish();
  const std::size_t said = lines.find("destination_unavailable route=dead");
  ASSERT_NE(said, std::string::npos) << lines;
  EXPECT_EQ(lines.find("destination_unavailable", said + 1), std::string::npos) << lines;
  EXPECT_NE(lines.find("destination_recovered route=dead"), std::string::npos) << lines;
}

TEST_F(QueueFaultTest, NeverRunsMoreThanARouteAllowsHoweverOftenItIsReloaded) {
  for (const bool changes : {false, true}) {
    SCOPED_TRACE(changes);
    script_.calls.clear();
    script_.most_running.clear();
    script_.delivered.clear();
    routes_[0].max_connections = 4;
    script_.is_holding = true;
    std::vector<MessageId> ids;
    for (int i = 0; i < 30; ++i) ids.push_back(accept("live.example"));
    start();
    run_until([&] { return script_.running["live"] == 4; });
    for (int reload = 0; reload < 10; ++reload) {
      if (changes) ++routes_[0].max_messages_per_connection;
      queue_->replace_routes(std::make_shared<const RouteTable>(routes_));
      advance(seconds(2));
      run_until([&] { return io_.poll() == 0; });
    }
    EXPECT_EQ(script_.running["live"], 4U);
    script_.release();
    run_until([&] { return is_delivered(ids); });
    EXPECT_EQ(script_.most_running["live"], 4U);
    EXPECT_EQ(script_.delivered.size(), ids.size());
    stop();
  }
}

TEST_F(QueueFaultTest, ReportsWhatARemovedAccountLeftInTheQueue) {
  script_.answer = [](const std::string& route, const Recipient&) {
    if (route == "sender") return delivered_report();
    return failed_report(Outcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "no such user"});
  };
  test::CapturedLog log;
  const MessageId id = accept("live.example");
  ASSERT_TRUE(store_.directory().write([this](store::DirectoryWriter& writer) { return writer.remove_account(account_.id); }));
  start();
  run_until([&] { return notification() && stage(notification()->message.id) == RecipientStage::Delivered; });
  EXPECT_TRUE(has_event(id, EventType::DsnQueued));
  stop();
  EXPECT_EQ(log.finish().find("error"), std::string::npos);
}

TEST_F(QueueFaultTest, WithholdsAReportThatNoRouteLeadsFor) {
  script_.answer = [](auto&, auto&) { return failed_report(Outcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "no"}); };
  routes_.resize(2);
  start();
  const MessageId id = accept("live.example");
  run_until([&] { return stage(id) == RecipientStage::Bounced; });
  EXPECT_TRUE(has_event(id, EventType::DsnWithheld));
  EXPECT_EQ(store_.spool().events_of(id).value().back().detail, "no_route");
  EXPECT_FALSE(notification());
}

TEST_F(QueueFaultTest, DropsAReportWhoseRouteIsGone) {
  script_.answer = [](const std::string& route, const Recipient&) {
    if (route == "sender") return failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 3, 0}, "later"});
    return failed_report(Outcome::Bounced, Status{550, EnhancedCode{5, 1, 1}, "no"});
  };
  start();
  accept("live.example");
  run_until([&] { return notification() && state(notification()->message.id).attempts == 1; });
  routes_.resize(2);
  queue_->replace_routes(std::make_shared<const RouteTable>(routes_));
  run_until([&] { return io_.poll() == 0; });
  run_on_until([&] { return load(notification()->message.id).delivery.is_settled(); });
  EXPECT_EQ(stage(notification()->message.id), RecipientStage::Bounced);
}

}  // namespace
}  // namespace postern::relay
