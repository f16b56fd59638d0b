// The same refusal has the same token over SMTP, over HTTP and from explain: for every row of the refusal table. A row says which
// doors it has; one without a scenario at each of them fails the test.
#include "tests/unit/api/doors.h"

#include "core/refusals.h"
#include "http/server.h"
#include "net/runtime.h"
#include "tests/faults/disk_faults.h"
#include "tests/support/running_server.h"
#include "tests/support/test_client.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <vector>

namespace postern::api {
namespace {

namespace json = boost::json;
namespace disk = test::disk;

// How far the client has come when it is refused.
enum class Stage {
  Connection,  // accepted by the listener, on real sockets
  Gate,        // a whole session and a whole request, with the credential of the doors
  Submission,  // logged in; the endpoint is called directly, as in a request that was let in before
};

// What a scenario asks of each door. An empty SMTP text or body: that door cannot say it.
struct Scenario {
  Stage stage = Stage::Submission;
  std::function<void(Doors&)> prepare = [](Doors&) {};
  bool is_smtp_only = false;  // at the gate
  std::function<void(Doors&)> after_login = [](Doors&) {};  // for what bites open sessions
  std::string smtp = {};
  std::string send = {};
  std::string explain = {};
  Doors::Headers headers = {};
  store::SpoolLimits limits = test::small_limits();
};

std::string email(std::string_view from, std::string_view to, json::object more = {}) {
  json::object body = std::move(more);
  body["from"] = from;
  body["to"] = to;
  body["subject"] = "Hello";
  body["text"] = "Hello";
  return json::serialize(body);
}

std::string question(std::string_view from, std::string_view to, json::object more = {}) {
  json::object body = std::move(more);
  body["from"] = from;
  body["to"] = to;
  return json::serialize(body);
}

constexpr const char* kFrom = "a@example.org";
constexpr const char* kTo = "b@example.net";

std::string dialogue(std::string_view from, const std::vector<std::string>& to,
                     std::string_view content = "Subject: x\r\n\r\nx\r\n") {
  std::string text = "MAIL FROM:<" + std::string(from) + ">\r\n";
  for (const std::string& recipient : to) text += "RCPT TO:<" + recipient + ">\r\n";
  return text + "DATA\r\n" + std::string(content) + ".\r\n";
}

// The plain transaction through each door.
Scenario plain(std::function<void(Doors&)> prepare, std::string_view from = kFrom, const std::string& to = kTo) {
  Scenario scenario;
  scenario.prepare = std::move(prepare);
  scenario.smtp = dialogue(from, {to});
  scenario.send = email(from, to);
  scenario.explain = question(from, to);
  return scenario;
}

Scenario at_the_gate(std::function<void(Doors&)> prepare) {
  Scenario scenario;
  scenario.stage = Stage::Gate;
  scenario.prepare = std::move(prepare);
  return scenario;
}

Scenario at_the_gate_of_smtp(std::function<void(Doors&)> prepare) {
  Scenario scenario = at_the_gate(std::move(prepare));
  scenario.is_smtp_only = true;
  return scenario;
}

Scenario at_connection() {
  Scenario scenario;
  scenario.stage = Stage::Connection;
  return scenario;
}

Scenario after_login(std::function<void(Doors&)> change) {
  Scenario scenario = plain([](Doors&) {});
  scenario.after_login = std::move(change);
  return scenario;
}

std::string long_names(std::size_t count) {
  json::array list;
  for (std::size_t i = 0; i < count; ++i) list.emplace_back(std::string(300, 'n') + " <b" + std::to_string(i) + "@example.net>");
  return json::serialize(json::object({{"from", kFrom}, {"to", kTo}, {"cc", std::move(list)}, {"subject", "x"}, {"text", "x"}}));
}

json::object many_headers() {
  json::object headers;
  for (int i = 0; i < 300; ++i) headers["X-" + std::to_string(i)] = std::string(900, 'x');
  return json::object({{"headers", std::move(headers)}});
}

Scenario storage_full() {
  Scenario scenario = plain([](Doors&) {});
  scenario.limits.min_free_octets = std::numeric_limits<std::uint64_t>::max() / 2;
  return scenario;
}

Scenario too_many_recipients() {
  Scenario scenario;
  scenario.prepare = [](Doors& doors) {
    doors.smtp_config.max_recipients = 1;
    doors.settings.max_recipients = 1;
  };
  scenario.smtp = dialogue(kFrom, {kTo, "c@example.net"});
  scenario.send = R"({"from": "a@example.org", "to": ["b@example.net", "c@example.net"], "subject": "x", "text": "x"})";
  scenario.explain = R"({"from": "a@example.org", "to": ["b@example.net", "c@example.net"]})";
  return scenario;
}

Scenario message_too_big() {
  Scenario scenario;
  scenario.prepare = [](Doors& doors) {
    doors.smtp_config.max_message_octets = 64;
    doors.settings.max_message_octets = 64;
  };
  scenario.smtp = dialogue(kFrom, {kTo}, "Subject: " + std::string(100, 'x') + "\r\n\r\nx\r\n");
  scenario.send = email(kFrom, kTo);
  scenario.explain = question(kFrom, kTo, {{"size", 65}});
  return scenario;
}

Scenario hold_too_long() {
  Scenario scenario;
  scenario.prepare = [](Doors& doors) { doors.smtp_config.max_hold_seconds = 30UL * 24 * 3600; };
  scenario.smtp = "MAIL FROM:<a@example.org> HOLDFOR=2592001\r\n";
  scenario.send = R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "x", "scheduled_at": "in 31 days"})";
  scenario.explain = question(kFrom, kTo, {{"scheduled_at", "in 31 days"}});
  return scenario;
}

