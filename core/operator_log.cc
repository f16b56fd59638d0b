// The names of facts and fields are what operators search for: docs/operations.md lists them.
#include "core/operator_log.h"

#include "core/log.h"
#include "core/log_budget.h"
#include "core/time_format.h"

#include <chrono>
#include <mutex>
#include <string>
#include <utility>

namespace postern::operator_log {
namespace {

using log::Level;

constexpr std::size_t kMaxLoggedText = 256;  // of a next hop's reply; the whole text is in the event

std::string peer_text(const IpAddress& peer) { return format_ip_address(peer); }

// Of one account: each recipient of a batch that is refused would be a line.
constexpr std::uint32_t kRefusalLinesPerSecond = 100;
// Of one account's test mail, which has neither rate nor quota. Live mail's lines are bounded by the plan.
constexpr std::uint32_t kTestLinesPerSecond = 1'000;
// Of one client address, before anybody knows who it is.
constexpr std::uint32_t kStrangerLinesPerSecond = 20;

struct Budgets {
  LogBudget<AccountId> refusals{kRefusalLinesPerSecond};
  LogBudget<AccountId> tests{kTestLinesPerSecond};
  LogBudget<IpAddress> strangers{kStrangerLinesPerSecond};
};
Budgets& budgets() {
  static Budgets all;
  return all;
}

std::int64_t this_second() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool may_log_refusal(const Client& client) { return budgets().refusals.take(client.account, this_second()); }
bool may_log_mail(const AccountId& account, Environment environment) {
  return environment == Environment::Live || budgets().tests.take(account, this_second());
}

// Names do not change while an account is there.
class AccountNames {
 public:
  void ask(NameOfAccount look_up) {
    const std::lock_guard lock(mutex_);
    look_up_ = std::move(look_up);
    known_ = {};
  }
  std::string find(const AccountId& id) {
    const std::lock_guard lock(mutex_);
    if (const std::string* name = known_.find(id)) return *name;
    std::string name = look_up_ ? look_up_(id) : std::string();
    if (name.empty()) return "-";
    known_.touch(id).first = name;
    known_.shrink_to(kMaxLogParties);
    return name;
  }

