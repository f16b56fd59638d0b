// /v1/webhooks: where an account's events are sent to, in the shapes of Resend's API.
#include "api/api.h"
#include "api/api_context.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "auth/permission.h"
#include "core/time_format.h"
#include "events/event_json.h"
#include "events/webhook_admin.h"
#include "events/webhook_signature.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;

using store::WebhookRecord;

constexpr std::size_t kMaxEventTypes = 64;  // in a request; more than there are

// A test key has those that get events of test mail, a key that is limited to From domains those that are limited to them as well.
bool can_see(const Caller& caller, const WebhookRecord& webhook) {
  if (caller.has_test_key() && webhook.mail != store::WebhookMail::Test) return false;
  if (!caller.has_domain_key()) return true;
  const auto is_own = [&](const std::string& domain) { return auth::is_domain_allowed(caller.key->from_domains, domain); };
  return !webhook.from_domains.empty() && std::ranges::all_of(webhook.from_domains, is_own);
}

// What all answers about one webhook have.
json::object named_json(const WebhookId& id) { return {{"object", "webhook"}, {"id", format_id(id)}}; }

// The secret is an owner's own: receivers verify with it.
ApiResponse answer_with_secret(const json::object& body, const WebhookRecord& webhook, std::uint16_t status = 200) {
  return ApiResponse::json_with_secret(body, "signing_secret", events::format_webhook_secret(webhook.secret), status);
}

// NotFound too for another account's, and for what the caller may not see.
Result<WebhookId> webhook_id(const ApiContext& context, const ApiRequest& request) {
  const auto id = parse_webhook_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound);
  const auto webhook = context.webhooks.find(request.caller.account, *id);
  if (!webhook) return webhook.error();
  if (!can_see(request.caller, *webhook)) return Error(ErrorCode::NotFound);
  return *id;
}

// It would send on what the key itself may read from its networks only.
std::optional<ApiResponse> refuse_bound_key(const Caller& caller) {
  if (!caller.key || !caller.key->has_networks) return std::nullopt;
  return api_refusal(Refusal::PermissionDenied, "a key that is bound to networks names no endpoint elsewhere");
}

// Live where nothing is said, but for a test key.
store::WebhookMail read_mail(RequestFields& fields, const Caller& caller) {
  const auto implied = caller.has_test_key() ? store::WebhookMail::Test : store::WebhookMail::Live;
  const auto text = fields.text("environment");
  if (!text) return implied;
  for (const auto mail : {store::WebhookMail::Any, store::WebhookMail::Live, store::WebhookMail::Test}) {
    const bool is_allowed = !caller.has_test_key() || mail == store::WebhookMail::Test;
    if (*text == webhook_mail_name(mail) && is_allowed) return mail;
  }
  fields.fail("environment", caller.has_test_key() ? "must be test: a test key has webhooks for test mail only"
                                                   : "must be live, test or all");
  return implied;
}

Result<ApiResponse> create_webhook(ApiContext& context, const ApiRequest& request) {
  if (auto refused = refuse_bound_key(request.caller)) return std::move(*refused);
  RequestFields fields(request.json);
  events::NewWebhook wanted;
  wanted.url = fields.required_text("endpoint");
  wanted.events = fields.texts("events", kMaxEventTypes);
  wanted.mail = read_mail(fields, request.caller);
  if (request.caller.has_domain_key()) wanted.from_domains = request.caller.key->from_domains;
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto webhook = context.webhooks.create(request.caller.account, std::move(wanted));
  if (!webhook) return webhook.error();
  return answer_with_secret(named_json(webhook->id), *webhook, 201);
}

Result<ApiResponse> list_webhooks(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, store::kMaxWebhooksPerAccount, store::kMaxWebhooksPerAccount);
  if (!limit) return limit.error();
  const auto wanted = request.query_parameter("environment");
  if (wanted && *wanted != "live" && *wanted != "test" && *wanted != "all") {
    return Error(ErrorCode::InvalidArgument, "environment must be live, test or all");
  }
  auto webhooks = context.store.directory().list_webhooks(request.caller.account);
  if (!webhooks) return webhooks.error();
  std::erase_if(*webhooks, [&](const WebhookRecord& webhook) {
    return !can_see(request.caller, webhook) || (wanted && *wanted != webhook_mail_name(webhook.mail));
  });
  auto next = webhooks->begin();
  const auto after = read_position(request, "after");
  if (!after) return after.error();
  if (*after) {
    while (next != webhooks->end() && format_id(next->id) != **after) ++next;
    if (next == webhooks->end()) return Error(ErrorCode::InvalidArgument, "after must be a place in the list or a webhook of it");
    ++next;
  }
  json::array data;
  for (; next != webhooks->end() && data.size() < *limit; ++next) data.push_back(webhook_json(*next));
  const bool has_more = next != webhooks->end() && next != webhooks->begin();
  return ApiResponse::json(page_json(std::move(data), has_more ? std::optional(format_id(std::prev(next)->id)) : std::nullopt));
}

