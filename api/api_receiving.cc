// /v1/emails/receiving: what came in for the account's domains, in the shapes of Resend's API, so that its published library reads
// it with only the base URL changed. What came back for messages that were sent is at /v1/inbound alone.
#include "api/api.h"
#include "api/api_context.h"
#include "api/limits.h"
#include "api/own_email.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "core/base64.h"
#include "core/time_format.h"
#include "events/event_json.h"
#include "events/received_content.h"
#include "events/received_form.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace postern::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxReceivingPage = 100;
constexpr std::size_t kReceivingPage = 20;
constexpr std::size_t kReceivingAtOnce = 100;  // records between two looks at what is wanted
constexpr std::size_t kMaxInlinedOctets = 2 * 1024 * 1024;  // of pictures within one HTML text

json::array texts_json(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

// A record of mail for a domain; what came back is none.
Result<store::InboundRecord> find_received(const ApiContext& context, const ApiRequest& request) {
  const auto id = parse_message_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound);
  auto found = context.store.spool().find_inbound(request.caller.account, *id);
  if (!found) return found.error();
  if (!*found || (*found)->about) return Error(ErrorCode::NotFound);
  return std::move(**found);
}

Result<std::string> content_of(const ApiContext& context, const MessageId& id) {
  const auto stored = context.store.spool().find(id);
  if (!stored) return stored.error();
  if (!*stored) return Error(ErrorCode::NotFound);
  return read_content(context.store.spool(), (*stored)->message);
}

json::object received_json(const store::InboundRecord& record, std::string_view header_id) {
  return {{"id", format_message_id(record.id)},
          {"to", texts_json(record.recipients)},
          {"from", record.from},
          {"created_at", format_rfc3339(record.received_at)},
          {"subject", record.subject},
          {"bcc", nullptr},
          {"cc", nullptr},
          {"reply_to", nullptr},
          {"received_for", texts_json(record.recipients)},
          {"message_id", header_id},
          {"attachments", json::array()}};
}

Result<ApiResponse> list_received(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxReceivingPage, kReceivingPage);
  if (!limit) return limit.error();
  const auto position = read_position(request, "after");
  if (!position) return position.error();
  std::optional<MessageId> before;
  if (*position) before = parse_message_id(**position);
  if (*position && !before) return Error(ErrorCode::InvalidArgument, "after must be a place in the list");
  json::array data;
  bool has_more = false;
  std::size_t looked_at = 0;
  for (bool is_over = false; !is_over && !has_more;) {
    const auto records = context.store.spool().list_inbound(request.caller.account, before, kReceivingAtOnce);
    if (!records) return records.error();
    for (const store::InboundRecord& record : *records) {
      has_more = !record.about && data.size() == *limit;
      if (has_more) break;
      before = record.id;
      if (record.about) continue;
      const auto stored = context.store.spool().find(record.id);
      data.push_back(received_json(record, stored && *stored ? (*stored)->message.summary.message_id : std::string()));
    }
    looked_at += records->size();
    is_over = records->size() < kReceivingAtOnce;
    has_more = has_more || (!is_over && looked_at >= kMaxListReads);
  }
  return ApiResponse::json(page_json(std::move(data), has_more ? std::optional(format_message_id(*before)) : std::nullopt));
}

// The pictures that `html` shows by "cid:", put into it; those beyond the bound stay as they are.
void inline_pictures(std::string& html, const std::string& raw, const std::vector<mime::ReadAttachment>& attachments) {
  std::size_t octets = 0;
  for (const mime::ReadAttachment& attachment : attachments) {
    const std::string reference = "cid:" + attachment.content_id;
    const bool is_shown = !attachment.content_id.empty() && html.find(reference) != std::string::npos;
    if (!is_shown || !attachment.content_type.starts_with("image/")) continue;
    octets += attachment.octets;
    if (octets > kMaxInlinedOctets) return;
    const auto content = mime::read_attachment(raw, attachment.id);
    if (!content) continue;
    const std::string data = "data:" + attachment.content_type + ";base64," + encode_base64(content->octets);
    std::size_t shown = 0;
    for (std::size_t at = html.find(reference); at != std::string::npos; at = html.find(reference, at + data.size())) {
      shown += content->octets.size();
      if (shown > kMaxInlinedOctets) return;
      html.replace(at, reference.size(), data);
    }
  }
}

