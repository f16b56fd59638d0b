// What events hold, as JSON Schemas: one for each type, told apart by `type`, so that typed clients need no casts.
#pragma once

#include "api/api.h"

#include <array>
#include <string_view>

namespace postern::api {

// Of what webhooks get, in the order of event_type_table().
inline constexpr std::array<WebhookRow, 14> kEventWebhooks = {{
    {"email.sent", "EmailSent"},
    {"email.scheduled", "EmailScheduled"},
    {"email.delivered", "EmailDelivered"},
    {"email.delivery_delayed", "EmailDeliveryDelayed"},
    {"email.bounced", "EmailBounced"},
    {"email.failed", "EmailFailed"},
    {"email.complained", "EmailComplained"},
    {"email.unsubscribed", "EmailUnsubscribed"},
    {"email.suppressed", "EmailSuppressed"},
    {"email.canceled", "EmailCanceled"},
    {"email.dsn_queued", "EmailDsnQueued"},
    {"email.dsn_withheld", "EmailDsnWithheld"},
    {"email.received", "EmailReceived"},
    {"webhook.disabled", "WebhookDisabled"},
}};

inline constexpr std::string_view kEventSchemas = R"json({
"EventStatus": {"type": "object", "required": ["code", "enhanced", "text"], "properties": {
  "code": {"type": "integer", "examples": [250]}, "enhanced": {"type": ["string", "null"], "examples": ["2.0.0"]},
  "text": {"type": "string"}}},
"EmailEventData": {"type": "object", "required": ["email_id", "created_at", "from", "to", "subject", "tags", "test"],
  "properties": {
  "email_id": {"type": "string"}, "created_at": {"type": "string", "format": "date-time", "description": "Of the message."},
  "from": {"type": "string"}, "to": {"type": "array", "items": {"type": "string"}}, "subject": {"type": "string"},
  "tags": {"type": "object", "additionalProperties": {"type": "string"}}, "test": {"type": "boolean"}}},
"SentEventData": {"allOf": [{"$ref": "#/components/schemas/EmailEventData"}, {"type": "object", "properties": {
  "warnings": {"type": "string", "description": "Of a test message: what a receiver might refuse."}}}]},
"RecipientEventData": {"allOf": [{"$ref": "#/components/schemas/EmailEventData"}, {"type": "object", "required": ["recipient"],
  "properties": {"recipient": {"type": "string"}, "status": {"$ref": "#/components/schemas/EventStatus"},
  "remote": {"type": "string"}}}]},
"BounceEventData": {"allOf": [{"$ref": "#/components/schemas/RecipientEventData"}, {"type": "object", "required": ["bounce"],
  "properties": {"bounce": {"type": "object", "required": ["type", "subType", "class", "message"], "properties": {
  "type": {"type": "string"}, "subType": {"type": "string"}, "class": {"type": "string"}, "message": {"type": "string"}}}}}]},
"FailureEventData": {"allOf": [{"$ref": "#/components/schemas/RecipientEventData"}, {"type": "object", "required": ["failed"],
  "properties": {"failed": {"type": "object", "required": ["class", "reason"],
  "properties": {"class": {"type": "string"}, "reason": {"type": "string"}}}}}]},
"DelayEventData": {"allOf": [{"$ref": "#/components/schemas/RecipientEventData"}, {"type": "object", "required": ["delay"],
  "properties": {"delay": {"type": "object", "required": ["class", "message"],
  "properties": {"class": {"type": "string"}, "message": {"type": "string"}}}}}]},
"SuppressionEventData": {"allOf": [{"$ref": "#/components/schemas/RecipientEventData"}, {"type": "object", 
  "required": ["suppressed"], "properties": {"suppressed": {"type": "object", "required": ["type", "message"], "properties": {
  "type": {"type": "string"}, "message": {"type": "string"}}}}}]},
"NotificationEventData": {"allOf": [{"$ref": "#/components/schemas/EmailEventData"}, {"type": "object",
  "required": ["notification_id"], "properties": {"notification_id": {"type": "string"}}}]},
"WithheldEventData": {"allOf": [{"$ref": "#/components/schemas/EmailEventData"}, {"type": "object", "required": ["reason"],
  "properties": {"reason": {"type": "string"}}}]},
"EmailSent": {"type": "object", "required": ["type", "created_at", "data"], "properties": {"type": {"const": "email.sent"},
  "created_at": {"type": "string", "format": "date-time"}, "data": {"$ref": "#/components/schemas/SentEventData"}}},
"ScheduledEventData": {"allOf": [{"$ref": "#/components/schemas/EmailEventData"}, {"type": "object",
  "required": ["scheduled_at"], "properties": {"scheduled_at": {"type": "string", "format": "date-time"}}}]},
"EmailScheduled": {"type": "object", "required": ["type", "created_at", "data"], "properties": {
  "type": {"const": "email.scheduled"},
  "created_at": {"type": "string", "format": "date-time"}, "data": {"$ref": "#/components/schemas/ScheduledEventData"}}},
"EmailDelivered": {"type": "object", "required": ["type", "created_at", "data"], "properties": {
  "type": {"const": "email.delivered"},
  "created_at": {"type": "string", "format": "date-time"}, "data": {"$ref": "#/components/schemas/RecipientEventData"}}},
"EmailDeliveryDelayed": {"type": "object", "required": ["type", "created_at", "data"], "properties": {
  "type": {"const": "email.delivery_delayed"}, "created_at": {"type": "string", "format": "date-time"},
  "data": {"$ref": "#/components/schemas/DelayEventData"}}},
"EmailBounced": {"type": "object", "required": ["type", "created_at", "data"], "properties": {"type": {"const": "email.bounced"},
  "created_at": {"type": "string", "format": "date-time"}, "data": {"$ref": "#/components/schemas/BounceEventData"}}},
"EmailFailed": {"type": "object", "required": ["type", "created_at", "data"], "properties": {"type": {"const": "email.failed"},
  "created_at": {"type": "string", "format": "date-time"}, "data": {"$ref": "#/components/schemas/FailureEventData"}}},
"EmailComplained": {"type": "object", "required": ["type", "created_at", "data"], "properties": {
  "type": {"const": "email.complained"}, "created_at": {"type": "string", "format": "date-time"},
  "data": {"$ref": "#/components/schemas/RecipientEventData"}}},
"UnsubscriptionEventData": {"allOf": [{"$ref": "#/components/schemas/EmailEventData"}, {"type": "object",
  "required": ["recipient", "stream"], "properties": {"recipient": {"type": "string"}, "stream": {"type": "string"}}}]},
"EmailUnsubscribed": {"type": "object", "required": ["type", "created_at", "data"], "properties": {
  "type": {"const": "email.unsubscribed"}, "created_at": {"type": "string", "format": "date-time"},
  "data": {"$ref": "#/components/schemas/UnsubscriptionEventData"}}},
"EmailSuppressed": {"type": "object", "required": ["type", "created_at", "data"], "properties": {
  "type": {"const": "email.suppressed"}, "created_at": {"type": "string", "format": "date-time"},
  "data": {"$ref": "#/components/schemas/SuppressionEventData"}}},
"EmailCanceled": {"type": "object", "required": ["type", "created_at", "data"], "properties": {"type": {"const": "email.canceled"},
  "created_at": {"type": "string", "format": "date-time"}, "data": {"$ref": "#/components/schemas/RecipientEventData"}}},
"EmailDsnQueued": {"type": "object", "required": ["type", "created_at", "data"], "properties": {
  "type": {"const": "email.dsn_queued"},
  "created_at": {"type": "string", "format": "date-time"}, "data": {"$ref": "#/components/schemas/NotificationEventData"}}},
"EmailDsnWithheld": {"type": "object", "required": ["type", "created_at", "data"], "properties": {
  "type": {"const": "email.dsn_withheld"}, "created_at": {"type": "string", "format": "date-time"},
  "data": {"$ref": "#/components/schemas/WithheldEventData"}}},
"ReceivedEventData": {"allOf": [{"$ref": "#/components/schemas/EmailEventData"}, {"type": "object", "required": ["recipient"],
  "properties": {"recipient": {"type": "string"},
  "auth": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/InboundAuth"}]},
  "text": {"type": ["string", "null"], "description": "At webhooks, as the next three."},
  "html": {"type": ["string", "null"]},
  "truncated": {"type": "boolean", "description": "Of a text only its beginning is here."},
  "attachments": {"type": "array", "items": {"$ref": "#/components/schemas/InboundAttachment"}}}}],
  "description": "What came in: `GET /v1/inbound/{email_id}` has the rest."},
"InboundAuth": {"type": "object", "required": ["spf", "spf_domain", "dkim", "dkim_domains", "dmarc", "from_domain", "policy", "arc",
  "suspicion"], "description": "Whom the message is from, in the words of RFC 8601.", "properties": {
  "spf": {"type": "string", "examples": ["pass"]},
  "spf_domain": {"type": "string"},
  "dkim": {"type": "string", "description": "pass: one of the signatures did."},
  "dkim_domains": {"type": "array", "items": {"type": "string"}, "description": "Whose signatures passed."},
  "dmarc": {"type": "string"},
  "from_domain": {"type": "string", "description": "Of the From field; empty: it names nobody in particular."},
  "policy": {"type": "string", "enum": ["none", "quarantine", "reject"],
    "description": "What the author's domain asks for this message."},
  "arc": {"type": "string"},
  "suspicion": {"type": ["string", "null"], "description": "What is wrong with it; null: nothing."}}},
"EmailReceived": {"type": "object", "required": ["type", "created_at", "data"], "properties": {
  "type": {"const": "email.received"}, "created_at": {"type": "string", "format": "date-time"},
  "data": {"$ref": "#/components/schemas/ReceivedEventData"}}},
"WebhookDisabled": {"type": "object", "required": ["type", "created_at", "data"], "properties": {
  "type": {"const": "webhook.disabled"}, "created_at": {"type": "string", "format": "date-time"},
  "data": {"type": "object", "required": ["webhook_id"], "properties": {"webhook_id": {"type": "string"}}}}},
"WebhookEvent": {"oneOf": [{"$ref": "#/components/schemas/EmailSent"}, {"$ref": "#/components/schemas/EmailScheduled"},
  {"$ref": "#/components/schemas/EmailDelivered"},
  {"$ref": "#/components/schemas/EmailDeliveryDelayed"}, {"$ref": "#/components/schemas/EmailBounced"},
  {"$ref": "#/components/schemas/EmailFailed"}, {"$ref": "#/components/schemas/EmailComplained"},
  {"$ref": "#/components/schemas/EmailUnsubscribed"},
  {"$ref": "#/components/schemas/EmailSuppressed"}, {"$ref": "#/components/schemas/EmailCanceled"},
  {"$ref": "#/components/schemas/EmailDsnQueued"}, {"$ref": "#/components/schemas/EmailDsnWithheld"},
  {"$ref": "#/components/schemas/EmailReceived"}, {"$ref": "#/components/schemas/WebhookDisabled"}],
  "description": "One of these, told apart by `type`."},
"EventPlace": {"type": "object", "required": ["object", "id"], "properties": {
  "object": {"const": "event"},
  "id": {"type": "string", "examples": ["evt_0hq3v1k0a2s8g6d4f0j2l4n6p8"],
    "description": "Says which event it is, to its own account, and nothing else."}}},
"Event": {"allOf": [{"$ref": "#/components/schemas/EventPlace"}, {"$ref": "#/components/schemas/WebhookEvent"}],
  "description": "What webhooks get, with its place in the log."},
"EventList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
  "object": {"const": "list"},
  "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
  "next": {"$ref": "#/components/schemas/Cursor"}}}
})json";

}  // namespace postern::api
