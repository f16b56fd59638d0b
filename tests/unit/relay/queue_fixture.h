// A queue over a real store, on the test's own thread: its loop runs only inside run_until(), so a test decides when what
// happens. The clock stands still unless the test moves it.
#pragma once

#include "core/mailbox.h"
#include "relay/queue.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <deque>

namespace postern::relay {

// What the transports of a test do, and what they were asked for.
struct TransportScript {
  explicit TransportScript(net::asio::io_context& io) : gate(io, net::asio::steady_timer::time_point::max()) {}

  std::function<RecipientReport(const std::string& route, const Recipient&)> answer;
  bool is_holding = false;
  net::asio::steady_timer gate;  // waited for while holding; cancel() lets all through

  std::map<std::string, std::size_t> calls;    // by route
  std::map<std::string, std::size_t> running;  // by route
  std::map<std::string, std::size_t> most_running;
  std::vector<std::string> delivered;          // addresses in order
  std::size_t transports = 0;                  // that there are
  std::size_t most_transports = 0;

  void release() {
    is_holding = false;
    gate.cancel();
  }
};

class ScriptedTransport final : public Transport {
 public:
  ScriptedTransport(TransportScript& script, std::string route) : script_(script), route_(std::move(route)) {
    script_.most_transports = std::max(script_.most_transports, ++script_.transports);
  }
  ~ScriptedTransport() override { --script_.transports; }

  net::Awaitable<std::vector<RecipientReport>> deliver(DeliveryRequest request) override {
    ++script_.calls[route_];
    const std::size_t running = ++script_.running[route_];
    script_.most_running[route_] = std::max(script_.most_running[route_], running);
    if (script_.is_holding) {
      co_await script_.gate.async_wait(net::asio::as_tuple(net::asio::use_awaitable_t<net::Executor>()));
    }
    --script_.running[route_];
    std::vector<RecipientReport> reports;
    for (const std::uint32_t index : request.recipients) reports.push_back(report(*request.message, index));
    co_return reports;
  }
  void cancel() override {
    is_cancelled_ = true;
    script_.release();
  }

 private:
  RecipientReport report(const store::StoredMessage& stored, std::uint32_t index) {
    RecipientReport report;
    if (!is_cancelled_) report = script_.answer(route_, stored.message.envelope.recipients[index]);
    report.index = index;
    if (report.outcome == Outcome::Delivered) {
      script_.delivered.push_back(format_mailbox(stored.message.envelope.recipients[index].mailbox));
    }
    return report;
  }

  TransportScript& script_;
  std::string route_;
  bool is_cancelled_ = false;
};

inline RecipientReport delivered_report() {
  RecipientReport report;
  report.outcome = Outcome::Delivered;
  report.status = Status{250, EnhancedCode{2, 0, 0}, "ok"};
  return report;
}
inline RecipientReport failed_report(Outcome outcome, Status status, Contact contact = Contact::Good) {
  RecipientReport report;
  report.outcome = outcome;
  report.status = std::move(status);
  report.contact = contact;
  return report;
}
inline RecipientReport unreachable_report() {
  return failed_report(Outcome::Deferred, Status{451, EnhancedCode{4, 4, 1}, "cannot connect"}, Contact::None);
}

inline Route route_to(std::string name, std::string domain) {
  Route route;
  route.name = std::move(name);
  route.domains = {std::move(domain)};
  route.host = "127.0.0.1";
  return route;
}

class QueueFixture : public ::testing::Test {
 protected:
  QueueFixture() : script_(io_) {
    script_.answer = [](const std::string&, const Recipient&) { return delivered_report(); };
    account_.id = make_account_id(random_);
    account_.name = "tests";
    account_.mode = AccountMode::Production;
    put_account();
    routes_ = {route_to("live", "live.example"), route_to("dead", "dead.example"), route_to("sender", "sender.example")};
  }
  ~QueueFixture() override { stop(); }

  void set_state(store::AccountState state) {
    account_.state = state;
    put_account();
  }
  // Puts an account beside the fixture's own in the store.
  AccountId add_account(const std::string& name) {
    store::AccountRecord other = account_;
    other.id = make_account_id(random_);
    other.name = name;
    EXPECT_TRUE(store_.directory().write([&](store::DirectoryWriter& writer) { return writer.put_account(other); }));
    return other.id;
  }
  void put_account() {
    ASSERT_TRUE(store_.directory().write([this](store::DirectoryWriter& writer) { return writer.put_account(account_); }));
  }

