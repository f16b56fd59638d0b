#include "api/mailkite_json.h"

#include "domains/domain_admin.h"
#include "domains/inbound_routes.h"
#include "events/event_json.h"
#include "events/received_form.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <chrono>

namespace postern::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kMessagePrefix = "msg_";
constexpr std::string_view kDeliveryPrefix = "dlv_";

std::int64_t milliseconds(Instant at) {
  return std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

// Behind the first "_": ids of ours have what they are of in front, too.
std::string_view bare(std::string_view id) { return id.substr(id.find('_') + 1); }

}  // namespace

json::object mailkite_domain(const store::DomainRecord& domain, const store::WebhookRecord* webhook) {
  const json::value url = webhook == nullptr ? json::value(nullptr) : json::value(webhook->url);
  return {{"id", format_id(domain.id)},
          {"domain", domain.name},
          {"status", domain.state == store::DomainState::Verified ? "verified" : "pending"},
          {"webhook_url", url},
          {"webhook", webhook == nullptr ? json::value(nullptr) : json::value(json::object{{"url", url}})},
          {"created_at", milliseconds(domain.created)},
          {"verified_at", domain.verified_at ? json::value(milliseconds(*domain.verified_at)) : json::value(nullptr)}};
}

json::object mailkite_route(const store::DomainRecord& domain, const store::InboundRoute& route,
                            const store::WebhookRecord* webhook) {
  json::value destination = nullptr;
  if (!route.destination.empty()) destination = route.destination;
  if (webhook != nullptr) destination = webhook->url;
  return {{"id", route.id},
          {"domain_id", format_id(domain.id)},
          {"match", route.match + "@" + domain.name},
          {"action", domains::route_action_name(route.action)},
          {"destination", std::move(destination)},
          {"active", route.is_active}};
}

json::object mailkite_message(const store::InboundRecord& record) {
  json::array to(record.recipients.begin(), record.recipients.end());
  return {{"id", events::mailkite_message_id(record.id)},
          {"from", record.from},
          {"to", std::move(to)},
          {"subject", record.subject},
          {"size", record.octets},
          {"auth", events::mailkite_auth(record.verdicts)},
          {"received_at", milliseconds(record.id.created())}};
}

json::object mailkite_delivery(const store::WebhookRecord& webhook, const Event& event, const events::EventIds& ids,
                               events::WebhookAttempts* attempts) {
  json::object delivery{{"id", std::string(kDeliveryPrefix)
                                   .append(bare(format_id(webhook.id)))
                                   .append("_")
                                   .append(bare(ids.format(webhook.account, event.sequence)))},
                        {"url", webhook.url},
                        {"recipient", event.recipient},
                        {"status", "pending"},
                        {"status_code", nullptr},
                        {"error", nullptr},
                        {"attempted_at", nullptr}};
  if (attempts == nullptr) return delivery;
  for (const events::WebhookAttempt& attempt : attempts->list(webhook.id)) {
    if (attempt.sequence != event.sequence) continue;
    const bool is_delivered = attempt.status >= 200 && attempt.status < 300;
    delivery["status"] = is_delivered ? "delivered" : "failing";
    if (attempt.status != 0) delivery["status_code"] = attempt.status;
    if (!attempt.failure.empty()) delivery["error"] = attempt.failure;
    delivery["attempted_at"] = milliseconds(attempt.at);
    break;
  }
  return delivery;
}

std::optional<MessageId> parse_mailkite_message_id(std::string_view text) {
  if (text.starts_with(kMessagePrefix)) text.remove_prefix(kMessagePrefix.size());
  return parse_message_id(text);
}

std::optional<DeliveryPlace> parse_mailkite_delivery_id(std::string_view text) {
  if (!text.starts_with(kDeliveryPrefix)) return std::nullopt;
  text.remove_prefix(kDeliveryPrefix.size());
  const std::size_t bar = text.find('_');
  if (bar == std::string_view::npos) return std::nullopt;
  const auto webhook = parse_webhook_id(std::string(WebhookTag::kPrefix).append(text.substr(0, bar)));
  if (!webhook) return std::nullopt;
  return DeliveryPlace{*webhook, std::string(events::kEventIdPrefix) + std::string(text.substr(bar + 1))};
}

MessageId first_message_id_at(Instant at) {
  MessageId id;
  const auto time = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::microseconds>(at.time_since_epoch()).count());
  for (std::size_t i = 0; i < 8; ++i) id.octets[i] = static_cast<std::uint8_t>(time >> (56 - 8 * i));
  return id;
}

