// /v1/webhooks: where an account's events are sent to, in the shapes of Resend's API.
#include "core/time_format.h"
#include "http/api.h"
#include "http/api_context.h"
#include "http/event_json.h"
#include "http/request_fields.h"
#include "http/webhook_admin.h"
#include "http/webhook_signature.h"
#include "http/worker_job.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <array>
#include <optional>
#include <string>

namespace postern::http {
namespace {

namespace json = boost::json;

using store::WebhookRecord;

constexpr std::size_t kMaxEventTypes = 64;  // in a request; more than there are

json::object webhook_json(const WebhookRecord& webhook) {
  json::value events(nullptr);
  if (!webhook.events.empty()) {
    json::array names;
    for (const std::string& name : webhook.events) names.emplace_back(name);
    events = std::move(names);
  }
  return {{"id", format_id(webhook.id)},
          {"endpoint", webhook.url},
          {"created_at", format_rfc3339(webhook.created)},
          {"status", webhook_state_name(webhook.state)},
          {"failed", webhook.state == store::WebhookState::Failed},
          {"events", std::move(events)}};
}

// What all answers about one webhook have.
json::object named_json(const WebhookId& id) { return {{"object", "webhook"}, {"id", format_id(id)}}; }

// The secret is an owner's own: receivers verify with it.
ApiResponse answer_with_secret(const json::object& body, const WebhookRecord& webhook, std::uint16_t status = 200) {
  return ApiResponse::json_with_secret(body, "signing_secret", format_webhook_secret(webhook.secret), status);
}

Result<WebhookId> webhook_id(const ApiRequest& request) {
  const auto id = parse_webhook_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound);
  return *id;
}

Result<ApiResponse> create_webhook(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  std::string endpoint = fields.required_text("endpoint");
  std::vector<std::string> events = fields.texts("events", kMaxEventTypes);
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto webhook = context.webhooks.create(request.caller.account, std::move(endpoint), std::move(events));
  if (!webhook) return webhook.error();
  return answer_with_secret(named_json(webhook->id), *webhook, 201);
}

Result<ApiResponse> list_webhooks(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, store::kMaxWebhooksPerAccount, store::kMaxWebhooksPerAccount);
  if (!limit) return limit.error();
  const auto webhooks = context.store.directory().list_webhooks(request.caller.account);
  if (!webhooks) return webhooks.error();
  auto next = webhooks->begin();
  if (const auto after = request.query_parameter("after")) {
    while (next != webhooks->end() && format_id(next->id) != *after) ++next;
    if (next == webhooks->end()) return Error(ErrorCode::InvalidArgument, "after must be the id of a webhook of the list");
    ++next;
  }
  json::array data;
  for (; next != webhooks->end() && data.size() < *limit; ++next) data.push_back(webhook_json(*next));
  return ApiResponse::json(page_json(std::move(data), next != webhooks->end()));
}

Result<ApiResponse> get_webhook(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(request);
  if (!id) return id.error();
  const auto webhook = context.webhooks.find(request.caller.account, *id);
  if (!webhook) return webhook.error();
  const auto progress = context.store.directory().webhook_progress(*id);
  if (!progress) return progress.error();
  json::object body = webhook_json(*webhook);
  body["object"] = "webhook";
  body["delivered"] = progress->delivered;
  body["given_up"] = progress->given_up;
  body["failing_since"] = progress->failing_since ? json::value(format_rfc3339(*progress->failing_since)) : json::value(nullptr);
  if (request.caller.has_test_key()) return ApiResponse::json(body);  // with the secret it could sign events of live mail
  return answer_with_secret(body, *webhook);
}

std::optional<bool> read_status(RequestFields& fields) {
  const auto status = fields.text("status");
  if (!status) return std::nullopt;
  if (*status != "enabled" && *status != "disabled") fields.fail("status", "must be enabled or disabled");
  return *status == "enabled";
}

