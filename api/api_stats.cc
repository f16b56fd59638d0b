// /v1/stats: what happened to an account's mail in a day, a week or thirty days, from the roll-ups of the store. Up to five seconds
// old.
#include "api/api.h"
#include "api/api_context.h"
#include "api/worker_job.h"
#include "core/time_format.h"
#include "store/statistics.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;
using store::StatsWidth;

constexpr std::size_t kMaxSummedNames = 2'000;  // of each breakdown, while rows are added up
constexpr std::size_t kMaxShownNames = 50;      // the greatest; what is beyond them is shown together

struct StatsPeriod {
  std::string_view name;
  StatsWidth width;
  std::size_t buckets;
};
constexpr std::array<StatsPeriod, 3> kPeriods = {
    {{"day", StatsWidth::Hour, 24}, {"week", StatsWidth::Hour, 7 * 24}, {"month", StatsWidth::Day, 30}}};

Duration length_of(StatsWidth width) {
  return width == StatsWidth::Hour ? Duration(std::chrono::hours(1)) : Duration(std::chrono::days(1));
}

Result<StatsPeriod> read_stats_period(const ApiRequest& request) {
  const std::string_view name = request.query_parameter("period").value_or("day");
  const auto found = std::ranges::find(kPeriods, name, &StatsPeriod::name);
  if (found == kPeriods.end()) return Error(ErrorCode::InvalidArgument, "period must be day, week or month");
  return *found;
}

Result<std::vector<Environment>> read_environments(const ApiRequest& request) {
  const auto text = request.query_parameter("environment");
  if (text && *text != "live" && *text != "test") return Error(ErrorCode::InvalidArgument, "environment must be live or test");
  if (request.caller.has_test_key()) {
    if (text == "live") return Error(ErrorCode::InvalidArgument, "environment: a test key sees test mail only");
    return std::vector{Environment::Test};
  }
  if (!text) return std::vector{Environment::Live, Environment::Test};
  return std::vector{*text == "live" ? Environment::Live : Environment::Test};
}

json::object counts_json(const store::StatsCounts& counts) {
  return {{"accepted", counts.accepted},    {"delivered", counts.delivered}, {"deferred", counts.deferred},
          {"bounced", counts.bounced},      {"refused", counts.refused},     {"suppressed", counts.suppressed},
          {"complained", counts.complained}};
}

// The greatest first, by what `weight` says of an entry.
template <class Entry, class Weight, class ToJson>
json::array greatest_json(std::vector<Entry> entries, Weight weight, ToJson to_json) {
  std::ranges::stable_sort(entries, std::ranges::greater{}, weight);
  json::array shown;
  for (const Entry& entry : entries) {
    if (shown.size() == kMaxShownNames) break;
    shown.push_back(to_json(entry));
  }
  return shown;
}

json::array keys_json(const std::vector<store::KeyStats>& keys) {
  return greatest_json(
      keys, [](const store::KeyStats& entry) { return entry.accepted + entry.refused; },
      [](const store::KeyStats& entry) {
        const bool has_name = entry.key != KeyId{};
        return json::object{{"api_key_id", has_name ? json::value(format_id(entry.key)) : json::value(nullptr)},
                            {"accepted", entry.accepted},
                            {"refused", entry.refused}};
      });
}

json::array domains_json(const std::vector<store::DomainStats>& domains) {
  return greatest_json(
      domains, [](const store::DomainStats& entry) { return entry.accepted + entry.delivered + entry.bounced; },
      [](const store::DomainStats& entry) {
        return json::object{{"domain", entry.domain.empty() ? json::value(nullptr) : json::value(entry.domain)},
                            {"accepted", entry.accepted},
                            {"delivered", entry.delivered},
                            {"deferred", entry.deferred},
                            {"bounced", entry.bounced}};
      });
}

json::array refusals_json(const std::vector<store::RefusalStats>& refusals) {
  return greatest_json(refusals, &store::RefusalStats::count, [](const store::RefusalStats& entry) {
    return json::object{{"token", entry.token.empty() ? json::value(nullptr) : json::value(entry.token)}, {"count", entry.count}};
  });
}

json::object delivery_json(const std::vector<std::uint64_t>& delays) {
  json::array histogram;
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < delays.size(); ++i) {
    all += delays[i];
    if (delays[i] == 0) continue;
    const json::value bound = i < store::kDelayBounds.size() ? json::value(store::kDelayBounds[i]) : json::value(nullptr);
    histogram.push_back(json::object{{"up_to_ms", bound}, {"count", delays[i]}});
  }
  const auto quantile = [&](double share) {
    return all == 0 ? json::value(nullptr) : json::value(store::delay_quantile(delays, share));
  };
  return {{"count", all}, {"p50_ms", quantile(0.5)}, {"p95_ms", quantile(0.95)}, {"histogram", std::move(histogram)}};
}

