// /v1/webhooks: where an account's events are sent to, in the shapes of Resend's API.
#include "api/api.h"
#include "api/api_context.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "auth/permission.h"
#include "core/bytes.h"
#include "core/header_text.h"
#include "core/time_format.h"
#include "events/event_json.h"
#include "events/received_form.h"
#include "events/webhook_admin.h"
#include "events/webhook_attempts.h"
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

constexpr std::size_t kMaxShownType = 100;  // octets of an answer's Content-Type
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
  if (const auto name = fields.text("received_form")) {
    const auto form = events::parse_received_form(*name);
    if (!form) fields.fail("received_form", "must be postern, mailkite, resend or postmark");
    wanted.received_form = form.value_or(store::ReceivedForm::Postern);
  }
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

// Octets of anybody's as text; "…" behind what was cut.
json::value shown_body(const std::string& kept) {
  return json::value(repaired_utf8(kept) + (kept.size() == events::kMaxKeptWebhookBody ? "…" : ""));
}

json::value type_or_null(std::string text) { return text.empty() ? json::value(nullptr) : json::value(std::move(text)); }

Result<ApiResponse> list_attempts(ApiContext& context, const ApiRequest& request) {
  const auto id = webhook_id(context, request);
  if (!id) return id.error();
  json::array data;
  if (context.webhook_attempts != nullptr) {
    for (const events::WebhookAttempt& attempt : context.webhook_attempts->list(*id)) {
      data.push_back(json::object{{"object", "webhook_attempt"},
                                  {"at", format_rfc3339(attempt.at)},
                                  {"event_id", context.event_ids.format(request.caller.account, attempt.sequence)},
                                  {"endpoint", attempt.url},
                                  {"status", attempt.status == 0 ? json::value(nullptr) : json::value(attempt.status)},
                                  {"failure", attempt.failure.empty() ? json::value(nullptr) : json::value(attempt.failure)},
                                  {"took_ms", attempt.took.count()},
                                  {"request_body", shown_body(attempt.sent)},
                                  {"response_type", type_or_null(printable_utf8(attempt.answer_type, kMaxShownType))},
                                  {"response_body", attempt.status == 0 ? json::value(nullptr) : shown_body(attempt.answered)}});
    }
  }
  return ApiResponse::json(page_json(std::move(data), {}));
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

constexpr Route webhook_route(Route row) {
  row.tag = "webhooks";
  row.serves_domain_keys = true;
  return row;
}

constexpr std::array<Route, 10> kWebhookRoutes = {{
    webhook_route({.method = Method::Get, .path = "/v1/webhooks", .access = Access::Manage, .handler = on_worker<list_webhooks>,
                   .operation = "listWebhooks", .summary = "List the account's webhooks", .response_schema = "WebhookList",
                   .parameters = kWebhookListParameters}),
    webhook_route({.method = Method::Post, .path = "/v1/webhooks", .access = Access::Manage, .body = Body::Json,
                   .handler = on_worker<create_webhook>, .operation = "createWebhook",
                   .summary = "Have events sent to an HTTPS endpoint from now on", .request_schema = "NewWebhook", .status = 201,
                   .response_schema = "WebhookSecret"}),
    webhook_route({.method = Method::Get, .path = "/v1/webhooks/:id", .access = Access::Manage, .handler = on_worker<get_webhook>,
                   .operation = "getWebhook", .summary = "Show a webhook and its secret", .response_schema = "Webhook"}),
    webhook_route({.method = Method::Get, .path = "/v1/webhooks/:id/attempts", .access = Access::Manage,
                   .handler = on_worker<list_attempts>, .operation = "listWebhookAttempts",
                   .summary = "The last requests to a webhook since the server began, the newest first",
                   .response_schema = "WebhookAttemptList"}),
    webhook_route({.method = Method::Patch, .path = "/v1/webhooks/:id", .access = Access::Manage, .body = Body::Json,
                   .handler = on_worker<change_webhook>, .operation = "changeWebhook",
                   .summary = "Change a webhook, disable it or enable it again", .request_schema = "WebhookChange",
                   .response_schema = "WebhookName"}),
    webhook_route({.method = Method::Delete, .path = "/v1/webhooks/:id", .access = Access::Manage,
                   .handler = on_worker<delete_webhook>, .operation = "deleteWebhook",
                   .summary = "Delete a webhook and what waits for it", .response_schema = "DeletedWebhook"}),
    webhook_route({.method = Method::Post, .path = "/v1/webhooks/:id/replay", .access = Access::Manage, .body = Body::Json,
                   .handler = on_worker<replay_webhook>, .operation = "replayWebhook",
                   .summary = "Send events again: all since one, or a single one", .request_schema = "WebhookReplay",
                   .status = 202, .response_schema = "WebhookName"}),
    webhook_route({.method = Method::Post, .path = "/v1/webhooks/:id/events/:event_id/replay", .access = Access::Manage,
                   .handler = on_worker<replay_webhook_event>, .operation = "replayWebhookEvent",
                   .summary = "Send one event again", .response_schema = "WebhookEventName"}),
    webhook_route({.method = Method::Post, .path = "/v1/webhooks/:id/rotate-secret", .access = Access::Manage,
                   .handler = on_worker<rotate_webhook_secret>, .operation = "rotateWebhookSecret",
                   .summary = "Make a new secret; the old one also signs for a day", .response_schema = "WebhookSecret"}),
    webhook_route({.method = Method::Post, .path = "/v1/webhooks/:id/signing-secret/rotate", .access = Access::Manage,
                   .handler = on_worker<rotate_webhook_secret>, .operation = "rotateWebhookSigningSecret",
                   .summary = "The same as rotate-secret", .response_schema = "WebhookSecret"}),
}};

constexpr SchemaLimit kWebhookLimits[] = {{"events", kMaxEventTypes}};

constexpr std::string_view kWebhookSchemas = R"json({
"WebhookEvents": {"type": ["array", "string", "null"], "maxItems": "$events", "items": {"type": "string"},
  "examples": [["email.delivered"]],
  "description": "Types of events; null or empty: all."},
"NewWebhook": {"type": "object", "required": ["endpoint"], "additionalProperties": false, "properties": {
  "endpoint": {"type": "string", "format": "uri", "examples": ["https://hooks.example.org/mail"]},
  "environment": {"$ref": "#/components/schemas/WebhookEnvironment"},
  "received_form": {"$ref": "#/components/schemas/WebhookReceivedForm"},
  "events": {"$ref": "#/components/schemas/WebhookEvents"}}},
"WebhookEnvironment": {"type": "string", "enum": ["live", "test", "all"], "default": "live",
  "description": "Whose mail's events it gets; test for a test key, which has no others."},
"WebhookReceivedForm": {"type": "string", "enum": ["postern", "mailkite", "resend", "postmark"], "default": "postern",
  "description": "In whose words it hears of mail that came in: `email.received`."},
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
"WebhookSummary": {"type": "object", "required": ["id", "endpoint", "created_at", "status", "failed", "environment",
  "received_form", "events"], "properties": {
  "id": {"type": "string"},
  "endpoint": {"type": "string"},
  "created_at": {"type": "string", "format": "date-time"},
  "status": {"type": "string", "enum": ["enabled", "disabled"]},
  "failed": {"type": "boolean", "description": "Disabled because its receiver failed for a day, or answered 410."},
  "environment": {"$ref": "#/components/schemas/WebhookEnvironment"},
  "received_form": {"$ref": "#/components/schemas/WebhookReceivedForm"},
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
"WebhookAttempt": {"type": "object", "required": ["object", "at", "event_id", "endpoint", "status", "failure", "took_ms",
    "request_body", "response_type", "response_body"],
  "properties": {
  "object": {"const": "webhook_attempt"},
  "at": {"type": "string", "format": "date-time"},
  "event_id": {"type": "string"}, "endpoint": {"type": "string"},
  "status": {"type": ["integer", "null"], "description": "Of the response; null: there was none."},
  "failure": {"type": ["string", "null"], "description": "Why there was none."},
  "took_ms": {"type": "integer"},
  "request_body": {"type": "string", "description": "Its first 2,048 octets; an ellipsis behind what was cut."},
  "response_type": {"type": ["string", "null"], "description": "Its Content-Type."},
  "response_body": {"type": ["string", "null"], "description": "The same of what was answered; what is no UTF-8 is replaced."}}},
"WebhookAttemptList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
  "next": {"type": "null"}, "object": {"const": "list"}, "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/WebhookAttempt"}}}},
"WebhookEventName": {"type": "object", "required": ["object", "id"], "properties": {
  "object": {"const": "webhook_event"},
  "id": {"type": "string"}}}
})json";

}  // namespace

ApiArea webhook_api() { return {kWebhookRoutes, kWebhookSchemas, {}, kWebhookLimits}; }

}  // namespace postern::api