Result<ApiResponse> change_webhook(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(request);
  if (!id) return id.error();
  RequestFields fields(request.json);
  WebhookChange change;
  change.url = fields.text("endpoint");
  if (fields.has("events")) change.events = fields.texts("events", kMaxEventTypes);
  change.is_enabled = read_status(fields);
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto changed = context.webhooks.change(request.caller.account, *id, change);
  if (!changed) return changed.error();
  return ApiResponse::json(named_json(*id));
}

Result<ApiResponse> delete_webhook(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(request);
  if (!id) return id.error();
  if (const auto removed = context.webhooks.remove(request.caller.account, *id); !removed) return removed.error();
  json::object body = named_json(*id);
  body["deleted"] = true;
  return ApiResponse::json(body);
}

Result<ApiResponse> rotate_webhook_secret(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(request);
  if (!id) return id.error();
  const auto webhook = context.webhooks.rotate_secret(request.caller.account, *id);
  if (!webhook) return webhook.error();
  return answer_with_secret(named_json(webhook->id), *webhook);
}

// {"since": "evt_17"} or {"event": "evt_17"}.
Result<ApiResponse> replay_webhook(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(request);
  if (!id) return id.error();
  RequestFields fields(request.json);
  const auto since = fields.text("since");
  const auto event = fields.text("event");
  fields.refuse_unknown();
  if (since.has_value() == event.has_value()) fields.fail("since", "or event must be given, and not both");
  const auto sequence = parse_event_id(since ? *since : event.value_or(""));
  if (!sequence) fields.fail(since ? "since" : "event", "must be the id of an event");
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto replayed = since ? context.webhooks.replay_since(request.caller.account, *id, *sequence)
                              : context.webhooks.replay_event(request.caller.account, *id, *sequence);
  if (!replayed) return replayed.error();
  return ApiResponse::json(named_json(*id), 202);
}

Result<ApiResponse> replay_webhook_event(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(request);
  if (!id) return id.error();
  const auto sequence = parse_event_id(request.path_parameter("event_id"));
  if (!sequence) return Error(ErrorCode::NotFound);
  if (const auto done = context.webhooks.replay_event(request.caller.account, *id, *sequence); !done) return done.error();
  return ApiResponse::json(json::object{{"object", "webhook_event"}, {"id", format_event_id(*sequence)}});
}

constexpr Parameter kWebhookListParameters[] = {
    limit_parameter(store::kMaxWebhooksPerAccount, store::kMaxWebhooksPerAccount),
    {.name = "after", .description = "The id of the webhook that the page before ended with."}};

constexpr Route route(Method method, std::string_view path, Body body, Handler handler, std::string_view operation,
                      std::string_view summary, std::string_view request_schema, std::uint16_t status,
                      std::string_view response_schema, std::span<const Parameter> parameters = {}) {
  return {.method = method,
          .path = path,
          .access = Access::Manage,
          .body = body,
          .handler = handler,
          .operation = operation,
          .summary = summary,
          .tag = "webhooks",
          .request_schema = request_schema,
          .status = status,
          .response_schema = response_schema,
          .parameters = parameters};
}

constexpr std::array<Route, 9> kWebhookRoutes = {{
    route(Method::Get, "/v1/webhooks", Body::None, on_worker<list_webhooks>, "listWebhooks", "List the account's webhooks", "",
          200, "WebhookList", kWebhookListParameters),
    route(Method::Post, "/v1/webhooks", Body::Json, on_worker_live<create_webhook>, "createWebhook",
          "Have events sent to an HTTPS endpoint from now on", "NewWebhook", 201, "WebhookSecret"),
    route(Method::Get, "/v1/webhooks/:id", Body::None, on_worker<get_webhook>, "getWebhook", "Show a webhook and its secret", "",
          200, "Webhook"),
    route(Method::Patch, "/v1/webhooks/:id", Body::Json, on_worker_live<change_webhook>, "changeWebhook",
          "Change a webhook, disable it or enable it again", "WebhookChange", 200, "WebhookName"),
    route(Method::Delete, "/v1/webhooks/:id", Body::None, on_worker_live<delete_webhook>, "deleteWebhook",
          "Delete a webhook and what waits for it", "", 200, "DeletedWebhook"),
    route(Method::Post, "/v1/webhooks/:id/replay", Body::Json, on_worker_live<replay_webhook>, "replayWebhook",
          "Send events again: all since one, or a single one", "WebhookReplay", 202, "WebhookName"),
    route(Method::Post, "/v1/webhooks/:id/events/:event_id/replay", Body::None, on_worker_live<replay_webhook_event>,
          "replayWebhookEvent", "Send one event again", "", 200, "WebhookEventName"),
    route(Method::Post, "/v1/webhooks/:id/rotate-secret", Body::None, on_worker_live<rotate_webhook_secret>,
          "rotateWebhookSecret", "Make a new secret; the old one also signs for a day", "", 200, "WebhookSecret"),
    route(Method::Post, "/v1/webhooks/:id/signing-secret/rotate", Body::None, on_worker_live<rotate_webhook_secret>,
          "rotateWebhookSigningSecret", "The same as rotate-secret", "", 200, "WebhookSecret"),
}};

