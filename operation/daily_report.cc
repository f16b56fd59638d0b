#include "operation/daily_report.h"

#include "api/record_json.h"
#include "core/time_format.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <functional>

namespace postern::operation {
namespace {

namespace json = boost::json;
using std::chrono::days;

constexpr std::size_t kMostSummedNames = 2'000;
constexpr Duration kOldMail = std::chrono::hours(4);  // a message that waits longer is worth a look

std::string text_of(std::uint64_t number) { return std::to_string(number); }

bool had_mail(const store::StatsCounts& counts) { return counts != store::StatsCounts{}; }

// By `weight`, the greatest first, without those that have none.
template <class Entry, class Weight>
std::vector<Entry> greatest(std::vector<Entry> entries, Weight weight) {
  std::erase_if(entries, [&](const Entry& entry) { return std::invoke(weight, entry) == 0; });
  std::ranges::stable_sort(entries, std::ranges::greater{}, weight);
  if (entries.size() > kMostReportedNames) entries.resize(kMostReportedNames);
  return entries;
}

std::uint64_t failures_of(const store::DomainStats& domain) { return domain.bounced + domain.deferred; }

Result<void> look_at_quotas(store::Store& store, const store::AccountRecord& account, Instant now, DailyReport& report) {
  for (const auto& [period, limit, name] :
       {std::tuple(store::CounterPeriod::Day, account.plan.per_day, "today's"),
        std::tuple(store::CounterPeriod::Month, account.plan.per_month, "this month's")}) {
    if (!limit || *limit == 0) continue;
    const auto used = store.directory().counter(account.id, period, now);
    if (!used) return used.error();
    if (*used * 100 < *limit * kReportedQuotaPercent) continue;
    report.looks.emplace_back("account " + account.name,
                              std::string("has used ") + text_of(*used) + " of " + name + " " + text_of(*limit) + " recipients");
  }
  return {};
}

Result<void> look_at_webhooks(store::Store& store, DailyReport& report) {
  const auto webhooks = store.directory().list_all_webhooks();
  if (!webhooks) return webhooks.error();
  for (const store::WebhookRecord& webhook : *webhooks) {
    if (webhook.state != store::WebhookState::Failed) continue;
    report.looks.emplace_back("webhook " + format_id(webhook.id), "is disabled by its failures: " + webhook.url);
  }
  return {};
}

Result<void> look_at_queue(store::Store& store, Instant now, std::size_t max_entries, DailyReport& report) {
  auto queue = store::summarise_queue(store.spool(), now, max_entries);
  if (!queue) return queue.error();
  report.queue = std::move(*queue);
  for (const store::WaitingByAge& waiting : report.queue.destinations) {
    if (waiting.messages == 0 || now - waiting.oldest < kOldMail) continue;
    if (report.looks.size() >= kMostReportedNames) break;
    report.looks.emplace_back("mail to " + waiting.destination,
                              text_of(waiting.messages) + " wait, the oldest since " + format_rfc3339(waiting.oldest));
  }
  return {};
}

json::object day_counts_json(const store::StatsCounts& counts) {
  return {{"accepted", counts.accepted},    {"delivered", counts.delivered}, {"deferred", counts.deferred},
          {"bounced", counts.bounced},      {"refused", counts.refused},     {"suppressed", counts.suppressed},
          {"complained", counts.complained}};
}

}  // namespace

std::vector<store::DomainStats> troubled_domains(const DailyReport& report) { return greatest(report.sum.domains, failures_of); }
std::vector<store::RefusalStats> refusals_of(const DailyReport& report) {
  return greatest(report.sum.refusals, &store::RefusalStats::count);
}

Result<DailyReport> sum_up_day(store::Store& store, Instant day, Instant now, std::size_t max_entries) {
  DailyReport report;
  report.day = day;
  const auto accounts = store.directory().list_accounts();
  if (!accounts) return accounts.error();
  for (const store::AccountRecord& account : *accounts) {
    const auto rows =
        store.directory().list_stats(account.id, store::StatsWidth::Day, Environment::Live, day, day + days(1));
    if (!rows) return rows.error();
    DailyReport::OfAccount own{.name = account.name, .counts = {}};
    for (const store::StatsRow& row : *rows) {
      store::add_counts(own.counts, row.totals);
      store::add_stats(report.sum, row, kMostSummedNames);
    }
    if (had_mail(own.counts)) report.accounts.push_back(std::move(own));
    if (auto looked = look_at_quotas(store, account, now, report); !looked) return looked.error();
  }
  std::ranges::stable_sort(report.accounts, std::ranges::greater{},
                           [](const DailyReport::OfAccount& account) { return account.counts.delivered; });
  if (auto looked = look_at_webhooks(store, report); !looked) return looked.error();
  if (auto looked = look_at_queue(store, now, max_entries, report); !looked) return looked.error();
  return report;
}

json::object daily_report_json(const DailyReport& report) {
  json::array accounts;
  for (const DailyReport::OfAccount& account : report.accounts) {
    json::object value = day_counts_json(account.counts);
    value["account"] = account.name;
    accounts.push_back(std::move(value));
  }
  json::array domains;
  for (const store::DomainStats& domain : troubled_domains(report)) {
    domains.push_back(json::object{{"domain", domain.domain.empty() ? json::value() : json::value(domain.domain)},
                                   {"delivered", domain.delivered}, {"deferred", domain.deferred}, {"bounced", domain.bounced}});
  }
  json::array refusals;
  for (const store::RefusalStats& refusal : refusals_of(report)) {
    refusals.push_back(json::object{{"token", refusal.token.empty() ? json::value() : json::value(refusal.token)},
                                    {"count", refusal.count}});
  }
  json::array looks;
  for (const auto& [what, why] : report.looks) looks.push_back(json::object{{"about", what}, {"why", why}});
  const bool waits = report.queue.all.messages > 0;
  return {{"day", format_rfc3339(report.day).substr(0, 10)},
          {"totals", day_counts_json(report.sum.totals)},
          {"p50_ms", store::delay_quantile(report.sum.delays, 0.5)},
          {"p95_ms", store::delay_quantile(report.sum.delays, 0.95)},
          {"accounts", std::move(accounts)},
          {"domains", std::move(domains)},
          {"refusals", std::move(refusals)},
          {"queued", report.queue.all.messages},
          {"is_whole", report.queue.is_whole},
          {"oldest_at", waits ? api::instant_json(report.queue.all.oldest) : json::value()},
          {"looks", std::move(looks)}};
}

}  // namespace postern::operation