constexpr std::string_view kMailKiteSchemas = R"({
  "MailKiteDone": {"type": "object", "required": ["ok"], "properties": {"ok": {"const": true}, "id": {"type": "string"}}},
  "MailKiteNewDomain": {"type": "object", "required": ["domain"], "additionalProperties": false, "properties": {
    "domain": {"type": "string", "examples": ["example.org"]}}},
  "MailKiteDomain": {"type": "object", "required": ["id", "domain", "status", "webhook_url", "webhook", "created_at",
    "verified_at"], "properties": {
    "id": {"type": "string"},
    "domain": {"type": "string"},
    "status": {"enum": ["pending", "verified"]},
    "webhook_url": {"type": ["string", "null"]},
    "webhook": {"type": ["object", "null"], "properties": {"url": {"type": "string"}}},
    "created_at": {"type": "integer", "description": "Milliseconds since 1970, as all times here."},
    "verified_at": {"type": ["integer", "null"]},
    "records": {"type": "array", "description": "To publish; not in lists.", "items": {"type": "object",
      "required": ["record", "name", "type", "value", "required"], "properties": {
      "record": {"type": "string"}, "name": {"type": "string"}, "type": {"type": "string"}, "ttl": {"type": "string"},
      "priority": {"type": "integer"}, "value": {"type": "string"}, "status": {"type": "string"}, "finding": {"type": "string"},
      "note": {"type": "string"},
      "required": {"type": "boolean"}}}}}},
  "MailKiteDomains": {"type": "array", "items": {"$ref": "#/components/schemas/MailKiteDomain"}},
  "MailKiteWebhook": {"type": "object", "required": ["url"], "additionalProperties": false, "properties": {
    "url": {"type": "string", "examples": ["https://app.example.org/hooks/mail"]}}},
  "MailKiteNewRoute": {"type": "object", "required": ["match"], "additionalProperties": false, "properties": {
    "match": {"type": "string", "description": "An address with at most one star before the @.",
      "examples": ["ticket+*@example.org"]},
    "action": {"enum": ["webhook", "forward", "store", "drop"], "description": "webhook where nothing is said."},
    "destination": {"type": "string", "description": "Of webhook the URL, of forward the address."}}},
  "MailKiteRoute": {"type": "object", "required": ["id", "domain_id", "match", "action", "destination", "active"], "properties": {
    "id": {"type": "string"}, "domain_id": {"type": "string"}, "match": {"type": "string"},
    "action": {"enum": ["webhook", "forward", "store", "drop"]}, "destination": {"type": ["string", "null"]},
    "active": {"type": "boolean"}}},
  "MailKiteRoutes": {"type": "array", "items": {"$ref": "#/components/schemas/MailKiteRoute"}},
  "MailKiteAuth": {"type": "object", "required": ["spf", "dkim", "dmarc", "spam"], "properties": {
    "spf": {"type": ["string", "null"]}, "dkim": {"type": ["string", "null"]}, "dmarc": {"type": ["string", "null"]},
    "spam": {"type": ["string", "null"], "description": "suspect: what the checks at the door found; no filter is asked."}}},
  "MailKiteMessage": {"type": "object", "required": ["id", "from", "to", "subject", "size", "auth", "received_at"],
    "properties": {
    "id": {"type": "string"}, "from": {"type": "string"}, "to": {"type": "array", "items": {"type": "string"}},
    "subject": {"type": "string"}, "size": {"type": "integer"},
    "auth": {"$ref": "#/components/schemas/MailKiteAuth"},
    "received_at": {"type": "integer"},
    "text": {"type": ["string", "null"], "description": "Not in lists, as the next three."},
    "html": {"type": ["string", "null"]},
    "attachments": {"type": "array", "items": {"type": "object", "required": ["id", "filename", "contentType", "size", "url"],
      "properties": {"id": {"type": "string"}, "filename": {"type": "string"}, "contentType": {"type": "string"},
      "size": {"type": "integer"}, "url": {"type": "string"}}}},
    "deliveries": {"type": "array", "items": {"type": "object", "required": ["id", "url", "recipient", "status", "status_code",
      "error", "attempted_at"], "properties": {
      "id": {"type": "string"}, "url": {"type": "string"}, "recipient": {"type": "string"},
      "status": {"enum": ["pending", "failing", "delivered"], "description": "pending: no attempt since the server's start."},
      "status_code": {"type": ["integer", "null"]}, "error": {"type": ["string", "null"]},
      "attempted_at": {"type": ["integer", "null"]}}}}}},
  "MailKiteMessages": {"type": "array", "items": {"$ref": "#/components/schemas/MailKiteMessage"}},
  "MailKiteSecret": {"type": "object", "required": ["object", "secret"], "properties": {
    "object": {"const": "webhook_secret"}, "secret": {"type": "string"}}},
  "MailKiteRouteMessage": {"type": "object", "required": ["from"], "additionalProperties": false, "properties": {
    "routeId": {"type": "string"},
    "address": {"type": "string", "description": "In the place of routeId: of the route that matches it most closely."},
    "from": {"type": "string"},
    "subject": {"type": "string", "maxLength": 900},
    "text": {"type": "string"},
    "html": {"type": "string"}}},
  "MailKiteRouted": {"type": "object", "required": ["id", "routed", "action"], "properties": {
    "id": {"type": "string"}, "routed": {"type": "boolean"}, "action": {"enum": ["webhook", "forward", "store", "drop"]}}}
})";

}  // namespace postern::api