  TransportFactory scripted() {
    return [this](const std::shared_ptr<const RouteTable>&, const Route* route) {
      return std::make_unique<ScriptedTransport>(script_, route == nullptr ? "simulation" : route->name);
    };
  }

  void start() { start(scripted()); }
  void start(TransportFactory factory) {
    settings_.notices.hostname = "relay.example";
    queue_ = std::make_unique<Queue>(QueueParts{io_.get_executor(), *store_, clock_, random_, std::move(factory)}, settings_,
                                     std::make_shared<const RouteTable>(routes_));
    tasks_ = std::make_unique<net::TaskGroup>();
    ASSERT_TRUE(tasks_->start(io_.get_executor(), queue_->make_task()));
  }
  void stop() {
    if (!tasks_) return;
    tasks_->stop_all();
    net::asio::post(io_, [this] { script_.release(); });  // after the queue was told to stop
    run_until([this] { return tasks_->count() == 0; });
    tasks_.reset();
    queue_.reset();
  }
  void cancel() {
    tasks_->cancel_all();
    run_until([this] { return tasks_->count() == 0; });
    tasks_.reset();
    queue_.reset();
  }

  // Runs the queue until `is_reached`. A test that waits in vain fails.
  void run_until(const std::function<bool()>& is_reached) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (!is_reached()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain";
      io_.run_one_for(std::chrono::milliseconds(100));
    }
  }
  void advance(Duration by) {
    clock_.advance(by);
    queue_->wake();
  }

  test::Draft draft_to(const std::vector<std::string>& domains, Environment environment = Environment::Live) {
    test::Draft draft = test::make_draft(make_message_id(clock_.now() + Duration{++made_}, random_), clock_.now(), domains,
                                         environment);
    draft.message.account = account_.id;
    draft.delivery.lane = store::lane_of_pending(draft.message, draft.delivery);
    for (Event& event : draft.events) event.account = account_.id;
    return draft;
  }
  MessageId accept(test::Draft draft, const std::string& content = "Subject: hello\r\n\r\nbody\r\n") {
    const MessageId id = draft.message.id;
    EXPECT_TRUE(test::commit_draft(store_.spool(), std::move(draft), content));
    if (queue_) queue_->wake();
    return id;
  }
  MessageId accept(const std::string& domain) { return accept(draft_to({domain})); }

  store::StoredMessage load(const MessageId& id) { return store_.spool().find(id).value().value(); }
  store::RecipientState state(const MessageId& id, std::size_t recipient = 0) {
    return load(id).delivery.recipients.at(recipient);
  }
  store::RecipientStage stage(const MessageId& id, std::size_t recipient = 0) { return state(id, recipient).stage; }
  std::vector<EventType> events(const MessageId& id) {
    std::vector<EventType> types;
    const std::vector<Event> found = store_.spool().events_of(id).value();
    for (const Event& event : found) types.push_back(event.type);
    return types;
  }
  bool has_event(const MessageId& id, EventType type) {
    const std::vector<EventType> found = events(id);
    return std::find(found.begin(), found.end(), type) != found.end();
  }
  // The one notification in the spool.
  std::optional<store::StoredMessage> notification() {
    const std::vector<store::StoredMessage> listed = store_.spool().list(std::nullopt, 1'000).value();
    for (const store::StoredMessage& stored : listed) {
      if (stored.message.origin == store::MessageOrigin::Notification) return stored;
    }
    return std::nullopt;
  }

  net::asio::io_context io_;
  net::asio::executor_work_guard<net::asio::io_context::executor_type> between_queues_{io_.get_executor()};
  TransportScript script_;
  test::TempStore store_;
  test::FakeClock clock_;
  test::FakeRandom random_;
  store::AccountRecord account_;
  QueueSettings settings_;
  std::vector<Route> routes_;
  std::unique_ptr<Queue> queue_;
  std::unique_ptr<net::TaskGroup> tasks_;
  int made_ = 0;
};

}  // namespace postern::relay
