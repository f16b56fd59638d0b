// /v1/queue/orders and /v1/queue/retry: what is done with live mail that waits: held, given up, moved to another route, or tried
// now. The queue sees it within a second.
#include "operation/areas.h"

#include "api/api.h"
#include "api/api_context.h"
#include "api/cursor.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "core/time_format.h"
#include "relay/orders.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <sstream>
#include <string>
#include <utility>

namespace postern::operation {
namespace {

namespace json = boost::json;
using namespace api;  // the words of endpoints

constexpr std::size_t kLookedAtOnce = 256;     // entries of the queue
constexpr std::size_t kMostLookedAt = 10'240;  // for one request: about a second of a worker
constexpr std::uint64_t kMostSeconds = static_cast<std::uint64_t>(std::chrono::seconds(std::chrono::days(365)).count());

json::value text_or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

json::object order_json(const store::OrderRecord& order) {
  const store::OrderScope& scope = order.scope;
  return {{"object", "order"},
          {"id", format_id(order.id)},
          {"action", store::order_action_name(order.action)},
          {"email_id", scope.message ? json::value(format_message_id(*scope.message)) : json::value(nullptr)},
          {"domain", text_or_null(scope.domain)},
          {"route", text_or_null(scope.route)},
          {"account_id", scope.account ? json::value(format_id(*scope.account)) : json::value(nullptr)},
          {"key_id", scope.key ? json::value(format_id(*scope.key)) : json::value(nullptr)},
          {"tag", text_or_null(scope.tag)},
          {"to_route", text_or_null(order.to_route)},
          {"reason", order.reason},
          {"author", order.author},
          {"created_at", format_rfc3339(order.created)},
          {"expires_at", format_rfc3339(order.expires_at)}};
}

template <class Id>
std::optional<Id> read_id(RequestFields& fields, std::string_view name, std::optional<Id> (*parse)(std::string_view)) {
  const auto text = fields.text(name);
  if (!text) return std::nullopt;
  const std::optional<Id> id = parse(*text);
  if (!id) fields.fail(name, "must be an id");
  return id;
}

store::OrderAction read_action(RequestFields& fields) {
  const std::string action = fields.required_text("action");
  if (action == "bounce") return store::OrderAction::Bounce;
  if (action == "move") return store::OrderAction::Move;
  if (!action.empty() && action != "hold") fields.fail("action", "must be hold, bounce or move");
  return store::OrderAction::Hold;
}

store::OrderScope read_scope(RequestFields& fields) {
  return {.message = read_id(fields, "email_id", &parse_message_id),
          .domain = fields.text("domain").value_or(""),
          .route = fields.text("route").value_or(""),
          .account = read_id(fields, "account_id", &parse_account_id),
          .key = read_id(fields, "key_id", &parse_key_id),
          .tag = fields.text("tag").value_or("")};
}

Result<store::OrderRecord> read_order(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  store::OrderRecord order;
  order.action = read_action(fields);
  order.scope = read_scope(fields);
  order.to_route = fields.text("to_route").value_or("");
  order.reason = fields.text("reason").value_or("");
  const auto seconds = fields.number("expires_in", 1, kMostSeconds);
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const Instant now = context.clock.now();
  order.id = make_order_id(context.random);
  order.created = now;
  order.expires_at = now + (seconds ? Duration(std::chrono::seconds(*seconds)) : relay::usual_order_time(order.action));
  const auto routes = context.submission.routes();
  if (auto checked = relay::check_order(order, routes ? *routes : relay::RouteTable()); !checked) return checked.error();
  return order;
}

// NotFound: the order names what is not there.
Result<void> require_named(const ApiContext& context, const store::OrderScope& scope) {
  const store::Directory& directory = context.store.directory();
  if (scope.account) {
    const auto account = directory.find_account(*scope.account);
    if (!account) return account.error();
    if (!*account) return Error(ErrorCode::NotFound, "no such account");
  }
  if (scope.key) {
    const auto key = directory.find_key(*scope.key);
    if (!key) return key.error();
    if (!*key) return Error(ErrorCode::NotFound, "no such key");
  }
  if (scope.message) {
    const auto stored = context.store.spool().find(*scope.message);
    if (!stored) return stored.error();
    if (!*stored) return Error(ErrorCode::NotFound, "no such e-mail");
  }
  return {};
}

Result<ApiResponse> list_orders(ApiContext& context, const ApiRequest&) {
  const auto orders = context.store.directory().list_orders();
  if (!orders) return orders.error();
  json::array data;
  for (const store::OrderRecord& order : *orders) {
    if (order.expires_at > context.clock.now()) data.push_back(order_json(order));
  }
  return ApiResponse::json(page_json(std::move(data), {}));
}

Result<ApiResponse> give_order(ApiContext& context, const ApiRequest& request) {
  auto order = read_order(context, request);
  if (!order) return order.error();
  if (auto named = require_named(context, order->scope); !named) return named.error();
  const auto put = context.store.directory().write([&](store::DirectoryWriter& writer) { return writer.put_order(*order); });
  if (!put) return put.error();
  const auto given = context.store.directory().find_order(order->id);
  if (!given) return given.error();
  ApiResponse response = ApiResponse::json(order_json(*given ? **given : *order));
  response.status = 201;
  return response;
}

Result<ApiResponse> end_order(ApiContext& context, const ApiRequest& request) {
  const auto id = parse_order_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound);
  const auto removed = context.store.directory().write([&](store::DirectoryWriter& writer) { return writer.remove_order(*id); });
  if (!removed) return removed.error();
  return ApiResponse::json(json::object{{"object", "order"}, {"id", format_id(*id)}, {"deleted", true}});
}

// What the walk over all that waits left of the bounds of one request.
struct Retried {
  std::uint64_t messages = 0;
  std::optional<store::DueEntry> after;  // where the next request goes on; nullopt: all has been looked at
};

std::string format_entry(const store::DueEntry& entry) {
  return std::to_string(entry.due.time_since_epoch().count()) + " " + format_message_id(entry.id) + " " + entry.lane;
}

Result<std::optional<store::DueEntry>> read_entry(const ApiRequest& request) {
  const auto position = read_position(request, "after");
  if (!position) return position.error();
  if (!*position) return std::optional<store::DueEntry>();
  std::istringstream words(**position);
  Duration::rep due = 0;
  std::string id;
  store::DueEntry entry;
  words >> due >> id >> entry.lane;
  const auto message = parse_message_id(id);
  if (!words || !message) return Error(ErrorCode::InvalidArgument, "after must be a place in the queue");
  entry.due = Instant(Duration(due));
  entry.id = *message;
  return std::optional(entry);
}

Result<Retried> retry_waiting(ApiContext& context, const store::OrderScope& scope, std::optional<store::DueEntry> after) {
  store::Spool& spool = context.store.spool();
  const Instant now = context.clock.now();
  const auto table = context.submission.routes();
  const relay::RouteTable none;
  Retried retried{.messages = 0, .after = std::move(after)};
  for (std::size_t looked = 0; looked < kMostLookedAt;) {
    const auto entries = spool.queued(retried.after, kLookedAtOnce);
    if (!entries) return entries.error();
    for (const store::DueEntry& entry : *entries) {
      retried.after = entry;
      const auto stored = entry.due > now ? spool.find(entry.id) : Result<std::optional<store::StoredMessage>>(std::nullopt);
      if (!stored) return stored.error();
      if (!*stored || !relay::has_later_attempt(scope, **stored, table ? *table : none, now)) continue;
      const auto done = spool.retry_now(entry.id, now);
      const bool is_over = !done && (done.error().code() == ErrorCode::NotFound || done.error().code() == ErrorCode::Conflict);
      if (!done && !is_over) return done.error();
      retried.messages += done ? 1 : 0;
    }
    looked += entries->size();
    if (entries->size() < kLookedAtOnce) {
      retried.after.reset();
      break;
    }
  }
  return retried;
}

// Of a message in several lanes the first of them that waits stands for all: they are due together then.
Result<ApiResponse> retry_mail(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  store::OrderScope scope = read_scope(fields);
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto after = read_entry(request);
  if (!after) return after.error();
  const auto routes = context.submission.routes();
  if (auto checked = relay::check_scope(scope, routes ? *routes : relay::RouteTable()); !checked) return checked.error();
  if (auto named = require_named(context, scope); !named) return named.error();
  const auto retried = retry_waiting(context, scope, *after);
  if (!retried) return retried.error();
  const bool has_more = retried->after.has_value();
  const json::value next = has_more ? json::value(format_cursor(format_entry(*retried->after))) : json::value(nullptr);
  return ApiResponse::json(json::object{{"object", "retry"},
                                        {"messages", retried->messages},
                                        {"has_more", has_more},
                                        {"next", next}});
}

constexpr Parameter kRetryParameters[] = {
    {.name = "after", .description = "The `next` of the answer before: the walk goes on there."}};

constexpr Route kOrderRoutes[] = {
    {.method = Method::Post,
     .path = "/v1/queue/retry",
     .access = Access::Operate,
     .body = Body::Json,
     .handler = on_worker<retry_mail>,
     .operation = "retryMail",
     .summary = "Try live mail that waits now: of a domain, route, account, key or tag",
     .tag = "operation",
     .request_schema = "WhichMail",
     .response_schema = "RetriedMail",
     .parameters = kRetryParameters,
     .failures = {404}},
    {.method = Method::Get,
     .path = "/v1/queue/orders",
     .access = Access::Operate,
     .body = Body::None,
     .handler = on_worker<list_orders>,
     .operation = "listOrders",
     .summary = "What is held, given up or moved, until when and by whom",
     .tag = "operation",
     .response_schema = "OrderList"},
    {.method = Method::Post,
     .path = "/v1/queue/orders",
     .access = Access::Operate,
     .body = Body::Json,
     .handler = on_worker<give_order>,
     .operation = "giveOrder",
     .summary = "Hold, give up or move live mail that waits",
     .tag = "operation",
     .request_schema = "NewOrder",
     .status = 201,
     .response_schema = "Order",
     .failures = {404}},
    {.method = Method::Delete,
     .path = "/v1/queue/orders/:id",
     .access = Access::Operate,
     .body = Body::None,
     .handler = on_worker<end_order>,
     .operation = "endOrder",
     .summary = "End an order: what it held goes",
     .tag = "operation",
     .response_schema = "EndedOrder",
     .failures = {404}},
};

constexpr std::string_view kOrderSchemas = R"({
  "WhichMail": {"type": "object", "additionalProperties": false, "minProperties": 1,
    "description": "All that is named has to apply to a recipient that waits.", "properties": {
    "email_id": {"type": "string"},
    "domain": {"type": "string", "maxLength": 255, "examples": ["example.net"],
      "description": "Of recipients; .example.net with all below it, * all."},
    "route": {"type": "string", "description": "That leads to the recipient's domain."},
    "account_id": {"type": "string"}, "key_id": {"type": "string"},
    "tag": {"type": "string", "maxLength": 513, "description": "A name, or name=value."}}},
  "RetriedMail": {"type": "object", "required": ["object", "messages", "has_more", "next"], "properties": {
    "object": {"const": "retry"},
    "messages": {"type": "integer", "minimum": 0, "description": "That waited, and are due now."},
    "has_more": {"type": "boolean", "description": "Not all that waits was looked at: ask again with `after`."},
    "next": {"type": ["string", "null"]}}},
  "NewOrder": {"type": "object", "additionalProperties": false, "required": ["action"], "properties": {
    "action": {"enum": ["hold", "bounce", "move"],
      "description": "All that the order names has to apply to a recipient, and it names something. Test mail is under no orders."},
    "email_id": {"type": "string"},
    "domain": {"type": "string", "maxLength": 255, "examples": ["example.net"],
      "description": "Of recipients; .example.net with all below it, * all."},
    "route": {"type": "string", "description": "That leads to the recipient's domain."},
    "account_id": {"type": "string"}, "key_id": {"type": "string"},
    "tag": {"type": "string", "maxLength": 513, "description": "A name, or name=value."},
    "to_route": {"type": "string",
      "description": "Of a move: a route, or @pool for the recipients' own routes from that egress pool."},
    "reason": {"type": "string", "maxLength": 200},
    "expires_in": {"type": "integer", "minimum": 1, "maximum": 31536000,
      "description": "Seconds; a day for hold, else five minutes, within which it also applies to what comes."}}},
  "Order": {"type": "object", "required": ["object", "id", "action", "email_id", "domain", "route", "account_id", "key_id", "tag",
    "to_route", "reason", "author", "created_at", "expires_at"], "properties": {
    "object": {"const": "order"}, "id": {"type": "string"}, "action": {"enum": ["hold", "bounce", "move"]},
    "email_id": {"type": ["string", "null"]}, "domain": {"type": ["string", "null"]}, "route": {"type": ["string", "null"]},
    "account_id": {"type": ["string", "null"]}, "key_id": {"type": ["string", "null"]}, "tag": {"type": ["string", "null"]},
    "to_route": {"type": ["string", "null"]}, "reason": {"type": "string"}, "author": {"type": "string"},
    "created_at": {"type": "string", "format": "date-time"}, "expires_at": {"type": "string", "format": "date-time"}}},
  "OrderList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {"next": {"type": "null"},
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}}},
  "EndedOrder": {"type": "object", "required": ["object", "id", "deleted"], "properties": {
    "object": {"const": "order"}, "id": {"type": "string"}, "deleted": {"const": true}}}
})";

}  // namespace

api::ApiArea order_api() { return {kOrderRoutes, kOrderSchemas}; }

}  // namespace postern::operation
