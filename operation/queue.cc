// /v1/queue and /v1/destinations: what waits in the installation, why, and having it tried again. The queue sees a retry or a
// cancellation at its next look at the due index, as those of the command line.
#include "operation/areas.h"

#include "api/api.h"
#include "api/api_context.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "core/time_format.h"
#include "store/queue_summary.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <charconv>
#include <set>
#include <string>

namespace postern::operation {
namespace {

namespace json = boost::json;
using namespace api;  // the words of endpoints

constexpr std::size_t kMaxLanesPage = 100;
constexpr std::size_t kLanesPage = 50;
constexpr std::size_t kMaxCounted = 1'000;  // messages of one lane: more are "at least" so many
constexpr std::size_t kMaxLookedInto = 3;   // of a lane, for the next hop's last word
constexpr std::size_t kMaxWaitingPage = 100;
constexpr std::size_t kWaitingPage = 50;
constexpr std::size_t kMaxDestinations = 1'000;
constexpr std::size_t kMaxSummed = 200'000;  // entries of the due index: a second's reading

json::object named_email(const MessageId& id) {
  return {{"object", "email"}, {"id", format_message_id(id)}};
}

// The last word on a recipient that waits in the lane; code 0: none.
Status last_word(const store::StoredMessage& stored, std::string_view lane) {
  Status last;
  const auto& states = stored.delivery.recipients;
  for (std::size_t i = 0; i < states.size() && i < stored.message.envelope.recipients.size(); ++i) {
    const bool waits_here = states[i].stage == store::RecipientStage::Pending && store::lane_of(stored, i) == lane;
    if (waits_here && states[i].last_status.code != 0) last = states[i].last_status;
  }
  return last;
}

json::value status_json(const Status& status) {
  return status.code == 0 ? json::value(nullptr) : json::value(format_status(status));
}

const store::DestinationPause* pause_of(const std::vector<store::DestinationPause>& pauses, std::string_view route) {
  const auto found = std::ranges::find(pauses, route, &store::DestinationPause::name);
  return found == pauses.end() ? nullptr : &*found;
}

Result<json::object> lane_json(const ApiContext& context, const store::LaneHead& head,
                               const std::vector<store::DestinationPause>& pauses) {
  const store::Spool& spool = context.store.spool();
  const auto waiting = spool.due(head.lane, std::nullopt, Instant::max(), kMaxCounted);
  if (!waiting) return waiting.error();
  Instant oldest = Instant::max();
  Status last;
  for (std::size_t i = 0; i < waiting->keys.size(); ++i) {
    oldest = std::min(oldest, waiting->keys[i].id.created());
    if (i >= kMaxLookedInto || last.code != 0) continue;
    const auto stored = spool.find(waiting->keys[i].id);
    if (!stored) return stored.error();
    if (*stored) last = last_word(**stored, head.lane);
  }
  const auto routes = context.submission.routes();
  const relay::Route* const route = routes ? routes->find_of_lane(head.lane) : nullptr;
  // Each domain is a destination of its own where the route says so.
  const store::DestinationPause* const pause =
      route ? pause_of(pauses, route->is_per_domain ? std::string_view(head.lane) : std::string_view(route->name)) : nullptr;
  const bool is_known = oldest != Instant::max();
  return json::object{{"destination", head.lane},
                      {"messages", waiting->keys.size()},
                      {"has_more_messages", waiting->next.has_value()},
                      {"oldest_at", is_known ? json::value(format_rfc3339(oldest)) : json::value(nullptr)},
                      {"next_attempt_at", format_rfc3339(head.first.due)},
                      {"last_status", status_json(pause ? pause->why : last)},
                      {"route", route ? json::value(route->name) : json::value(nullptr)},
                      {"paused_until", pause ? json::value(format_rfc3339(pause->until)) : json::value(nullptr)}};
}

Result<ApiResponse> show_queue(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxLanesPage, kLanesPage);
  if (!limit) return limit.error();
  const auto after = read_position(request, "after");
  if (!after) return after.error();
  const store::Spool& spool = context.store.spool();
  const auto usage = spool.usage();
  if (!usage) return usage.error();
  const auto pauses = spool.list_pauses();
  if (!pauses) return pauses.error();
  const auto lanes = spool.lanes(*after, *limit + 1);
  if (!lanes) return lanes.error();
  json::array data;
  for (const store::LaneHead& head : *lanes) {
    if (data.size() == *limit) break;
    auto lane = lane_json(context, head, *pauses);
    if (!lane) return lane.error();
    data.push_back(std::move(*lane));
  }
  const bool has_more = lanes->size() > *limit;
  json::object page = page_json(std::move(data), has_more ? std::optional((*lanes)[*limit - 1].lane) : std::nullopt);
  page["object"] = "queue";
  page["messages"] = usage->queued;
  return ApiResponse::json(page);
}

json::object ages_json(const store::WaitingByAge& waiting) {
  json::array by_age;
  for (const std::uint64_t messages : waiting.by_age) by_age.push_back(messages);
  const bool is_known = waiting.messages > 0;
  return {{"messages", waiting.messages},
          {"by_age", std::move(by_age)},
          {"oldest_at", is_known ? json::value(format_rfc3339(waiting.oldest)) : json::value(nullptr)}};
}

Result<ApiResponse> show_summary(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxLanesPage, kLanesPage);
  if (!limit) return limit.error();
  const auto summary = store::summarise_queue(context.store.spool(), context.clock.now(), kMaxSummed);
  if (!summary) return summary.error();
  json::array bounds;
  for (const std::chrono::minutes bound : store::kAgeBounds) bounds.push_back(bound.count());
  json::array data;
  for (const store::WaitingByAge& waiting : summary->destinations) {
    if (data.size() == *limit) break;
    json::object one = ages_json(waiting);
    one["destination"] = waiting.destination;
    data.push_back(std::move(one));
  }
  json::object answer = ages_json(summary->all);
  answer["object"] = "queue_summary";
  answer["is_whole"] = summary->is_whole;
  answer["age_bounds_minutes"] = std::move(bounds);
  answer["has_more"] = summary->destinations.size() > data.size();
  answer["data"] = std::move(data);
  return ApiResponse::json(answer);
}