Result<ApiResponse> get_received(ApiContext& context, const ApiRequest& request) {
  const auto record = find_received(context, request);
  if (!record) return record.error();
  const std::string_view format = request.query_parameter("html_format").value_or("data_uri");
  if (format != "data_uri" && format != "cid") return Error(ErrorCode::InvalidArgument, "html_format is data_uri or cid");
  const auto stored = context.store.spool().find(record->id);
  if (!stored) return stored.error();
  json::object body = received_json(*record, *stored ? (*stored)->message.summary.message_id : std::string());
  body["object"] = "email";
  body["html"] = body["text"] = body["headers"] = body["raw"] = nullptr;
  const auto raw = content_of(context, record->id);
  if (!raw) return ApiResponse::json(body);  // its retention is over: what is known of it stays
  events::ReceivedContent content = events::read_received(*raw, events::kMaxShownReceivedOctets);
  if (content.html && format == "data_uri") inline_pictures(*content.html, *raw, content.attachments);
  if (content.text) body["text"] = *content.text;
  if (content.html) body["html"] = *content.html;
  body["to"] = texts_json(content.to);
  body["cc"] = texts_json(content.cc);
  body["reply_to"] = texts_json(content.reply_to);
  json::object headers;
  for (const auto& [name, value] : content.fields) headers.emplace(name, value);  // of several of one name the topmost
  body["headers"] = std::move(headers);
  body["attachments"] = events::resend_attachments(content);
  const auto link = context.attachment_links.link_to(record->id, events::kWholeMessage, context.clock.now());
  body["raw"] = json::object{{"download_url", link.url}, {"expires_at", format_rfc3339(link.expires_at)}};
  return ApiResponse::json(body);
}

json::object attachment_json(const ApiContext& context, const MessageId& id, const mime::ReadAttachment& attachment) {
  return events::received_attachment_json(id, attachment, context.attachment_links, context.clock.now());
}

Result<ApiResponse> list_received_attachments(ApiContext& context, const ApiRequest& request) {
  const auto record = find_received(context, request);
  if (!record) return record.error();
  const auto raw = content_of(context, record->id);
  if (!raw) return raw.error();
  json::array data;
  for (const mime::ReadAttachment& attachment : mime::read_message(*raw).attachments) {
    data.push_back(attachment_json(context, record->id, attachment));
  }
  return ApiResponse::json(page_json(std::move(data), std::nullopt));
}

Result<ApiResponse> get_received_attachment(ApiContext& context, const ApiRequest& request) {
  const auto record = find_received(context, request);
  if (!record) return record.error();
  const auto raw = content_of(context, record->id);
  if (!raw) return raw.error();
  for (const mime::ReadAttachment& attachment : mime::read_message(*raw).attachments) {
    if (attachment.id != request.path_parameter("attachment_id")) continue;
    json::object body = attachment_json(context, record->id, attachment);
    body["object"] = "attachment";
    return ApiResponse::json(body);
  }
  return Error(ErrorCode::NotFound);
}

constexpr Parameter kReceivingParameters[] = {limit_parameter(kMaxReceivingPage, kReceivingPage),
                                              {.name = "after", .description = kAfterWords}};
constexpr Parameter kReceivedParameters[] = {
    {.name = "html_format", .description = "Pictures within the HTML: as data, or as references to attachments.",
     .values = "data_uri cid"}};

constexpr Route receiving_route(Route row) {
  row.tag = "inbound";
  return row;
}