Result<ApiResponse> get_webhook(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(context, request);
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
  return answer_with_secret(body, *webhook);
}

std::optional<bool> read_status(RequestFields& fields) {
  const auto status = fields.text("status");
  if (!status) return std::nullopt;
  if (*status != "enabled" && *status != "disabled") fields.fail("status", "must be enabled or disabled");
  return *status == "enabled";
}

Result<ApiResponse> change_webhook(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(context, request);
  if (!id) return id.error();
  RequestFields fields(request.json);
  events::WebhookChange change;
  change.url = fields.text("endpoint");
  if (fields.has("events")) change.events = fields.texts("events", kMaxEventTypes);
  change.is_enabled = read_status(fields);
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  if (change.url) {
    if (auto refused = refuse_bound_key(request.caller)) return std::move(*refused);
  }
  const auto changed = context.webhooks.change(request.caller.account, *id, change);
  if (!changed) return changed.error();
  return ApiResponse::json(named_json(*id));
}

Result<ApiResponse> delete_webhook(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(context, request);
  if (!id) return id.error();
  if (const auto removed = context.webhooks.remove(request.caller.account, *id); !removed) return removed.error();
  json::object body = named_json(*id);
  body["deleted"] = true;
  return ApiResponse::json(body);
}

Result<ApiResponse> rotate_webhook_secret(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(context, request);
  if (!id) return id.error();
  const auto webhook = context.webhooks.rotate_secret(request.caller.account, *id);
  if (!webhook) return webhook.error();
  return answer_with_secret(named_json(webhook->id), *webhook);
}

// {"since": "evt_…"} or {"event": "evt_…"}.
Result<ApiResponse> replay_webhook(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(context, request);
  if (!id) return id.error();
  RequestFields fields(request.json);
  const auto since = fields.text("since");
  const auto event = fields.text("event");
  fields.refuse_unknown();
  if (since.has_value() == event.has_value()) fields.fail("since", "or event must be given, and not both");
  const auto sequence = context.event_ids.parse(request.caller.account, since ? *since : event.value_or(""));
  if (!sequence) fields.fail(since ? "since" : "event", "must be the id of an event");
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto wait = since ? context.webhooks.wait_for_replay(*id) : std::nullopt;
  if (wait) {
    const std::string detail = "a webhook is replayed once a minute: wait " + std::to_string(wait->count()) + " s";
    return api_refusal_with_wait(Refusal::RateLimited, detail, *wait);
  }
  const auto replayed = since ? context.webhooks.replay_since(request.caller.account, *id, *sequence)
                              : context.webhooks.replay_event(request.caller.account, *id, *sequence);
  if (!replayed) return replayed.error();
  return ApiResponse::json(named_json(*id), 202);
}

Result<ApiResponse> replay_webhook_event(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(context, request);
  if (!id) return id.error();
  const auto sequence = context.event_ids.parse(request.caller.account, request.path_parameter("event_id"));
  if (!sequence) return Error(ErrorCode::NotFound);
  if (const auto done = context.webhooks.replay_event(request.caller.account, *id, *sequence); !done) return done.error();
  return ApiResponse::json(json::object{{"object", "webhook_event"}, {"id", request.path_parameter("event_id")}});
}

constexpr Parameter kWebhookListParameters[] = {
    limit_parameter(store::kMaxWebhooksPerAccount, store::kMaxWebhooksPerAccount),
    {.name = "after", .description = kAfterWords},
    {.name = "environment", .description = "Only webhooks for that mail.", .values = "live test all"}};

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
          .parameters = parameters,
          .serves_domain_keys = true};
}