// "1700000000000000.01JD…": the place of a message in its lane.
std::string format_due_place(const store::DueKey& key) {
  return std::to_string(key.due.time_since_epoch().count()) + '.' + format_message_id(key.id);
}

Result<std::optional<store::DueKey>> read_due_place(const ApiRequest& request) {
  const auto position = read_position(request, "after");
  if (!position) return position.error();
  if (!*position) return std::optional<store::DueKey>();
  const std::string& text = **position;
  const std::size_t dot = std::min(text.find('.'), text.size());
  Duration::rep due = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + dot, due);
  const auto id = parse_message_id(std::string_view(text).substr(std::min(dot + 1, text.size())));
  if (parsed.ptr != text.data() + dot || parsed.ec != std::errc() || !id) {
    return Error(ErrorCode::InvalidArgument, "after must be a place in the list");
  }
  return std::optional(store::DueKey{Instant{Duration{due}}, *id});
}

json::object waiting_json(const store::StoredMessage& stored, const store::DueKey& key, std::string_view lane) {
  std::uint16_t attempts = 0;
  json::array to;
  const auto& states = stored.delivery.recipients;
  for (std::size_t i = 0; i < states.size() && i < stored.message.envelope.recipients.size(); ++i) {
    const bool waits_here = states[i].stage == store::RecipientStage::Pending && store::lane_of(stored, i) == lane;
    if (!waits_here) continue;
    attempts = std::max(attempts, states[i].attempts);
    if (to.size() < kMaxLookedInto) to.push_back(json::value(format_mailbox(stored.message.envelope.recipients[i].mailbox)));
  }
  const auto& sender = stored.message.envelope.reverse_path;
  return {{"id", format_message_id(key.id)},
          {"account_id", format_id(stored.message.account)},
          {"from", sender ? json::value(format_mailbox(*sender)) : json::value("")},
          {"to", std::move(to)},
          {"created_at", format_rfc3339(stored.message.accepted_at)},
          {"next_attempt_at", format_rfc3339(key.due)},
          {"attempts", attempts},
          {"last_status", status_json(last_word(stored, lane))}};
}

Result<ApiResponse> list_waiting(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxWaitingPage, kWaitingPage);
  if (!limit) return limit.error();
  const auto after = read_due_place(request);
  if (!after) return after.error();
  const auto lane = request.query_parameter("destination");
  if (!lane) return Error(ErrorCode::InvalidArgument, "destination must be one of GET /v1/queue");
  const store::Spool& spool = context.store.spool();
  const auto waiting = spool.due(*lane, *after, Instant::max(), *limit);
  if (!waiting) return waiting.error();
  json::array data;
  for (const store::DueKey& key : waiting->keys) {
    const auto stored = spool.find(key.id);
    if (!stored) return stored.error();
    if (*stored) data.push_back(waiting_json(**stored, key, *lane));
  }
  const bool has_more = waiting->next.has_value() && !waiting->keys.empty();
  return ApiResponse::json(
      page_json(std::move(data), has_more ? std::optional(format_due_place(waiting->keys.back())) : std::nullopt));
}

Result<ApiResponse> retry(ApiContext& context, const MessageId& id) {
  const auto retried = context.store.spool().retry_now(id, context.clock.now());
  if (!retried && retried.error().code() == ErrorCode::Conflict) {
    return api_problem(ApiProblem::Conflict, "nothing of this message waits any more");
  }
  if (!retried) return retried.error();
  return ApiResponse::json(named_email(id));
}