constexpr std::string_view kWebhookSchemas = R"json({
"WebhookEvents": {"type": ["array", "string", "null"], "maxItems": 64, "items": {"type": "string"},
  "examples": [["email.delivered"]],
  "description": "Types of events; null or empty: all."},
"NewWebhook": {"type": "object", "required": ["endpoint"], "additionalProperties": false, "properties": {
  "endpoint": {"type": "string", "format": "uri", "examples": ["https://hooks.example.org/mail"]},
  "events": {"$ref": "#/components/schemas/WebhookEvents"}}},
"WebhookChange": {"type": "object", "additionalProperties": false, "properties": {
  "endpoint": {"type": "string", "format": "uri"},
  "events": {"$ref": "#/components/schemas/WebhookEvents"},
  "status": {"type": "string", "enum": ["enabled", "disabled"]}}},
"WebhookReplay": {"type": "object", "additionalProperties": false, "description": "One of the two.", "properties": {
  "since": {"type": "string", "description": "The event to begin with.", "examples": ["evt_4711"]},
  "event": {"type": "string", "description": "The one event to send again."}}},
"WebhookName": {"type": "object", "required": ["object", "id"], "properties": {
  "object": {"const": "webhook"},
  "id": {"type": "string"}}},
"WebhookSecret": {"allOf": [{"$ref": "#/components/schemas/WebhookName"},
  {"type": "object", "required": ["signing_secret"], "properties": {
  "signing_secret": {"type": "string", "description": "whsec_ and the secret in base64 (Standard Webhooks)."}}}]},
"WebhookSummary": {"type": "object", "required": ["id", "endpoint", "created_at", "status", "failed", "events"], "properties": {
  "id": {"type": "string"},
  "endpoint": {"type": "string"},
  "created_at": {"type": "string", "format": "date-time"},
  "status": {"type": "string", "enum": ["enabled", "disabled"]},
  "failed": {"type": "boolean", "description": "Disabled because its receiver failed for a day, or answered 410."},
  "events": {"$ref": "#/components/schemas/WebhookEvents"}}},
"Webhook": {"allOf": [{"$ref": "#/components/schemas/WebhookSummary"}, {"$ref": "#/components/schemas/WebhookName"},
  {"type": "object", "required": ["delivered", "given_up", "failing_since"], "properties": {
  "signing_secret": {"type": "string", "description": "Not for test keys."},
  "delivered": {"type": "integer"},
  "given_up": {"type": "integer"},
  "failing_since": {"type": ["string", "null"], "format": "date-time"}}}]},
"WebhookList": {"type": "object", "required": ["object", "has_more", "data"], "properties": {
  "object": {"const": "list"},
  "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/WebhookSummary"}}}},
"DeletedWebhook": {"allOf": [{"$ref": "#/components/schemas/WebhookName"},
  {"type": "object", "required": ["deleted"], "properties": {
  "deleted": {"const": true}}}]},
"WebhookEventName": {"type": "object", "required": ["object", "id"], "properties": {
  "object": {"const": "webhook_event"},
  "id": {"type": "string"}}}
})json";

}  // namespace

ApiArea webhook_api() { return {kWebhookRoutes, kWebhookSchemas}; }

}  // namespace postern::http
