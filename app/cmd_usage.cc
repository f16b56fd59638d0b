// postern usage, postern report daily. Up to five seconds behind a server that runs.
#include "app/commands.h"

#include "app/config_values.h"
#include "core/time_format.h"
#include "operation/daily_report.h"
#include "submission/own_mail.h"

#include <map>

namespace postern::app {
namespace {

using operation::DailyReport;
using std::chrono::days;

constexpr std::size_t kMostQueued = 5'000'000;  // entries of the due index: half a minute's reading
constexpr days kDefaultUsageDays{30};
constexpr days kMaxShownDays{400};            // as long as rows are kept
constexpr std::size_t kMostUsageRows = 100'000;  // of a day and a key, of one account

struct Days {
  Instant from;  // midnights
  Instant to;    // not part of it
};

std::string day_text(Instant day) { return format_rfc3339(day).substr(0, 10); }

Result<Instant> read_day(const std::string& text, Instant otherwise) {
  if (text.empty()) return std::chrono::floor<days>(otherwise);
  const auto instant = parse_rfc3339(text);
  if (!instant) return Error(ErrorCode::InvalidArgument, "not a day: " + printable(text) + "; write 2027-01-31");
  return Instant(std::chrono::floor<days>(*instant));
}

Result<Days> read_days(const UsageOptions& options, Instant now) {
  const auto last = read_day(options.to, now);
  if (!last) return last.error();
  const auto first = read_day(options.from, *last + days(1) - kDefaultUsageDays);
  if (!first) return first.error();
  if (*first > *last) return Error(ErrorCode::InvalidArgument, "--from must not be later than --to");
  if (*last - *first >= kMaxShownDays) return Error(ErrorCode::InvalidArgument, "--from and --to are more than 400 days apart");
  return Days{*first, *last + days(1)};
}

struct AccountUsage {
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
  std::uint64_t today = 0;
  std::uint64_t this_month = 0;
  std::vector<store::UsageRow> rows;
};

Result<AccountUsage> usage_of(CommandContext& context, const store::AccountRecord& account, const Days& period) {
  const Instant now = context.clock().now();
  AccountUsage usage;
  auto rows = context.directory().list_usage(account.id, period.from, period.to, kMostUsageRows + 1);
  if (!rows) return rows.error();
  if (rows->size() > kMostUsageRows) return Error(ErrorCode::LimitExceeded, "that is more than 100,000 rows: ask for fewer days");
  for (const store::UsageRow& row : *rows) {
    usage.messages += row.messages;
    usage.recipients += row.recipients;
  }
  usage.rows = std::move(*rows);
  const auto today = context.directory().counter(account.id, store::CounterPeriod::Day, now);
  const auto month = context.directory().counter(account.id, store::CounterPeriod::Month, now);
  if (!today) return today.error();
  if (!month) return month.error();
  usage.today = *today;
  usage.this_month = *month;
  return usage;
}

std::string used_of(std::uint64_t used, const std::optional<std::uint64_t>& limit) {
  return std::to_string(used) + " of " + (limit ? std::to_string(*limit) : "any");
}

json::object quota_value(std::uint64_t used, const std::optional<std::uint64_t>& limit) {
  return {{"used", used}, {"limit", limit ? json::value(*limit) : json::value()}};
}

json::object account_usage_value(const store::AccountRecord& account, const AccountUsage& usage, const Days& period) {
  return {{"account", account.name},
          {"from", day_text(period.from)},
          {"to", day_text(period.to - days(1))},
          {"messages", usage.messages},
          {"recipients", usage.recipients},
          {"day", quota_value(usage.today, account.plan.per_day)},
          {"month", quota_value(usage.this_month, account.plan.per_month)}};
}

Result<void> show_usage_of(CommandContext& context, const store::AccountRecord& account, const Days& period) {
  const auto usage = usage_of(context, account, period);
  if (!usage) return usage.error();
  const auto keys = context.directory().list_keys(account.id);
  if (!keys) return keys.error();
  std::map<KeyId, std::string> names;
  for (const store::KeyRecord& key : *keys) names[key.id] = key.name;
  json::array data;
  std::vector<std::vector<std::string>> table;
  for (const store::UsageRow& row : usage->rows) {
    const auto name = names.find(row.key);
    data.push_back(json::object{{"day", day_text(row.day)}, {"api_key_id", format_id(row.key)}, {"messages", row.messages},
                                {"recipients", row.recipients}});
    table.push_back({day_text(row.day), format_id(row.key), name == names.end() ? "(deleted)" : name->second,
                     std::to_string(row.messages), std::to_string(row.recipients)});
  }
  json::object value = account_usage_value(account, *usage, period);
  value["data"] = std::move(data);
  context.print(value, format_facts({{"account", account.name},
                                     {"days", day_text(period.from) + " to " + day_text(period.to - days(1)) + " (UTC)"},
                                     {"messages", std::to_string(usage->messages)},
                                     {"recipients", std::to_string(usage->recipients)},
                                     {"of today's quota", used_of(usage->today, account.plan.per_day)},
                                     {"of the month's", used_of(usage->this_month, account.plan.per_month)}}) +
                           "\n" + format_table({"DAY", "KEY", "NAME", "MESSAGES", "RECIPIENTS"}, table));
  return {};
}

std::string text_of(std::uint64_t number) { return std::to_string(number); }

std::string shown_time(std::uint64_t milliseconds) {
  if (milliseconds < 1'000) return text_of(milliseconds) + " ms";
  return text_of(milliseconds / 1'000) + " s";
}

std::vector<std::string> counts_row(const std::string& name, const store::StatsCounts& counts) {
  return {name,
          text_of(counts.accepted),
          text_of(counts.delivered),
          text_of(counts.deferred),
          text_of(counts.bounced),
          text_of(counts.refused),
          text_of(counts.suppressed),
          text_of(counts.complained)};
}

std::string mail_section(const DailyReport& report) {
  std::vector<std::vector<std::string>> rows;
  for (const DailyReport::OfAccount& account : report.accounts) rows.push_back(counts_row(account.name, account.counts));
  rows.push_back(counts_row("all", report.sum.totals));
  std::string text = format_table(
      {"ACCOUNT", "ACCEPTED", "DELIVERED", "DEFERRED", "BOUNCED", "REFUSED", "SUPPRESSED", "COMPLAINED"}, rows);
  if (report.sum.totals.delivered > 0) {
    text += "\nhalf of it was delivered within " + shown_time(store::delay_quantile(report.sum.delays, 0.5)) +
            ", 95 of a hundred within " + shown_time(store::delay_quantile(report.sum.delays, 0.95)) + "\n";
  }
  return text;
}

std::string trouble_section(const DailyReport& report) {
  std::string text;
  std::vector<std::vector<std::string>> rows;
  for (const store::DomainStats& domain : troubled_domains(report)) {
    rows.push_back({domain.domain.empty() ? "(others)" : domain.domain, text_of(domain.delivered), text_of(domain.deferred),
                    text_of(domain.bounced)});
  }
  if (!rows.empty()) text += "\nWhere it met trouble\n" + format_table({"DOMAIN", "DELIVERED", "DEFERRED", "BOUNCED"}, rows);
  rows.clear();
  for (const store::RefusalStats& refusal : refusals_of(report)) {
    rows.push_back({refusal.token.empty() ? "(others)" : refusal.token, text_of(refusal.count)});
  }
  if (!rows.empty()) text += "\nWhat was refused\n" + format_table({"WHY", "TIMES"}, rows);
  return text;
}

std::string queue_section(const DailyReport& report) {
  if (report.queue.all.messages == 0) return "\nNothing waits.\n";
  std::string text = (report.queue.is_whole ? "\n" : "\nat least ") + text_of(report.queue.all.messages) +
                     (report.queue.all.messages == 1 ? " message waits" : " messages wait") + ", the oldest since " +
                     format_time(report.queue.all.oldest) + "\n";
  std::vector<std::vector<std::string>> rows;
  for (const store::WaitingByAge& waiting : report.queue.destinations) {
    if (rows.size() == operation::kMostReportedNames) break;
    rows.push_back({waiting.destination, text_of(waiting.messages), format_time(waiting.oldest)});
  }
  return text + format_table({"DESTINATION", "MESSAGES", "OLDEST (UTC)"}, rows);
}

std::string format_daily_report(const DailyReport& report, const std::string& hostname, Instant now) {
  std::string text = "Mail of " + format_rfc3339(report.day).substr(0, 10) + " (UTC) at " + printable(hostname) + "\n\n";
  text += report.accounts.empty() ? "There was no live mail.\n" : mail_section(report) + trouble_section(report);
  text += "\nAs it is at " + format_time(now) + "\n";
  text += queue_section(report);
  if (!report.looks.empty()) text += "\nWhat needs a look\n";
  for (const auto& [what, why] : report.looks) text += "  " + printable(what) + ": " + printable(why) + "\n";
  return text;
}

}  // namespace

Result<void> show_usage(CommandContext& context, const UsageOptions& options) {
  const auto period = read_days(options, context.clock().now());
  if (!period) return period.error();
  if (!options.account.empty()) {
    const auto account = context.find_account(options.account);
    if (!account) return account.error();
    return show_usage_of(context, *account, *period);
  }
  const auto accounts = context.directory().list_accounts();
  if (!accounts) return accounts.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const store::AccountRecord& account : *accounts) {
    const auto usage = usage_of(context, account, *period);
    if (!usage) return usage.error();
    values.emplace_back(account_usage_value(account, *usage, *period));
    rows.push_back({account.name, std::to_string(usage->messages), std::to_string(usage->recipients),
                    used_of(usage->today, account.plan.per_day), used_of(usage->this_month, account.plan.per_month)});
  }
  context.print(values, format_table({"ACCOUNT", "MESSAGES", "RECIPIENTS", "TODAY", "THIS MONTH"}, rows));
  return {};
}

Result<void> report_day(CommandContext& context, const DailyReportOptions& options) {
  const Instant now = context.clock().now();
  const auto day = read_day(options.day, now - days(1));
  if (!day) return day.error();
  const auto recipient = options.mail.empty() ? Result<Mailbox>(Mailbox()) : parse_mailbox(options.mail);
  if (!recipient) return Error(ErrorCode::InvalidArgument, "not an address: " + printable(options.mail));
  const auto report = operation::sum_up_day(context.store(), *day, now, kMostQueued);
  if (!report) return report.error();
  const std::string hostname = effective_hostname(context.settings());
  const std::string text = format_daily_report(*report, hostname, now);
  if (options.mail.empty()) {
    context.print(operation::daily_report_json(*report), text);
    return {};
  }
  const std::string subject = "Mail of " + day_text(*day) + " at " + hostname;
  const submission::OwnMail mail{
      .account = {}, .recipient = *recipient, .format = [&](const std::string& id) {
        std::string content = submission::own_mail_header(hostname, options.mail, subject, id, "utf-8", now);
        for (const char c : text) content += c == '\n' ? "\r\n" : std::string(1, c);
        return content;
      }};
  const auto spooled = submission::spool_own_mail(mail, context.store(), context.random(), now);
  if (!spooled) return spooled.error();
  const std::string id = format_message_id(spooled->id);
  context.confirm({{"day", day_text(*day)}, {"to", options.mail}, {"message", id}},
                  "the report of " + day_text(*day) + " is on its way to " + printable(options.mail) + " as " + id);
  return {};
}

}  // namespace postern::app