constexpr Route kReceivingRoutes[] = {
    receiving_route({.method = Method::Get, .path = "/v1/emails/receiving", .access = Access::Manage,
                     .handler = on_worker_live<list_received>, .operation = "listReceivedEmails",
                     .summary = "List mail that came in, the newest first, as Resend has it",
                     .response_schema = "ReceivedEmailList", .parameters = kReceivingParameters}),
    receiving_route({.method = Method::Get, .path = "/v1/emails/receiving/:id", .access = Access::Manage,
                     .handler = on_worker_live<get_received>, .operation = "getReceivedEmail",
                     .summary = "Show mail that came in, with its texts, as Resend has it", .response_schema = "ReceivedEmail",
                     .parameters = kReceivedParameters}),
    receiving_route({.method = Method::Get, .path = "/v1/emails/receiving/:id/attachments", .access = Access::Manage,
                     .handler = on_worker_live<list_received_attachments>, .operation = "listReceivedEmailAttachments",
                     .summary = "List what it has attached, with links that expire",
                     .response_schema = "InboundAttachmentList"}),
    receiving_route({.method = Method::Get, .path = "/v1/emails/receiving/:id/attachments/:attachment_id", .access = Access::Manage,
                     .handler = on_worker_live<get_received_attachment>, .operation = "getReceivedEmailAttachment",
                     .summary = "Show one attachment, with a link that expires", .response_schema = "ReceivedAttachment"}),
};

constexpr std::string_view kReceivingSchemas = R"({
  "ReceivedEmailSummary": {"type": "object", "required": ["id", "to", "from", "created_at", "subject", "bcc", "cc", "reply_to",
    "received_for", "message_id", "attachments"], "properties": {
    "id": {"type": "string"},
    "to": {"type": "array", "items": {"type": "string"}},
    "from": {"type": "string"},
    "created_at": {"type": "string", "format": "date-time"},
    "subject": {"type": "string"},
    "bcc": {"type": ["array", "null"], "items": {"type": "string"}},
    "cc": {"type": ["array", "null"], "items": {"type": "string"}, "description": "null in lists, which read no content."},
    "reply_to": {"type": ["array", "null"], "items": {"type": "string"}, "description": "The same."},
    "received_for": {"type": "array", "items": {"type": "string"}, "description": "The addresses that it came to."},
    "message_id": {"type": "string"},
    "attachments": {"type": "array", "description": "Empty in lists.", "items": {"type": "object", "required": ["id", "filename",
      "content_type", "content_disposition", "content_id", "size"], "properties": {
      "id": {"type": "string"}, "filename": {"type": "string"}, "content_type": {"type": "string"},
      "content_disposition": {"enum": ["inline", "attachment"]}, "content_id": {"type": ["string", "null"]},
      "size": {"type": "integer"}}}}}},
  "ReceivedEmail": {"allOf": [{"$ref": "#/components/schemas/ReceivedEmailSummary"}, {"type": "object",
    "required": ["object", "html", "text", "headers", "raw"], "properties": {
    "object": {"const": "email"},
    "html": {"type": ["string", "null"]},
    "text": {"type": ["string", "null"]},
    "headers": {"type": ["object", "null"], "additionalProperties": {"type": "string"},
      "description": "null: the content is gone, its retention being over."},
    "raw": {"type": ["object", "null"], "required": ["download_url", "expires_at"], "properties": {
      "download_url": {"type": "string", "description": "The whole message, for whoever has the link, until it expires."},
      "expires_at": {"type": "string", "format": "date-time"}}}}}]},
  "ReceivedEmailList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/ReceivedEmailSummary"}},
    "next": {"$ref": "#/components/schemas/Cursor"}}},
  "ReceivedAttachment": {"allOf": [{"$ref": "#/components/schemas/InboundAttachment"}, {"type": "object", "required": ["object"],
    "properties": {"object": {"const": "attachment"}}}]}
})";

}  // namespace

ApiArea receiving_api() { return {kReceivingRoutes, kReceivingSchemas}; }

}  // namespace postern::api