Scenario header_too_big() {
  Scenario scenario;
  std::string header;
  for (int i = 0; i < 300; ++i) header += "X-Long: " + std::string(900, 'x') + "\r\n";
  scenario.smtp = dialogue(kFrom, {kTo}, header + "\r\nx\r\n");
  scenario.send = long_names(990);
  scenario.explain = question(kFrom, kTo, many_headers());
  return scenario;
}

Scenario idempotency_conflict() {
  Scenario scenario;
  scenario.prepare = [](Doors& doors) {
    (void)doors.smtp(dialogue(kFrom, {kTo}, "Idempotency-Key: k\r\n\r\nfirst\r\n"));
  };
  scenario.smtp = dialogue(kFrom, {kTo}, "Idempotency-Key: k\r\n\r\nsecond\r\n");
  scenario.send = email(kFrom, kTo);
  scenario.headers = {{"idempotency-key", "k"}};
  return scenario;
}

std::string received_fields(int count) {
  std::string header;
  for (int i = 0; i < count; ++i) header += "Received: from a by b\r\n";
  return header;
}

Scenario smtp_only(std::string_view content) {
  Scenario scenario;
  scenario.smtp = dialogue(kFrom, {kTo}, content);
  return scenario;
}

Scenario unsubscribing_by_two_words() {
  Scenario scenario = smtp_only("X-Postern-Unsubscribe: two words\r\n\r\nx\r\n");
  scenario.send = R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "x",
                      "headers": {"X-Postern-Unsubscribe": "two words"}})";
  return scenario;
}

// --- What becomes of a key, its account or the disk ---------------------------------------------------------------------

void expire(Doors& doors) { (void)doors.keys.set_expiry(doors.key, doors.clock.now() - std::chrono::hours(1)); }
void revoke(Doors& doors) { (void)doors.keys.revoke(doors.key); }
void suspend(Doors& doors) { (void)doors.accounts.set_state(doors.account, store::AccountState::Suspended); }

void confine(Doors& doors) {
  (void)doors.store.directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
    store::KeyRecord record = writer.find_key(doors.key).value().value().key;
    record.networks = {parse_ip_network("198.51.100.0/24").value()};
    return writer.put_key(record);
  });
}

// A right key still gets in: it is the next wrong one that is told.
void guess(Doors& doors) {
  doors.credential = "pk_live_guessed";
  for (int i = 0; i < 20; ++i) (void)doors.request("/v1/emails", "{}");
}

