// /v1/reports: what became of a day's mail, of all accounts.
#include "operation/areas.h"

#include "api/api.h"
#include "api/api_context.h"
#include "api/worker_job.h"
#include "core/time_format.h"
#include "operation/daily_report.h"

#include <boost/json/object.hpp>

#include <chrono>
#include <string>

namespace postern::operation {
namespace {

using namespace api;  // the words of endpoints

constexpr std::size_t kMaxSummedEntries = 200'000;  // of the due index: a second's reading

Result<ApiResponse> show_daily_report(ApiContext& context, const ApiRequest& request) {
  using std::chrono::days;
  const Instant now = context.clock.now();
  const auto given = request.query_parameter("day");
  const auto day = given ? parse_rfc3339(*given) : Result<Instant>(now - days(1));
  if (!day) return Error(ErrorCode::InvalidArgument, "day must be a date such as 2030-01-31");
  const auto report = sum_up_day(context.store, std::chrono::floor<days>(*day), now, kMaxSummedEntries);
  if (!report) return report.error();
  boost::json::object body = daily_report_json(*report);
  body["object"] = "daily_report";
  return ApiResponse::json(body);
}

constexpr Parameter kReportParameters[] = {
    {.name = "day", .description = "The day (UTC); yesterday where it is absent.", .format = "date"}};

constexpr Route kReportRoutes[] = {{.method = Method::Get,
                                    .path = "/v1/reports/daily",
                                    .access = Access::Operate,
                                    .body = Body::None,
                                    .handler = on_worker<show_daily_report>,
                                    .operation = "getDailyReport",
                                    .summary = "What became of a day's live mail, and what needs a look now",
                                    .tag = "operation",
                                    .response_schema = "DailyReport",
                                    .parameters = kReportParameters}};

constexpr std::string_view kReportSchemas = R"({
  "DayCounts": {"type": "object", "required": ["accepted", "delivered", "deferred", "bounced", "refused", "suppressed",
    "complained"], "properties": {
    "accepted": {"type": "integer"}, "delivered": {"type": "integer"}, "deferred": {"type": "integer"},
    "bounced": {"type": "integer"}, "refused": {"type": "integer"}, "suppressed": {"type": "integer"},
    "complained": {"type": "integer"}}},
  "DailyReport": {"type": "object", "required": ["object", "day", "totals", "p50_ms", "p95_ms", "accounts", "domains", "refusals",
    "queued", "is_whole", "oldest_at", "looks"], "properties": {
    "object": {"const": "daily_report"}, "day": {"type": "string", "format": "date"},
    "totals": {"$ref": "#/components/schemas/DayCounts"},
    "p50_ms": {"type": "integer", "description": "Half of what was delivered took no longer, about; 0: nothing was."},
    "p95_ms": {"type": "integer"},
    "accounts": {"type": "array", "description": "Those that had mail, the most delivered first.",
      "items": {"allOf": [{"$ref": "#/components/schemas/DayCounts"}, {"type": "object", "required": ["account"],
      "properties": {"account": {"type": "string"}}}]}},
    "domains": {"type": "array", "description": "Where it met trouble: at most ten.", "items": {"type": "object",
      "required": ["domain", "delivered", "deferred", "bounced"], "properties": {
      "domain": {"type": ["string", "null"], "description": "null: all others."}, "delivered": {"type": "integer"},
      "deferred": {"type": "integer"}, "bounced": {"type": "integer"}}}},
    "refusals": {"type": "array", "items": {"type": "object", "required": ["token", "count"], "properties": {
      "token": {"type": ["string", "null"]}, "count": {"type": "integer"}}}},
    "queued": {"type": "integer", "description": "Live messages that wait now; one to several destinations counts at each."},
    "is_whole": {"type": "boolean", "description": "False: more wait than were counted."},
    "oldest_at": {"type": ["string", "null"], "format": "date-time"},
    "looks": {"type": "array", "description": "What needs one now.", "items": {"type": "object", "required": ["about", "why"],
      "properties": {"about": {"type": "string"}, "why": {"type": "string"}}}}}}
})";

}  // namespace

api::ApiArea report_api() { return {kReportRoutes, kReportSchemas}; }

}  // namespace postern::operation