Result<ApiResponse> show_stats(ApiContext& context, const ApiRequest& request) {
  const auto period = read_stats_period(request);
  if (!period) return period.error();
  const auto environments = read_environments(request);
  if (!environments) return environments.error();
  const Duration width = length_of(period->width);
  const Instant now = context.clock.now();
  const Instant to = Instant(now.time_since_epoch() / width * width) + width;
  const Instant from = to - width * period->buckets;
  std::vector<store::StatsCounts> buckets(period->buckets);
  store::StatsRow sum;
  for (const Environment environment : *environments) {
    const auto rows = context.store.directory().list_stats(request.caller.account, period->width, environment, from, to);
    if (!rows) return rows.error();
    for (const store::StatsRow& row : *rows) {
      store::add_counts(buckets[static_cast<std::size_t>((row.start - from) / width)], row.totals);
      store::add_stats(sum, row, kMaxSummedNames);
    }
  }
  json::array shown;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    json::object bucket = counts_json(buckets[i]);
    bucket["at"] = format_rfc3339(from + width * i);
    shown.push_back(std::move(bucket));
  }
  return ApiResponse::json(json::object{{"object", "stats"},
                                        {"period", period->name},
                                        {"interval", period->width == StatsWidth::Hour ? "hour" : "day"},
                                        {"from", format_rfc3339(from)},
                                        {"to", format_rfc3339(to)},
                                        {"totals", counts_json(sum.totals)},
                                        {"buckets", std::move(shown)},
                                        {"keys", keys_json(sum.keys)},
                                        {"domains", domains_json(sum.domains)},
                                        {"refusals", refusals_json(sum.refusals)},
                                        {"delivery", delivery_json(sum.delays)}});
}

constexpr Parameter kStatsParameters[] = {
    {.name = "period",
     .description = "24 hours and 7 days by the hour, 30 days by the day (UTC); day where it is absent.",
     .values = "day week month"},
    {.name = "environment", .description = "Only live or only test mail.", .values = "live test"}};

constexpr Route kStatsRoutes[] = {{.method = Method::Get,
                                   .path = "/v1/stats",
                                   .access = Access::Manage,
                                   .body = Body::None,
                                   .handler = on_worker<show_stats>,
                                   .operation = "getStats",
                                   .summary = "What happened over time, by key, recipients' domain and refusal",
                                   .tag = "usage",
                                   .response_schema = "Stats",
                                   .parameters = kStatsParameters}};

constexpr std::string_view kStatsSchemas = R"({
  "StatsCounts": {"type": "object",
    "required": ["accepted", "delivered", "deferred", "bounced", "refused", "suppressed", "complained"], "properties": {
    "accepted": {"type": "integer", "description": "Messages."},
    "delivered": {"type": "integer", "description": "Recipients, as are the others but refused."},
    "deferred": {"type": "integer", "description": "Attempts at a recipient that failed for now."},
    "bounced": {"type": "integer", "description": "Given up too."},
    "refused": {"type": "integer", "description": "Messages, and recipients of such that had others."},
    "suppressed": {"type": "integer"}, "complained": {"type": "integer"}}},
  "StatsBucket": {"allOf": [{"$ref": "#/components/schemas/StatsCounts"}, {"type": "object", "required": ["at"], "properties": {
    "at": {"type": "string", "format": "date-time", "description": "Its beginning."}}}]},
  "Stats": {"type": "object",
    "required": ["object", "period", "interval", "from", "to", "totals", "buckets", "keys", "domains", "refusals", "delivery"],
    "properties": {"object": {"const": "stats"},
    "period": {"enum": ["day", "week", "month"]}, "interval": {"enum": ["hour", "day"]},
    "from": {"type": "string", "format": "date-time"}, "to": {"type": "string", "format": "date-time"},
    "totals": {"$ref": "#/components/schemas/StatsCounts"},
    "buckets": {"type": "array", "items": {"$ref": "#/components/schemas/StatsBucket"},
      "description": "Every one of the period, in order."},
    "keys": {"type": "array", "items": {"type": "object", "required": ["api_key_id", "accepted", "refused"], "properties": {
      "api_key_id": {"type": ["string", "null"], "description": "null: keys beyond those that are counted apart."},
      "accepted": {"type": "integer"}, "refused": {"type": "integer"}}}},
    "domains": {"type": "array", "items": {"type": "object",
      "required": ["domain", "accepted", "delivered", "deferred", "bounced"], "properties": {
      "domain": {"type": ["string", "null"], "description": "Of recipients; null: others."}, "accepted": {"type": "integer"},
      "delivered": {"type": "integer"}, "deferred": {"type": "integer"}, "bounced": {"type": "integer"}}}},
    "refusals": {"type": "array", "items": {"type": "object", "required": ["token", "count"], "properties": {
      "token": {"type": ["string", "null"]}, "count": {"type": "integer"}}}},
    "delivery": {"type": "object", "required": ["count", "p50_ms", "p95_ms", "histogram"],
      "description": "From a message's release to its delivery, by recipient.", "properties": {
      "count": {"type": "integer"}, "p50_ms": {"type": ["integer", "null"]}, "p95_ms": {"type": ["integer", "null"]},
      "histogram": {"type": "array", "items": {"type": "object", "required": ["up_to_ms", "count"], "properties": {
        "up_to_ms": {"type": ["integer", "null"]}, "count": {"type": "integer"}}}}}}}}
})";

}  // namespace

ApiArea stats_api() {
  return {kStatsRoutes, kStatsSchemas};
}

}  // namespace postern::api