constexpr std::array<Route, 9> kWebhookRoutes = {{
    route(Method::Get, "/v1/webhooks", Body::None, on_worker<list_webhooks>, "listWebhooks", "List the account's webhooks", "",
          200, "WebhookList", kWebhookListParameters),
    route(Method::Post, "/v1/webhooks", Body::Json, on_worker<create_webhook>, "createWebhook",
          "Have events sent to an HTTPS endpoint from now on", "NewWebhook", 201, "WebhookSecret"),
    route(Method::Get, "/v1/webhooks/:id", Body::None, on_worker<get_webhook>, "getWebhook", "Show a webhook and its secret", "",
          200, "Webhook"),
    route(Method::Patch, "/v1/webhooks/:id", Body::Json, on_worker<change_webhook>, "changeWebhook",
          "Change a webhook, disable it or enable it again", "WebhookChange", 200, "WebhookName"),
    route(Method::Delete, "/v1/webhooks/:id", Body::None, on_worker<delete_webhook>, "deleteWebhook",
          "Delete a webhook and what waits for it", "", 200, "DeletedWebhook"),
    route(Method::Post, "/v1/webhooks/:id/replay", Body::Json, on_worker<replay_webhook>, "replayWebhook",
          "Send events again: all since one, or a single one", "WebhookReplay", 202, "WebhookName"),
    route(Method::Post, "/v1/webhooks/:id/events/:event_id/replay", Body::None, on_worker<replay_webhook_event>,
          "replayWebhookEvent", "Send one event again", "", 200, "WebhookEventName"),
    route(Method::Post, "/v1/webhooks/:id/rotate-secret", Body::None, on_worker<rotate_webhook_secret>,
          "rotateWebhookSecret", "Make a new secret; the old one also signs for a day", "", 200, "WebhookSecret"),
    route(Method::Post, "/v1/webhooks/:id/signing-secret/rotate", Body::None, on_worker<rotate_webhook_secret>,
          "rotateWebhookSigningSecret", "The same as rotate-secret", "", 200, "WebhookSecret"),
}};

constexpr SchemaLimit kWebhookLimits[] = {{"events", kMaxEventTypes}};

constexpr std::string_view kWebhookSchemas = R"json({
"WebhookEvents": {"type": ["array", "string", "null"], "maxItems": "$events", "items": {"type": "string"},
  "examples": [["email.delivered"]],
  "description": "Types of events; null or empty: all."},
"NewWebhook": {"type": "object", "required": ["endpoint"], "additionalProperties": false, "properties": {
  "endpoint": {"type": "string", "format": "uri", "examples": ["https://hooks.example.org/mail"]},
  "environment": {"$ref": "#/components/schemas/WebhookEnvironment"},
  "events": {"$ref": "#/components/schemas/WebhookEvents"}}},
"WebhookEnvironment": {"type": "string", "enum": ["live", "test", "all"], "default": "live",
  "description": "Whose mail's events it gets; test for a test key, which has no others."},
"WebhookChange": {"type": "object", "additionalProperties": false, "properties": {
  "endpoint": {"type": "string", "format": "uri"},
  "events": {"$ref": "#/components/schemas/WebhookEvents"},
  "status": {"type": "string", "enum": ["enabled", "disabled"]}}},
"WebhookReplay": {"type": "object", "additionalProperties": false, "description": "One of the two.", "properties": {
  "since": {"type": "string", "description": "The event to begin with.", "examples": ["evt_0hq3v1k0a2s8g6d4f0j2l4n6p8"]},
  "event": {"type": "string", "description": "The one event to send again."}}},
"WebhookName": {"type": "object", "required": ["object", "id"], "properties": {
  "object": {"const": "webhook"},
  "id": {"type": "string"}}},
"WebhookSecret": {"allOf": [{"$ref": "#/components/schemas/WebhookName"},
  {"type": "object", "required": ["signing_secret"], "properties": {
  "signing_secret": {"type": "string", "description": "whsec_ and the secret in base64 (Standard Webhooks)."}}}]},
"WebhookSummary": {"type": "object", "required": ["id", "endpoint", "created_at", "status", "failed", "environment", "events"],
  "properties": {
  "id": {"type": "string"},
  "endpoint": {"type": "string"},
  "created_at": {"type": "string", "format": "date-time"},
  "status": {"type": "string", "enum": ["enabled", "disabled"]},
  "failed": {"type": "boolean", "description": "Disabled because its receiver failed for a day, or answered 410."},
  "environment": {"$ref": "#/components/schemas/WebhookEnvironment"},
  "events": {"$ref": "#/components/schemas/WebhookEvents"}}},
"Webhook": {"allOf": [{"$ref": "#/components/schemas/WebhookSummary"}, {"$ref": "#/components/schemas/WebhookName"},
  {"type": "object", "required": ["delivered", "given_up", "failing_since"], "properties": {
  "signing_secret": {"type": "string"},
  "delivered": {"type": "integer"},
  "given_up": {"type": "integer"},
  "failing_since": {"type": ["string", "null"], "format": "date-time"}}}]},
"WebhookList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
  "next": {"$ref": "#/components/schemas/Cursor"},
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

ApiArea webhook_api() { return {kWebhookRoutes, kWebhookSchemas, {}, kWebhookLimits}; }

}  // namespace postern::api