 private:
  std::mutex mutex_;
  NameOfAccount look_up_;
  RecentMap<AccountId, std::string> known_;
};
AccountNames& names() {
  static AccountNames all;
  return all;
}

std::string_view clipped(std::string_view text) { return text.substr(0, kMaxLoggedText); }

std::string optional_id(const std::optional<MessageId>& id) { return id ? format_message_id(*id) : "-"; }

void attempted(Level level, std::string_view fact, const Attempt& attempt, const Status& status) {
  if (!log::is_enabled(level) || !may_log_mail(attempt.account, attempt.environment)) return;
  const std::string said = format_status(status);
  log::write(level, fact,
             {{"id", format_message_id(attempt.message)},
              {"account", format_id(attempt.account)},
              {"account_name", account_name(attempt.account)},
              {"environment", environment_name(attempt.environment)},
              {"recipient", attempt.recipient},
              {"route", attempt.route},
              {"remote", attempt.remote},
              {"attempts", std::uint64_t{attempt.attempts}},
              {"class", attempt.failure.empty() ? "-" : attempt.failure},
              {"status", clipped(said)}});
}

void message_failed(std::string_view event, const Client& client, const MessageId& id, const Error& error) {
  log::write(Level::Error, event,
             {{"id", format_message_id(id)},
              {"error", error.message()},
              {"account", format_id(client.account)},
              {"account_name", account_name(client.account)},
              {"key", format_id(client.key)},
              {"peer", peer_text(client.peer)}});
}

}  // namespace

void name_accounts(NameOfAccount look_up) { names().ask(std::move(look_up)); }

std::string account_name(const AccountId& account) { return names().find(account); }

void sum_up() {
  const auto say = [](std::string_view who, const std::string& name, std::uint64_t lines, std::string_view kind) {
    log::write(Level::Warning, "log_lines_left_out", {{"kind", kind}, {"lines", lines}, {who, name}});
  };
  for (const auto& [account, lines] : budgets().refusals.take_left_out()) {
    say("account", format_id(account) + " " + account_name(account), lines, "refusals");
  }
  for (const auto& [account, lines] : budgets().tests.take_left_out()) {
    say("account", format_id(account) + " " + account_name(account), lines, "test_mail");
  }
  for (const auto& [peer, lines] : budgets().strangers.take_left_out()) say("peer", peer_text(peer), lines, "auth_failed");
}

void auth_succeeded(const Client& client) {
  log::write(Level::Info, "auth_succeeded",
             {{"account", format_id(client.account)},
              {"account_name", account_name(client.account)},
              {"key", format_id(client.key)},
              {"peer", peer_text(client.peer)}});
}

void key_refused(const Client& client, Refusal refusal) {
  if (!may_log_refusal(client)) return;
  log::write(Level::Warning, "auth_failed",
             {{"reason", refusal_row(refusal).token},
              {"peer", peer_text(client.peer)},
              {"account", format_id(client.account)},
              {"account_name", account_name(client.account)},
              {"key", format_id(client.key)}});
}

void auth_failed(Refusal refusal, const IpAddress& peer) {
  if (!budgets().strangers.take(limit_group(peer), this_second())) return;
  log::write(Level::Warning, "auth_failed", {{"reason", refusal_row(refusal).token}, {"peer", peer_text(peer)}});
}

void sender_refused(const Client& client, Refusal refusal, const std::optional<Mailbox>& reverse_path, std::string_view detail) {
  if (!may_log_refusal(client)) return;
  log::write(Level::Info, "sender_refused",
             {{"reason", refusal_row(refusal).token},
              {"sender", format_path(reverse_path)},
              {"detail", clipped(detail)},
              {"account", format_id(client.account)},
              {"account_name", account_name(client.account)},
              {"key", format_id(client.key)},
              {"peer", peer_text(client.peer)}});
}

void recipient_refused(const Client& client, Refusal refusal, const Mailbox& forward_path) {
  if (!may_log_refusal(client)) return;
  log::write(Level::Info, "recipient_refused",
             {{"reason", refusal_row(refusal).token},
              {"recipient", format_mailbox(forward_path)},
              {"account", format_id(client.account)},
              {"account_name", account_name(client.account)},
              {"key", format_id(client.key)},
              {"peer", peer_text(client.peer)}});
}

void protocol_refused(std::string_view token, const IpAddress& peer, std::uint64_t unsaid) {
  log::write(Level::Info, "protocol_refused", {{"reason", token}, {"peer", peer_text(peer)}, {"unsaid", unsaid}});
}

void message_accepted(const Client& client, const AcceptedMessage& message) {
  if (!log::is_enabled(Level::Info) || !may_log_mail(client.account, message.environment)) return;
  log::write(Level::Info, "message_accepted",
             {{"id", format_message_id(message.id)},
              {"account", format_id(client.account)},
              {"account_name", account_name(client.account)},
              {"key", format_id(client.key)},
              {"environment", environment_name(message.environment)},
              {"recipients", std::uint64_t{message.recipients}},
              {"octets", message.octets},
              {"message_id", clipped(message.header_id)},
              {"sender_domain", message.sender_domain},
              {"peer", peer_text(client.peer)}});
}

void message_refused(const Client& client, Refusal refusal, const std::optional<MessageId>& id, std::string_view detail) {
  if (!may_log_refusal(client)) return;
  log::write(Level::Info, "message_refused",
             {{"id", optional_id(id)},
              {"reason", refusal_row(refusal).token},
              {"detail", clipped(detail)},
              {"account", format_id(client.account)},
              {"account_name", account_name(client.account)},
              {"key", format_id(client.key)},
              {"peer", peer_text(client.peer)}});
}

void message_received(const MessageId& id, const AccountId& account, const std::optional<MessageId>& about,
                      std::size_t recipients) {
  log::write(Level::Info, "message_received",
             {{"id", format_message_id(id)},
              {"account", format_id(account)},
              {"account_name", account_name(account)},
              {"about", optional_id(about)},
              {"recipients", std::uint64_t{recipients}}});
}

void returned_mail_read(const MessageId& id, const MessageId& about, std::string_view kind, std::size_t events) {
  log::write(Level::Info, "returned_mail_read",
             {{"id", format_message_id(id)},
              {"about", format_message_id(about)},
              {"kind", kind},
              {"events", std::uint64_t{events}}});
}

void message_not_stored(const Client& client, const MessageId& id, const Error& error) {
  message_failed("message_not_stored", client, id, error);
}

void message_not_signed(const Client& client, const MessageId& id, const Error& error) {
  message_failed("message_not_signed", client, id, error);
}

void message_not_signed(const AccountId& account, const MessageId& id, const Error& error) {
  log::write(Level::Error, "message_not_signed",
             {{"id", format_message_id(id)},
              {"error", error.message()},
              {"account", format_id(account)},
              {"account_name", account_name(account)}});
}

void recipient_delivered(const Attempt& attempt, const Status& status) {
  attempted(Level::Info, "recipient_delivered", attempt, status);
}

void recipient_deferred(const Attempt& attempt, const Status& status, Instant next_attempt) {
  if (!log::is_enabled(Level::Info) || !may_log_mail(attempt.account, attempt.environment)) return;
  const std::string said = format_status(status);
  log::write(Level::Info, "recipient_deferred",
             {{"id", format_message_id(attempt.message)},
              {"account", format_id(attempt.account)},
              {"account_name", account_name(attempt.account)},
              {"environment", environment_name(attempt.environment)},
              {"recipient", attempt.recipient},
              {"route", attempt.route},
              {"remote", attempt.remote},
              {"attempts", std::uint64_t{attempt.attempts}},
              {"class", attempt.failure.empty() ? "-" : attempt.failure},
              {"next_attempt", format_rfc3339(next_attempt)},
              {"status", clipped(said)}});
}

void recipient_bounced(const Attempt& attempt, const Status& status) {
  attempted(Level::Info, "recipient_bounced", attempt, status);
}

void recipient_expired(const Attempt& attempt, const Status& status) {
  attempted(Level::Info, "recipient_expired", attempt, status);
}

void recipient_suppressed(const Attempt& attempt, const Status& status) {
  attempted(Level::Info, "recipient_suppressed", attempt, status);
}

void recipient_complained(const Attempt& attempt, const Status& status) {
  attempted(Level::Info, "recipient_complained", attempt, status);
}

void dsn_queued(const MessageId& notification, const MessageId& about, std::string_view kind) {
  log::write(Level::Info, "dsn_queued",
             {{"id", format_message_id(about)}, {"notification", format_message_id(notification)}, {"kind", kind}});
}

void dsn_withheld(const MessageId& about, std::string_view kind, std::string_view reason) {
  log::write(Level::Info, "dsn_withheld", {{"id", format_message_id(about)}, {"kind", kind}, {"reason", reason}});
}

void queue_started(std::uint64_t queued) { log::write(Level::Info, "queue_started", {{"queued", queued}}); }

void queue_stopped(std::size_t unfinished) {
  log::write(Level::Info, "queue_stopped", {{"unfinished", std::uint64_t{unfinished}}});
}

void queue_storage_failed(std::string_view operation, const Error& error, const std::optional<MessageId>& id) {
  log::write(Level::Error, "queue_storage_failed",
             {{"id", optional_id(id)}, {"operation", operation}, {"error", error.message()}});
}

void destination_unavailable(std::string_view route, const Status& status, Duration retry_in) {
  const std::string said = format_status(status);
  log::write(Level::Warning, "destination_unavailable",
             {{"route", route}, {"retry_in_ms", std::int64_t{retry_in.count() / 1000}}, {"status", clipped(said)}});
}

void destination_recovered(std::string_view route) {
  log::write(Level::Info, "destination_recovered", {{"route", route}});
}

void destination_concurrency(std::string_view route, std::size_t from, std::size_t to) {
  log::write(Level::Info, "destination_concurrency",
             {{"route", route}, {"from", static_cast<std::int64_t>(from)}, {"to", static_cast<std::int64_t>(to)}});
}

void route_unfit(std::string_view route, const Status& status) {
  const std::string said = format_status(status);
  log::write(Level::Error, "route_unfit", {{"route", route}, {"status", clipped(said)}});
}

void tls_given_up(std::string_view route, const Status& status) {
  const std::string said = format_status(status);
  log::write(Level::Warning, "tls_given_up", {{"route", route}, {"status", clipped(said)}});
}

void provider_restrained(std::string_view provider, std::string_view source, std::string_view how, Duration duration,
                         const Status& status) {
  const std::string said = format_status(status);
  const std::string time = format_duration(duration);
  if (source.empty()) {
    return log::write(Level::Warning, "provider_restrained",
                      {{"provider", provider}, {"how", how}, {"for", time}, {"status", clipped(said)}});
  }
  log::write(Level::Warning, "provider_restrained",
             {{"provider", provider}, {"source", source}, {"how", how}, {"for", time}, {"status", clipped(said)}});
}

void egress_source_missing(std::string_view source, std::string_view address) {
  log::write(Level::Error, "egress_source_missing", {{"source", source}, {"address", address}});
}

void tls_report(std::string_view domain, std::string_view uri, bool is_sent) {
  if (is_sent) return log::write(Level::Info, "tls_report_sent", {{"domain", domain}, {"to", uri}});
  log::write(Level::Warning, "tls_report_failed", {{"domain", domain}, {"to", uri}});
}

void queue_stranded(std::size_t messages) {
  log::write(Level::Warning, "queue_stranded", {{"messages", std::uint64_t{messages}}});
}

void queue_orders(std::size_t count) { log::write(Level::Info, "queue_orders", {{"in_force", std::uint64_t{count}}}); }

void expired_removed(std::size_t messages, std::size_t contents, std::size_t events) {
  log::write(Level::Info, "expired_removed",
             {{"messages", std::uint64_t{messages}},
              {"contents", std::uint64_t{contents}},
              {"events", std::uint64_t{events}}});
}

void storage_full(const Error& error) { log::write(Level::Warning, "storage_full", {{"error", error.message()}}); }

void storage_recovered() { log::write(Level::Info, "storage_recovered", {}); }

void maintenance_failed(std::string_view task, const Error& error) {
  log::write(Level::Error, "maintenance_failed", {{"task", task}, {"error", error.message()}});
}

void storage_stalled(std::string_view environment, const Stall& stall) {
  log::write(Level::Error, "storage_stalled",
             {{"environment", environment},
              {"holder_pid", stall.holder ? std::to_string(*stall.holder) : "-"},
              {"seconds", std::int64_t{stall.lasts / std::chrono::seconds(1)}}});
}

void storage_goes_on(std::string_view environment, const Stall& stall) {
  log::write(Level::Info, "storage_goes_on",
             {{"environment", environment}, {"seconds", std::int64_t{stall.lasts / std::chrono::seconds(1)}}});
}

void reader_pins_pages(int process, std::uint64_t octets) {
  log::write(Level::Warning, "reader_pins_pages", {{"pid", process}, {"octets", octets}});
}

void reader_sent_away(int process, bool done) {
  log::write(Level::Warning, "reader_sent_away", {{"pid", process}, {"done", done}});
}

}  // namespace postern::operator_log