Result<MessageId> read_any_message(const ApiRequest& request) {
  const auto id = parse_message_id(request.path_parameter("id"));
  return id ? Result<MessageId>(*id) : Error(ErrorCode::NotFound);
}

Result<ApiResponse> retry_any_email(ApiContext& context, const ApiRequest& request) {
  const auto id = read_any_message(request);
  if (!id) return id.error();
  return retry(context, *id);
}

Result<ApiResponse> cancel_any_email(ApiContext& context, const ApiRequest& request) {
  const auto id = read_any_message(request);
  if (!id) return id.error();
  const auto cancelled = context.store.spool().cancel(*id, context.clock.now());
  if (!cancelled && cancelled.error().code() == ErrorCode::Conflict) {
    return api_problem(ApiProblem::Conflict, "nothing of this message waits any more");
  }
  if (!cancelled) return cancelled.error();
  return ApiResponse::json(named_email(*id));
}

json::object destination_json(std::string_view name, const store::DestinationPause* pause) {
  return {{"name", name},
          {"domains", json::array()},
          {"host", nullptr},
          {"port", nullptr},
          {"paused_since", pause ? json::value(format_rfc3339(pause->since)) : json::value(nullptr)},
          {"paused_until", pause ? json::value(format_rfc3339(pause->until)) : json::value(nullptr)},
          {"last_status", pause ? json::value(format_status(pause->why)) : json::value(nullptr)}};
}

// The routes, then what is paused besides: a domain whose route has a destination for each.
Result<ApiResponse> list_destinations(ApiContext& context, const ApiRequest&) {
  const auto pauses = context.store.spool().list_pauses();
  if (!pauses) return pauses.error();
  json::array data;
  std::set<std::string_view> shown;
  const auto table = context.submission.routes();
  const std::vector<relay::Route> none;
  for (const relay::Route& route : table ? table->routes() : none) {
    // With another pool: shown where it is paused.
    if (!route.variant_of.empty() && pause_of(*pauses, route.name) == nullptr) continue;
    json::object destination = destination_json(route.name, pause_of(*pauses, route.name));
    for (const std::string& domain : route.domains) destination["domains"].as_array().push_back(json::value(domain));
    if (!route.host.empty()) destination["host"] = route.host;
    if (!route.host.empty()) destination["port"] = route.port;
    shown.insert(route.name);
    data.push_back(std::move(destination));
  }
  for (const store::DestinationPause& pause : *pauses) {
    if (data.size() < kMaxDestinations && !shown.contains(pause.name)) data.push_back(destination_json(pause.name, &pause));
  }
  return ApiResponse::json(page_json(std::move(data), {}));
}

Result<ApiResponse> probe_destinations(ApiContext& context, const ApiRequest&) {
  if (const auto cleared = context.store.spool().clear_pauses(); !cleared) return cleared.error();
  return ApiResponse::json(json::object{{"object", "destinations"}, {"probed", true}});
}

constexpr Parameter kQueueParameters[] = {limit_parameter(kMaxLanesPage, kLanesPage),
                                          {.name = "after", .description = kAfterWords}};
constexpr Parameter kSummaryParameters[] = {limit_parameter(kMaxLanesPage, kLanesPage)};
constexpr Parameter kWaitingParameters[] = {
    limit_parameter(kMaxWaitingPage, kWaitingPage),
    {.name = "after", .description = kAfterWords},
    {.name = "destination", .description = "A `destination` of the queue.", .least = 1, .is_required = true}};

template <Work work>
constexpr Route on_queue(Method method, std::string_view path, std::string_view operation, std::string_view summary,
                         std::string_view schema, std::span<const Parameter> parameters = {}) {
  return {.method = method,
          .path = path,
          .access = Access::Operate,
          .body = Body::None,
          .handler = on_worker<work>,
          .operation = operation,
          .summary = summary,
          .tag = "operation",
          .response_schema = schema,
          .parameters = parameters,
          .failures = {method == Method::Post ? std::uint16_t{409} : std::uint16_t{0}}};
}

constexpr Route kQueueRoutes[] = {
    on_queue<show_queue>(Method::Get, "/v1/queue", "getQueue", "What waits, by destination", "Queue", kQueueParameters),
    on_queue<show_summary>(Method::Get, "/v1/queue/summary", "getQueueSummary", "What live mail waits, by destination and age",
                           "QueueSummary", kSummaryParameters),
    on_queue<list_waiting>(Method::Get, "/v1/queue/emails", "listQueue", "The e-mails that wait for a destination",
                           "QueuedEmailList", kWaitingParameters),
    on_queue<retry_any_email>(Method::Post, "/v1/queue/emails/:id/retry", "retryAnyEmail", "Try what waits of an e-mail now",
                              "QueuedEmailName"),
    on_queue<cancel_any_email>(Method::Post, "/v1/queue/emails/:id/cancel", "cancelAnyEmail",
                               "Take what waits of an e-mail off the queue", "QueuedEmailName"),
    on_queue<list_destinations>(Method::Get, "/v1/destinations", "listDestinations", "The next hops, and which are paused",
                                "DestinationList"),
    on_queue<probe_destinations>(Method::Post, "/v1/destinations/retry", "retryDestinations", "Try every paused next hop now",
                                 "ProbedDestinations"),
};

