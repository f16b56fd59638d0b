// /v1/usage: what an account's keys sent, day by day (UTC), and how much of its quotas is used. Up to five seconds old.
#include "api/api.h"
#include "api/api_context.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "core/time_format.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <array>
#include <optional>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;
using std::chrono::days;

constexpr std::size_t kMaxRows = 10'000;  // of a day and a key: a worker's tens of milliseconds
constexpr days kDefaultDays{30};
constexpr days kMaxUsageDays{400};  // as long as rows are kept

struct Period {
  Instant from;  // midnights
  Instant to;    // not part of it
};

std::string format_day(Instant day) { return format_rfc3339(day).substr(0, 10); }

Result<std::optional<Instant>> read_day(const ApiRequest& request, std::string_view name) {
  const auto text = request.query_parameter(name);
  if (!text) return std::optional<Instant>();
  const auto instant = parse_rfc3339(*text);
  if (!instant) return Error(ErrorCode::InvalidArgument, std::string(name) + " must be a date such as 2030-01-31");
  return std::optional<Instant>(std::chrono::floor<days>(*instant));
}

// Both days are part of what is shown.
Result<Period> read_period(const ApiRequest& request, Instant now) {
  const auto from = read_day(request, "from");
  const auto to = read_day(request, "to");
  if (!from) return from.error();
  if (!to) return to.error();
  Period period;
  period.to = to->value_or(std::chrono::floor<days>(now)) + days(1);
  period.from = from->value_or(period.to - kDefaultDays);
  if (period.from >= period.to) return Error(ErrorCode::InvalidArgument, "from must not be later than to");
  if (period.to - period.from > kMaxUsageDays) return Error(ErrorCode::InvalidArgument, "from and to are more than 400 days apart");
  return period;
}

Result<json::object> quota_json(const store::Directory& directory, const AccountId& account, store::CounterPeriod period,
                                const std::optional<std::uint64_t>& limit, Instant now) {
  const auto used = directory.counter(account, period, now);
  if (!used) return used.error();
  return json::object{{"used", *used}, {"limit", limit ? json::value(*limit) : json::value(nullptr)}};
}

Result<json::object> quotas_json(const store::Directory& directory, const AccountId& id, Instant now) {
  const auto account = directory.find_account(id);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound);
  const store::Plan& plan = (*account)->plan;
  auto day = quota_json(directory, id, store::CounterPeriod::Day, plan.per_day, now);
  auto month = quota_json(directory, id, store::CounterPeriod::Month, plan.per_month, now);
  if (!day) return day.error();
  if (!month) return month.error();
  return json::object{{"day", std::move(*day)}, {"month", std::move(*month)}};
}

Result<ApiResponse> show_usage(ApiContext& context, const ApiRequest& request) {
  const Instant now = context.clock.now();
  const auto period = read_period(request, now);
  if (!period) return period.error();
  const store::Directory& directory = context.store.directory();
  const auto rows = directory.list_usage(request.caller.account, period->from, period->to, kMaxRows + 1);
  if (!rows) return rows.error();
  if (rows->size() > kMaxRows) return Error(ErrorCode::LimitExceeded, "that is more than 10,000 rows: ask for fewer days");
  auto quotas = quotas_json(directory, request.caller.account, now);
  if (!quotas) return quotas.error();
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
  json::array data;
  for (const store::UsageRow& row : *rows) {
    messages += row.messages;
    recipients += row.recipients;
    data.push_back(json::object{{"day", format_day(row.day)}, {"api_key_id", format_id(row.key)}, {"messages", row.messages},
                                {"recipients", row.recipients}});
  }
  return ApiResponse::json(json::object{{"object", "usage"},
                                        {"from", format_day(period->from)},
                                        {"to", format_day(period->to - days(1))},
                                        {"messages", messages},
                                        {"recipients", recipients},
                                        {"quotas", std::move(*quotas)},
                                        {"data", std::move(data)}});
}

constexpr Parameter kParameters[] = {
    {.name = "from", .description = "The first day (UTC); 30 days before `to` where it is absent.", .format = "date"},
    {.name = "to", .description = "The last day; today where it is absent. At most 400 days after `from`.", .format = "date"}};

constexpr std::array<Route, 1> kUsageRoutes = {{{.method = Method::Get,
                                            .path = "/v1/usage",
                                            .access = Access::Manage,
                                            .body = Body::None,
                                            .handler = on_worker_live<show_usage>,
                                            .operation = "getUsage",
                                            .summary = "What was sent, by day and key, and the state of the quotas",
                                            .tag = "usage",
                                            .response_schema = "Usage",
                                            .parameters = kParameters}}};

constexpr std::string_view kUsageSchemas = R"json({
"QuotaUse": {"type": "object", "required": ["used", "limit"], "properties": {
  "used": {"type": "integer", "description": "Recipients of live mail in the current UTC day or month."},
  "limit": {"type": ["integer", "null"], "description": "null: unlimited."}}},
"UsageDay": {"type": "object", "required": ["day", "api_key_id", "messages", "recipients"], "properties": {
  "day": {"type": "string", "format": "date"},
  "api_key_id": {"type": "string"},
  "messages": {"type": "integer"},
  "recipients": {"type": "integer"}}},
"Usage": {"type": "object", "required": ["object", "from", "to", "messages", "recipients", "quotas", "data"], "properties": {
  "object": {"const": "usage"},
  "from": {"type": "string", "format": "date"},
  "to": {"type": "string", "format": "date", "description": "Part of what is shown."},
  "messages": {"type": "integer"},
  "recipients": {"type": "integer"},
  "quotas": {"type": "object", "properties": {
    "day": {"$ref": "#/components/schemas/QuotaUse"},
    "month": {"$ref": "#/components/schemas/QuotaUse"}}},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/UsageDay"}}}}
})json";

}  // namespace

ApiArea usage_api() { return {kUsageRoutes, kUsageSchemas}; }

}  // namespace postern::api