// In each copy of the key's record, what says how long its name is.
void damage(Doors& doors) {
  const std::filesystem::path path = doors.store.folder() / "directory" / "data.mdb";
  const std::string name = doors.store.directory().find_key(doors.key).value()->key.name;
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const std::string pages{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::size_t copies = 0;
  for (std::size_t at = pages.find(name); at != std::string::npos; at = pages.find(name, at + 1)) {
    file.seekp(static_cast<std::streamoff>(at) - 1).put('\xff');
    ++copies;
  }
  EXPECT_GT(copies, 0U);
}

void use_key_named(Doors& doors, std::string name) {
  auth::NewKey wanted;
  wanted.name = std::move(name);
  doors.use_key(Environment::Live, wanted);
}

using Scenarios = std::multimap<Refusal, Scenario>;

// Who is let in at all.
Scenarios scenarios_of_the_gates() {
  const auto damaged = [](Doors& doors) {
    use_key_named(doors, "damaged-by-this-test");
    damage(doors);
  };
  return {
      {Refusal::AuthRequired, at_the_gate([](Doors& doors) { doors.credential.clear(); })},
      {Refusal::TlsRequired, at_the_gate([](Doors& doors) {
         doors.smtp_config.allows_auth_without_tls = false;
         doors.tls.clear();
       })},
      {Refusal::InvalidKey, at_the_gate([](Doors& doors) { doors.credential = "pk_live_wrong"; })},
      {Refusal::InvalidKey, at_the_gate([](Doors& doors) { (void)doors.keys.remove(doors.key); })},
      {Refusal::InvalidUserName, at_the_gate_of_smtp([](Doors& doors) { doors.user_name = std::string(1'025, 'n'); })},
      {Refusal::ExpiredKey, at_the_gate(expire)},
      {Refusal::RevokedKey, at_the_gate(revoke)},
      {Refusal::KeyNetwork, at_the_gate(confine)},
      {Refusal::AccountSuspended, at_the_gate(suspend)},
      {Refusal::TooManyFailures, at_the_gate(guess)},
      {Refusal::AuthUnavailable, at_the_gate(damaged)},
      {Refusal::ShuttingDown, at_the_gate([](Doors& doors) { doors.is_draining = true; })},
      {Refusal::TooManyConnections, at_connection()},
  };
}

// What a session that is open, or a request that was let in, meets.
Scenarios scenarios_of_submissions() {
  const auto bound_key = [](Doors& doors) {
    auth::NewKey wanted;
    wanted.from_domains = {"example.org"};
    doors.use_key(Environment::Live, wanted);
  };
  Scenario damaged = after_login(damage);
  damaged.prepare = [](Doors& doors) { use_key_named(doors, "damaged-by-this-test"); };
  return {
      {Refusal::ExpiredKey, after_login(expire)},
      {Refusal::RevokedKey, after_login(revoke)},
      {Refusal::KeyNetwork, after_login(confine)},
      {Refusal::AccountSuspended, after_login(suspend)},
      {Refusal::AuthUnavailable, std::move(damaged)},
      {Refusal::SenderNotAllowed, plain(bound_key, "a@elsewhere.example")},
      {Refusal::RecipientNotWhitelisted, plain([](Doors& doors) {
         doors.use_account(AccountMode::Sandbox);
         doors.use_key(Environment::Live);
       })},
      {Refusal::NoRoute, plain([](Doors&) {}, kFrom, "b@unrouted.example")},
      {Refusal::RateLimited, plain([](Doors& doors) {
         doors.use_account(AccountMode::Production, {"none", 0, {}, {}});
         doors.use_key(Environment::Live);
       })},
      {Refusal::QuotaExceeded, plain([](Doors& doors) {
         doors.use_account(AccountMode::Production, {"none", {}, 0, {}});
         doors.use_key(Environment::Live);
       })},
      {Refusal::TooManyRecipients, too_many_recipients()},
      {Refusal::MessageTooBig, message_too_big()},
      {Refusal::HeaderTooBig, header_too_big()},
      {Refusal::HoldTooLong, hold_too_long()},
      {Refusal::InvalidRecipient, plain([](Doors&) {}, kFrom, "b@[192.0.2.1]")},
      {Refusal::InvalidSender, plain([](Doors&) {}, "a@-")},
      {Refusal::IdempotencyConflict, idempotency_conflict()},
      {Refusal::StorageFull, storage_full()},
      {Refusal::StorageUnavailable, plain([](Doors&) { disk::fail(disk::Call::Sync, 1, EIO, true); })},
      {Refusal::BareNewline, smtp_only("Subject: x\n\r\nx\r\n")},
      {Refusal::InvalidMessage, smtp_only("From: a@example.org\r\nFrom: b@example.org\r\n\r\nx\r\n")},
      {Refusal::InvalidMessage, smtp_only(std::string("Subject: \0\r\n\r\nx\r\n", 17))},
      {Refusal::InvalidMessage, unsubscribing_by_two_words()},
      {Refusal::MailLoop, smtp_only(received_fields(60) + "\r\nx\r\n")},
  };
}

// --- What each door says ------------------------------------------------------------------------------------------------

struct Said {
  std::optional<std::string> smtp;  // all replies
  std::optional<ApiResponse> send;
  std::optional<ApiResponse> explain;
};

class NobodyIsServed final : public http::RequestHandler {
 public:
  http::Response refuse(http::Fault fault, std::string_view detail) override { return api_fault(fault, detail); }
  std::unique_ptr<http::Exchange> open_exchange(const http::PeerFacts&) override {
    ADD_FAILURE() << "there is no room for anybody";
    return nullptr;
  }
  void request_ended(const http::RequestOutcome&) override {}
};

ApiResponse parse_response(const std::string& octets) {
  const std::size_t end = octets.find("\r\n\r\n");
  ApiResponse response;
  if (end == std::string::npos) return response;
  response.status = static_cast<std::uint16_t>(std::stoul(octets.substr(std::string_view("HTTP/1.1 ").size(), 3)));
  response.body = octets.substr(end + 4);
  return response;
}

Said said_at_connection() {
  Said said;
  test::ServerPlan plan;
  plan.options.admission.total = 0;
  test::RunningServer smtp(plan);
  said.smtp = test::TestClient(smtp.port()).read_to_end();

  NobodyIsServed handler;
  const SystemClock clock;
  SystemRandom random;
  http::ServerOptions options;
  options.admission.total = 0;
  net::Runtime runtime(1);
  http::Server server(runtime.io_executors(), handler, clock, random, options);
  server.listen({.address = "127.0.0.1"}).value();
  runtime.start();
  server.start();
  const auto post = [&](const std::string& path) {
    test::TestClient client(server.ports().front());
    client.send("POST " + path + " HTTP/1.1\r\nHost: relay.example\r\nContent-Length: 0\r\n\r\n");
    return parse_response(client.read_to_end());
  };
  said.send = post("/v1/emails");
  said.explain = post("/v1/explain");
  server.drain(std::chrono::seconds(120));
  return said;
}

Said said_at_the_gate(const Scenario& scenario) {
  Doors doors(scenario.limits);
  scenario.prepare(doors);
  Said said;
  said.smtp = doors.smtp_from_the_start();
  if (scenario.is_smtp_only) return said;
  said.send = doors.request("/v1/emails", email(kFrom, kTo));
  said.explain = doors.request("/v1/explain", question(kFrom, kTo));
  return said;
}

Said said_of_submission(const Scenario& scenario) {
  Doors doors(scenario.limits);
  scenario.prepare(doors);
  bool has_changed = false;
  const auto change = [&] {
    if (!has_changed) scenario.after_login(doors);
    has_changed = true;
  };
  Said said;
  if (!scenario.smtp.empty()) said.smtp = doors.smtp(scenario.smtp, change);
  change();
  if (!scenario.send.empty()) said.send = doors.send(scenario.send, scenario.headers);
  if (!scenario.explain.empty()) said.explain = doors.post("/v1/explain", scenario.explain);
  return said;
}

Said said_in(const Scenario& scenario) {
  switch (scenario.stage) {
    case Stage::Connection: return said_at_connection();
    case Stage::Gate: return said_at_the_gate(scenario);
    case Stage::Submission: break;
  }
  return said_of_submission(scenario);
}

// --- What the row wants -------------------------------------------------------------------------------------------------

// The refusal among the replies, up to its text: the first, or the last where it ends the session.
std::string smtp_refusal(std::string_view replies, const RefusalRow& row) {
  std::string refusal = "none: " + std::string(replies);
  while (!replies.empty()) {
    const std::string_view line = replies.substr(0, replies.find("\r\n"));
    replies.remove_prefix(std::min(replies.size(), line.size() + 2));
    if (line.empty() || (line[0] != '4' && line[0] != '5')) continue;
    refusal = std::string(line.substr(0, line.find(':')));
    if (!row.ends_session) break;
  }
  return refusal;
}

std::string expected_refusal(const RefusalRow& row, Stage stage) {
  const bool is_dead_key = stage == Stage::Submission && row.open_session_code;
  const std::string code = is_dead_key ? std::to_string(*row.open_session_code) + " 5.7.1" :
                                         std::to_string(row.smtp_code) + ' ' + format_enhanced_code(row.enhanced);
  return code + ' ' + std::string(row.token);
}

void expect_refused(const ApiResponse& response, const RefusalRow& row) {
  EXPECT_EQ(response.status, row.http_status) << response.body;
  EXPECT_EQ(text_of(body_of(response), "name"), row.token) << response.body;
}

// explain answers 200 with what would be; where it is not let in, it is refused as anything else.
void expect_explained(const ApiResponse& response, const RefusalRow& row) {
  const json::object body = body_of(response);
  if (!body.contains("recipients")) return expect_refused(response, row);
  const json::object& last = body.at("recipients").as_array().back().as_object();
  EXPECT_EQ(text_of(last, "name"), row.token) << response.body;
  EXPECT_EQ(last.at("statusCode").to_number<int>(), row.http_status);
  EXPECT_TRUE(text_of(last.at("smtp").as_object(), "text").starts_with(std::string(row.token) + ':')) << response.body;
}

// explain is told no content. RFC 3463 §3.7: X.6.X is what is wrong with content.
bool has_explanation(const RefusalRow& row) { return row.http_status != 0 && row.enhanced.subject != 6; }

class SameToken : public ::testing::TestWithParam<RefusalRow> {
 protected:
  ~SameToken() override { disk::reset(); }
};

TEST_P(SameToken, IsSaidByEveryDoor) {
  const RefusalRow& row = GetParam();
  Scenarios all = scenarios_of_the_gates();
  all.merge(scenarios_of_submissions());
  bool by_smtp = false;
  bool by_send = false;
  bool by_explain = false;
  for (const auto& [refusal, scenario] : std::ranges::subrange(all.lower_bound(row.refusal), all.upper_bound(row.refusal))) {
    const Said said = said_in(scenario);
    if (said.smtp) {
      EXPECT_EQ(smtp_refusal(*said.smtp, row), expected_refusal(row, scenario.stage));
    }
    if (said.send) expect_refused(*said.send, row);
    if (said.explain) expect_explained(*said.explain, row);
    by_smtp = by_smtp || said.smtp;
    by_send = by_send || said.send;
    by_explain = by_explain || said.explain;
  }
  EXPECT_EQ(by_smtp, row.smtp_code != 0) << "the table says what SMTP can say";
  EXPECT_EQ(by_send, row.http_status != 0) << "the table says what HTTP can say";
  EXPECT_EQ(by_explain, has_explanation(row)) << "the table says what explain can foresee";
}

// What only the door of arriving mail says, where nobody submits, is played by tests/e2e/t51_inbound.
constexpr Refusal kOfArrivingMail[] = {Refusal::NotHosted, Refusal::UnknownRecipient, Refusal::AnotherAccount, Refusal::Greylisted,
                                       Refusal::AuthorUnclear, Refusal::DmarcFailed};

// Said of who asks, before there is anything to submit: ApiMembersTest.LetsAPersonAskByAKeyOfTheAccountThatIsNamed.
constexpr Refusal kOfCallers = Refusal::PermissionDenied;

std::vector<RefusalRow> rows_of_submission() {
  std::vector<RefusalRow> rows(refusal_table().begin(), refusal_table().end());
  std::erase_if(rows, [](const RefusalRow& row) {
    return row.refusal == kOfCallers || std::ranges::count(kOfArrivingMail, row.refusal) != 0;
  });
  return rows;
}

INSTANTIATE_TEST_SUITE_P(OfTheTable, SameToken, ::testing::ValuesIn(rows_of_submission()),
                         [](const auto& row) { return std::string(row.param.token); });

}  // namespace
}  // namespace postern::api