constexpr std::string_view kQueueSchemas = R"({
  "QueueDestination": {"type": "object", "required": ["destination", "messages", "has_more_messages", "oldest_at",
    "next_attempt_at", "last_status", "route", "paused_until"], "properties": {
    "destination": {"type": "string", "description": "A domain, >route>domain where it was moved, or <test> for test mail."},
    "messages": {"type": "integer"},
    "has_more_messages": {"type": "boolean", "description": "There are more than were counted."},
    "oldest_at": {"type": ["string", "null"], "format": "date-time", "description": "Of those that were counted."},
    "next_attempt_at": {"type": "string", "format": "date-time"},
    "last_status": {"type": ["string", "null"], "description": "The next hop's last word."},
    "route": {"type": ["string", "null"]},
    "paused_until": {"type": ["string", "null"], "format": "date-time"}}},
  "Queue": {"type": "object", "required": ["object", "messages", "has_more", "data", "next"], "properties": {
    "object": {"const": "queue"}, "messages": {"type": "integer", "description": "All that wait."}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/QueueDestination"}},
    "next": {"$ref": "#/components/schemas/Cursor"}}},
  "QueueAges": {"type": "object", "required": ["destination", "messages", "by_age", "oldest_at"], "properties": {
    "destination": {"type": "string"}, "messages": {"type": "integer"},
    "by_age": {"type": "array", "minItems": 7, "maxItems": 7, "items": {"type": "integer"}},
    "oldest_at": {"type": ["string", "null"], "format": "date-time"}}},
  "QueueSummary": {"type": "object", "required": ["object", "messages", "by_age", "oldest_at", "is_whole", "age_bounds_minutes",
    "has_more", "data"], "properties": {
    "object": {"const": "queue_summary"},
    "messages": {"type": "integer", "description": "A message to several destinations counts at each."},
    "by_age": {"type": "array", "minItems": 7, "maxItems": 7, "items": {"type": "integer"},
      "description": "Messages younger than each of age_bounds_minutes and not than the one before it; then those older than all."},
    "oldest_at": {"type": ["string", "null"], "format": "date-time"},
    "is_whole": {"type": "boolean", "description": "False: there is more than was counted."},
    "age_bounds_minutes": {"type": "array", "minItems": 6, "maxItems": 6, "items": {"type": "integer"}},
    "has_more": {"type": "boolean", "description": "There are more destinations than were asked for."},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/QueueAges"},
      "description": "The destinations for which most waits."}}},
  "QueuedEmail": {"type": "object", "required": ["id", "account_id", "from", "to", "created_at", "next_attempt_at", "attempts",
    "last_status"], "properties": {
    "id": {"type": "string"}, "account_id": {"type": "string"}, "from": {"type": "string"},
    "to": {"type": "array", "items": {"type": "string"}, "description": "The first of those that wait."},
    "created_at": {"type": "string", "format": "date-time"}, "next_attempt_at": {"type": "string", "format": "date-time"},
    "attempts": {"type": "integer"}, "last_status": {"type": ["string", "null"]}}},
  "QueuedEmailList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/QueuedEmail"}},
    "next": {"$ref": "#/components/schemas/Cursor"}}},
  "QueuedEmailName": {"type": "object", "required": ["object", "id"], "properties": {
    "object": {"const": "email"}, "id": {"type": "string"}}},
  "Destination": {"type": "object", "required": ["name", "domains", "host", "port", "paused_since", "paused_until", "last_status"],
    "properties": {"name": {"type": "string"}, "domains": {"type": "array", "items": {"type": "string"}},
    "host": {"type": ["string", "null"]}, "port": {"type": ["integer", "null"]},
    "paused_since": {"type": ["string", "null"], "format": "date-time"},
    "paused_until": {"type": ["string", "null"], "format": "date-time"}, "last_status": {"type": ["string", "null"]}}},
  "DestinationList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {"next": {"type": "null"},
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/Destination"}}}},
  "ProbedDestinations": {"type": "object", "required": ["object", "probed"], "properties": {
    "object": {"const": "destinations"}, "probed": {"const": true}}}
})";

}  // namespace

api::ApiArea queue_api() {
  return {kQueueRoutes, kQueueSchemas};
}

}  // namespace postern::operation
