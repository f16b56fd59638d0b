// The same refusal has the same token over SMTP, over HTTP and from explain: for every row of the refusal table that the doors
// can say. A new row without a scenario fails the test.
#include "tests/unit/http/doors.h"

#include "core/refusals.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <limits>
#include <map>

namespace postern::http {
namespace {

namespace json = boost::json;

// What a scenario asks of each door. An empty SMTP text or body: that door cannot say it.
struct Scenario {
  std::function<void(Doors&)> prepare = [](Doors&) {};
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

std::string dialogue(std::string_view from, const std::vector<std::string>& to, std::string_view content = "Subject: x\r\n\r\nx\r\n") {
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
    doors.smtp_config().max_recipients = 1;
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
    doors.smtp_config().max_message_octets = 64;
    doors.settings.max_message_octets = 64;
  };
  scenario.smtp = dialogue(kFrom, {kTo}, "Subject: " + std::string(100, 'x') + "\r\n\r\nx\r\n");
  scenario.send = email(kFrom, kTo);
  scenario.explain = question(kFrom, kTo, {{"size", 65}});
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

Scenario http_only(std::function<void(Doors&)> prepare) {
  Scenario scenario = plain(std::move(prepare));
  scenario.smtp.clear();
  return scenario;
}

std::map<Refusal, Scenario> scenarios() {
  const auto bound_key = [](Doors& doors) {
    auth::NewKey wanted;
    wanted.from_domains = {"example.org"};
    doors.use_key(Environment::Live, wanted);
  };
  return {
      {Refusal::ExpiredKey, after_login([](Doors& doors) {
         (void)doors.keys().set_expiry(doors.key, doors.clock.now() - std::chrono::hours(1));
       })},
      {Refusal::RevokedKey, after_login([](Doors& doors) { (void)doors.keys().revoke(doors.key); })},
      {Refusal::KeyNetwork, after_login([](Doors& doors) {
         (void)doors.store().directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
           store::KeyRecord record = writer.find_key(doors.key).value().value();
           record.networks = {parse_ip_network("198.51.100.0/24").value()};
           return writer.put_key(record);
         });
       })},
      {Refusal::AccountSuspended, after_login([](Doors& doors) {
         (void)doors.accounts().set_state(doors.account, store::AccountState::Suspended);
       })},
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
      {Refusal::InvalidRecipient, plain([](Doors&) {}, kFrom, "b@[192.0.2.1]")},
      {Refusal::InvalidSender, plain([](Doors&) {}, "a@-")},
      {Refusal::IdempotencyConflict, idempotency_conflict()},
      {Refusal::StorageFull, storage_full()},
      {Refusal::BareNewline, smtp_only("Subject: x\n\r\nx\r\n")},
      {Refusal::MailLoop, smtp_only(received_fields(60) + "\r\nx\r\n")},
      {Refusal::PermissionDenied, http_only([](Doors& doors) { doors.is_signed_in_user = true; })},
  };
}

// Said before there is a submission, by each server's own code, or only when a disk fails.
constexpr Refusal kBeforeTheDoors[] = {Refusal::AuthRequired,    Refusal::TlsRequired,        Refusal::InvalidKey,
                                       Refusal::TooManyFailures, Refusal::AuthUnavailable,    Refusal::ShuttingDown,
                                       Refusal::TooManyConnections, Refusal::StorageUnavailable};

std::vector<RefusalRow> rows_of_the_doors() {
  std::vector<RefusalRow> rows(refusal_table().begin(), refusal_table().end());
  std::erase_if(rows, [](const RefusalRow& row) { return std::ranges::find(kBeforeTheDoors, row.refusal) != std::end(kBeforeTheDoors); });
  return rows;
}

// The token of the first refusal among the replies.
std::string smtp_token(const std::string& replies) {
  std::string_view rest = replies;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(rest.size(), line.size() + 2));
    if (line.empty() || (line[0] != '4' && line[0] != '5')) continue;
    const std::string_view text = line.substr(line.find(' ', 4) + 1);
    return std::string(text.substr(0, text.find(':')));
  }
  return "no refusal: " + replies;
}

std::string explained_token(const ApiResponse& response) {
  const json::object body = body_of(response);
  if (!body.contains("recipients")) return text_of(body, "name");
  return text_of(body.at("recipients").as_array().back().as_object(), "name");
}

class SameToken : public ::testing::TestWithParam<RefusalRow> {};

TEST_P(SameToken, IsSaidByEveryDoor) {
  const RefusalRow& row = GetParam();
  const auto all = scenarios();
  const auto found = all.find(row.refusal);
  ASSERT_NE(found, all.end()) << row.token << " has no scenario";
  const Scenario& scenario = found->second;
  Doors doors(scenario.limits);
  scenario.prepare(doors);
  bool has_changed = false;
  const auto change = [&] {
    if (!has_changed) scenario.after_login(doors);
    has_changed = true;
  };
  if (!scenario.smtp.empty()) {
    EXPECT_EQ(smtp_token(doors.smtp(scenario.smtp, change)), row.token);
  }
  change();
  if (!scenario.send.empty()) {
    const ApiResponse response = doors.send(scenario.send, scenario.headers);
    EXPECT_EQ(text_of(body_of(response), "name"), row.token) << response.body;
    EXPECT_EQ(response.status, row.http_status);
  }
  if (!scenario.explain.empty()) {
    EXPECT_EQ(explained_token(doors.post("/v1/explain", scenario.explain)), row.token);
  }
  EXPECT_EQ(row.smtp_code != 0, !scenario.smtp.empty()) << "the table says what SMTP can say";
  EXPECT_EQ(row.http_status != 0, !scenario.send.empty()) << "the table says what HTTP can say";
}

INSTANTIATE_TEST_SUITE_P(OfTheTable, SameToken, ::testing::ValuesIn(rows_of_the_doors()),
                         [](const auto& row) { return std::string(row.param.token); });

}  // namespace
}  // namespace postern::http
