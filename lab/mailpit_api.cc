// /mailpit/:run/api/v1/…: what readers of Mailpit's API ask for: lists, search, messages, deletion. Nothing is marked as read, and
// what Mailpit fetches or sends on is not there.
#include "lab/mailpit_api.h"

#include "api/api_context.h"
#include "api/own_email.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "core/bytes.h"
#include "lab/checked_json.h"
#include "lab/mailpit_query.h"
#include "mime/message_composer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace postern::lab {
namespace {

using api::ApiContext;
using api::ApiRequest;
using api::ApiResponse;

constexpr std::size_t kMaxMailpitMail = 2'000;   // of a run; the newest
constexpr std::size_t kMailpitReads = 200;       // at once
constexpr std::size_t kUsualMailpitPage = 50;    // Mailpit's
constexpr std::size_t kMaxMailpitPage = 500;
constexpr std::size_t kSnippetOctets = 250;      // Mailpit's
constexpr std::size_t kMaxDeletedIds = 1'000;

json::object address_json(const std::string& text) {
  const auto named = mime::parse_named_mailbox(text);
  if (!named) return {{"Name", ""}, {"Address", text}};
  return {{"Name", named->name}, {"Address", format_mailbox(named->mailbox)}};
}

json::array addresses_json(const std::vector<std::string>& texts) {
  json::array list;
  for (const std::string& text : texts) list.push_back(address_json(text));
  return list;
}

json::array tags_json(const store::MessageSummary& summary) {
  json::array list;
  for (const auto& [name, value] : summary.tags) list.emplace_back(name);
  return list;
}

// What lists and messages have alike.
json::object common_json(const CapturedMail& mail) {
  const store::MessageRecord& message = mail.stored.message;
  return {{"ID", format_message_id(message.id)},
          {"MessageID", mail.read.header_message_id},
          {"From", address_json(mail.read.from)},
          {"To", addresses_json(mail.read.to)},
          {"Cc", addresses_json(mail.read.cc)},
          {"Bcc", addresses_json(message.summary.bcc)},
          {"ReplyTo", addresses_json(mail.read.reply_to)},
          {"Subject", mail.read.subject},
          {"Tags", tags_json(message.summary)},
          {"Username", message.user_name},
          {"Size", mail.raw.size()}};
}

json::object mailpit_item(const CapturedMail& mail) {
  std::string snippet = mail.words();
  std::ranges::replace_if(snippet, [](char c) { return c == '\r' || c == '\n' || c == '\t'; }, ' ');
  json::object item = common_json(mail);
  item["Read"] = false;
  item["Created"] = api::instant_json(mail.stored.message.accepted_at);
  item["Attachments"] = mail.read.attachments.size();
  item["Snippet"] = printable_utf8(trim_ascii_space(snippet), kSnippetOctets);
  return item;
}

json::object attachment_json(const mime::ReadAttachment& attachment) {
  return {{"PartID", attachment.id},          {"FileName", attachment.filename}, {"ContentType", attachment.content_type},
          {"ContentID", attachment.content_id}, {"Size", attachment.octets}};
}

std::string first_value(const CapturedMail& mail, std::string_view field) {
  const auto values = mail.field_values(field);
  return values.empty() ? std::string() : values.front();
}

json::object mailpit_message(const CapturedMail& mail) {
  json::object object = common_json(mail);
  json::array attached;
  json::array shown;
  for (const mime::ReadAttachment& attachment : mail.read.attachments) {
    (attachment.is_inline ? shown : attached).push_back(attachment_json(attachment));
  }
  json::array links;
  for (const std::string& address : mail.unsubscribe.addresses) links.emplace_back(address);
  const auto& sender = mail.stored.message.envelope.reverse_path;
  object["Date"] = api::instant_json(mail.stored.message.accepted_at);
  object["ReturnPath"] = sender ? format_mailbox(*sender) : std::string();
  object["Text"] = mail.read.text.value_or("");
  object["HTML"] = mail.read.html.value_or("");
  object["Attachments"] = std::move(attached);
  object["Inline"] = std::move(shown);
  object["ListUnsubscribe"] = json::object{{"Header", first_value(mail, "List-Unsubscribe")},
                                           {"HeaderPost", first_value(mail, "List-Unsubscribe-Post")},
                                           {"Links", std::move(links)},
                                           {"Errors", ""}};
  return object;
}

// The run's mail, newest first; without the relay's notices, and without what has lost its content.
Result<std::vector<CapturedMail>> read_run(const ApiContext& context, const ApiRequest& request,
                                           const std::vector<MailpitTerm>& terms, std::size_t first, std::size_t count,
                                           std::uint64_t& fitting, std::uint64_t& total) {
  std::vector<CapturedMail> page;
  std::optional<MessageId> before;
  std::size_t seen = 0;
  for (bool has_more = true; has_more && seen < kMaxMailpitMail;) {
    const store::Spool& spool = context.store.spool();
    auto part = spool.list_run_before(request.caller.account, request.path_parameter("run"), before, kMailpitReads);
    if (!part) return part.error();
    has_more = part->size() == kMailpitReads;
    for (store::StoredMessage& stored : *part) {
      before = stored.message.id;
      ++seen;
      if (stored.message.origin != store::MessageOrigin::Submission) continue;
      ++total;
      const bool is_on_page = fitting >= first && page.size() < count;
      if (terms.empty() && !is_on_page) {  // counted without a look
        ++fitting;
        continue;
      }
      auto mail = load_mail(spool, std::move(stored));
      if (!mail || !fits_query(terms, *mail)) continue;
      if (fitting++ >= first && page.size() < count) page.push_back(std::move(*mail));
    }
  }
  return page;
}

Result<std::vector<MailpitTerm>> read_query(const ApiRequest& request) {
  const auto query = request.query_parameter("query");
  auto terms = parse_mailpit_query(query.value_or(""));
  if (terms && terms->empty()) return Error(ErrorCode::InvalidArgument, "query: is missing");
  return terms;
}

Result<ApiResponse> answer_list(ApiContext& context, const ApiRequest& request, bool is_search) {
  const auto limit = api::read_limit(request, kMaxMailpitPage, kUsualMailpitPage);
  if (!limit) return limit.error();
  const auto start = parse_unsigned(request.query_parameter("start").value_or("0"));
  if (!start || *start > kMaxMailpitMail) return Error(ErrorCode::InvalidArgument, "start: has to be a number from 0 to 2000");
  const auto read = is_search ? read_query(request) : Result<std::vector<MailpitTerm>>();
  if (!read) return read.error();
  const std::vector<MailpitTerm>& terms = *read;
  std::uint64_t fitting = 0;
  std::uint64_t total = 0;
  const auto page = read_run(context, request, terms, *start, *limit, fitting, total);
  if (!page) return page.error();
  json::array messages;
  for (const CapturedMail& mail : *page) messages.push_back(mailpit_item(mail));
  return ApiResponse::json(json::object{{"count", messages.size()},
                                        {"messages_count", fitting},
                                        {"messages_unread", fitting},
                                        {"start", *start},
                                        {"tags", json::array()},
                                        {"total", total},
                                        {"unread", total},
                                        {"messages", std::move(messages)}});
}

Result<ApiResponse> list_mailpit(ApiContext& context, const ApiRequest& request) { return answer_list(context, request, false); }
Result<ApiResponse> search_mailpit(ApiContext& context, const ApiRequest& request) { return answer_list(context, request, true); }

Result<CapturedMail> find_mail(const ApiContext& context, const ApiRequest& request) {
  const store::Spool& spool = context.store.spool();
  const std::string_view run = request.path_parameter("run");
  if (request.path_parameter("id") == "latest") {
    std::uint64_t fitting = 0;
    std::uint64_t total = 0;
    auto newest = read_run(context, request, {}, 0, 1, fitting, total);
    if (!newest) return newest.error();
    if (newest->empty()) return Error(ErrorCode::NotFound);
    return std::move(newest->front());
  }
  auto stored = api::find_own(context, request);
  if (!stored) return stored.error();
  if (store::run_of(stored->message) != run) return Error(ErrorCode::NotFound);
  return load_mail(spool, std::move(*stored));
}

Result<ApiResponse> get_mailpit(ApiContext& context, const ApiRequest& request) {
  const auto mail = find_mail(context, request);
  if (!mail) return mail.error();
  return ApiResponse::json(mailpit_message(*mail));
}

Result<ApiResponse> get_mailpit_headers(ApiContext& context, const ApiRequest& request) {
  const auto mail = find_mail(context, request);
  if (!mail) return mail.error();
  json::object fields;
  for (const auto& [name, value] : mail->fields) {
    json::value& values = fields[name];
    if (values.is_null()) values = json::array();
    values.as_array().emplace_back(value);
  }
  return ApiResponse::json(fields);
}

Result<ApiResponse> get_mailpit_raw(ApiContext& context, const ApiRequest& request) {
  auto mail = find_mail(context, request);
  if (!mail) return mail.error();
  ApiResponse response;
  response.content_type = "message/rfc822";  // Mailpit says text/plain: nothing of a mail is shown as a page of ours
  response.headers.emplace_back("Content-Disposition", "attachment");
  response.body = std::move(mail->raw);
  return response;
}

Result<ApiResponse> get_mailpit_part(ApiContext& context, const ApiRequest& request) {
  const auto mail = find_mail(context, request);
  if (!mail) return mail.error();
  auto part = mime::read_attachment(mail->raw, request.path_parameter("part"));
  if (!part) return Error(ErrorCode::NotFound);
  ApiResponse response;
  response.content_type = "application/octet-stream";
  response.headers.emplace_back("Content-Disposition", "attachment");
  response.body = std::move(part->octets);
  return response;
}

Result<ApiResponse> remove(ApiContext& context, const std::vector<MessageId>& ids) {
  const auto removed = context.store.spool().remove_messages(ids);
  if (!removed) return removed.error();
  ApiResponse response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = "ok";
  return response;
}

// Those that are named, as far as they are the run's; without any, all of the run.
Result<ApiResponse> delete_mailpit(ApiContext& context, const ApiRequest& request) {
  const json::value nothing = json::object();
  std::vector<std::string> problems;
  CheckedObject object(request.json.is_null() ? nothing : request.json, {}, problems);
  const json::array* const list = object.list("IDs", kMaxDeletedIds);
  std::vector<std::string> named;
  for (const json::value& one : list ? *list : json::array()) {
    if (one.is_string()) named.emplace_back(one.get_string());
    if (!one.is_string()) object.fail("IDs", "has to be a list of ids");
  }
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, joined_problems(problems));
  const store::Spool& spool = context.store.spool();
  const std::string_view run = request.path_parameter("run");
  std::vector<MessageId> ids;
  for (const std::string& text : named) {
    const auto id = parse_message_id(text);
    const auto stored = id ? spool.find(*id) : Result<std::optional<store::StoredMessage>>();
    if (!stored) return stored.error();
    const bool is_own = *stored && api::can_see(request.caller, (*stored)->message);
    if (is_own && store::run_of((*stored)->message) == run) ids.push_back(*id);
  }
  if (!named.empty()) return remove(context, ids);
  const auto all = spool.list_run_before(request.caller.account, run, std::nullopt, kMaxMailpitMail);
  if (!all) return all.error();
  for (const store::StoredMessage& stored : *all) ids.push_back(stored.message.id);
  return remove(context, ids);
}

Result<ApiResponse> delete_mailpit_found(ApiContext& context, const ApiRequest& request) {
  const auto terms = read_query(request);
  if (!terms) return terms.error();
  std::uint64_t fitting = 0;
  std::uint64_t total = 0;
  const auto found = read_run(context, request, *terms, 0, kMaxMailpitMail, fitting, total);
  if (!found) return found.error();
  std::vector<MessageId> ids;
  for (const CapturedMail& mail : *found) ids.push_back(mail.stored.message.id);
  return remove(context, ids);
}

// --- The table -------------------------------------------------------------------------------------------------------

constexpr api::Parameter kStart{
    .name = "start", .description = "How many to pass over.", .type = "integer", .most = kMaxMailpitMail, .otherwise = 0};
constexpr api::Parameter kQuery{.name = "query",
                                .description = "Words, \"phrases\", and to: from: cc: bcc: addressed: subject: message-id: tag: "
                                               "has:attachment; - in front turns one around.",
                                .is_required = true};
constexpr api::Parameter kListParameters[] = {api::limit_parameter(kMaxMailpitPage, kUsualMailpitPage), kStart};
constexpr api::Parameter kSearchParameters[] = {api::limit_parameter(kMaxMailpitPage, kUsualMailpitPage), kStart, kQuery};
constexpr api::Parameter kFoundParameters[] = {kQuery};

template <api::Work work>
constexpr api::Route mailpit_route(http::Method method, std::string_view path, std::string_view operation, std::string_view summary,
                                   std::string_view schema, std::string_view other_content = {},
                                   std::span<const api::Parameter> parameters = {}) {
  return {.method = method,
          .path = path,
          .access = api::Access::Manage,
          .handler = api::on_worker<work>,
          .operation = operation,
          .summary = summary,
          .tag = "mailpit",
          .response_schema = schema,
          .other_content = other_content,
          .parameters = parameters,
          .takes_basic = true};
}

constexpr std::array<api::Route, 8> kMailpitRoutes = [] {
  using http::Method;
  std::array<api::Route, 8> routes = {
      mailpit_route<list_mailpit>(Method::Get, "/mailpit/:run/api/v1/messages", "listMailpitMessages",
                                  "A run's mail as Mailpit lists it, newest first", "MailpitList", {}, kListParameters),
      mailpit_route<search_mailpit>(Method::Get, "/mailpit/:run/api/v1/search", "searchMailpitMessages", "The same, of what fits",
                                    "MailpitList", {}, kSearchParameters),
      mailpit_route<get_mailpit>(Method::Get, "/mailpit/:run/api/v1/message/:id", "getMailpitMessage",
                                 "A message as Mailpit shows it; the id may be latest", "MailpitMessage"),
      mailpit_route<get_mailpit_headers>(Method::Get, "/mailpit/:run/api/v1/message/:id/headers", "getMailpitHeaders",
                                         "Its header fields", "MailpitHeaders"),
      mailpit_route<get_mailpit_raw>(Method::Get, "/mailpit/:run/api/v1/message/:id/raw", "getMailpitRaw", "Its octets", {},
                                     "message/rfc822"),
      mailpit_route<get_mailpit_part>(Method::Get, "/mailpit/:run/api/v1/message/:id/part/:part", "getMailpitPart",
                                      "An attachment's octets", {}, "application/octet-stream"),
      mailpit_route<delete_mailpit>(Method::Delete, "/mailpit/:run/api/v1/messages", "deleteMailpitMessages",
                                    "Delete the messages that are named, or all of the run", {}, "text/plain"),
      mailpit_route<delete_mailpit_found>(Method::Delete, "/mailpit/:run/api/v1/search", "deleteMailpitFound",
    "Delete what fits", {},
                                          "text/plain", kFoundParameters)};
  routes[6].body = api::Body::Json;
  routes[6].request_schema = "MailpitIds";
  return routes;
}();

constexpr std::string_view kMailpitSchemas = R"json({
"MailpitIds": {"type": "object", "properties": {
  "IDs": {"type": "array", "maxItems": "$mailpit_ids", "items": {"type": "string"}}}},
"MailpitAddress": {"type": "object", "required": ["Name", "Address"], "properties": {
  "Name": {"type": "string"}, "Address": {"type": "string"}}},
"MailpitAddresses": {"type": "array", "items": {"$ref": "#/components/schemas/MailpitAddress"}},
"MailpitCommon": {"type": "object",
  "required": ["ID", "MessageID", "From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "Tags", "Username", "Size"], "properties": {
  "ID": {"type": "string"}, "MessageID": {"type": "string"}, "From": {"$ref": "#/components/schemas/MailpitAddress"},
  "To": {"$ref": "#/components/schemas/MailpitAddresses"}, "Cc": {"$ref": "#/components/schemas/MailpitAddresses"},
  "Bcc": {"$ref": "#/components/schemas/MailpitAddresses"}, "ReplyTo": {"$ref": "#/components/schemas/MailpitAddresses"},
  "Subject": {"type": "string"}, "Tags": {"type": "array", "items": {"type": "string"}},
  "Username": {"type": "string", "description": "The run."}, "Size": {"type": "integer"}}},
"MailpitItem": {"allOf": [{"$ref": "#/components/schemas/MailpitCommon"}, {"type": "object",
  "required": ["Read", "Created", "Attachments", "Snippet"], "properties": {
  "Read": {"const": false}, "Created": {"type": "string", "format": "date-time"}, "Attachments": {"type": "integer"},
  "Snippet": {"type": "string"}}}]},
"MailpitList": {"type": "object",
  "required": ["count", "messages_count", "messages_unread", "start", "tags", "total", "unread", "messages"], "properties": {
  "count": {"type": "integer"}, "messages_count": {"type": "integer", "description": "That fit."},
  "messages_unread": {"type": "integer", "description": "The same: nothing is marked as read."}, "start": {"type": "integer"},
  "tags": {"type": "array", "items": {"type": "string"}}, "total": {"type": "integer"}, "unread": {"type": "integer"},
  "messages": {"type": "array", "items": {"$ref": "#/components/schemas/MailpitItem"}}}},
"MailpitAttachment": {"type": "object", "required": ["PartID", "FileName", "ContentType", "ContentID", "Size"], "properties": {
  "PartID": {"type": "string"}, "FileName": {"type": "string"}, "ContentType": {"type": "string"}, "ContentID": {"type": "string"},
  "Size": {"type": "integer"}}},
"MailpitMessage": {"allOf": [{"$ref": "#/components/schemas/MailpitCommon"}, {"type": "object",
  "required": ["Date", "ReturnPath", "Text", "HTML", "Attachments", "Inline", "ListUnsubscribe"], "properties": {
  "Date": {"type": "string", "format": "date-time", "description": "When it was accepted."}, "ReturnPath": {"type": "string"},
  "Text": {"type": "string"}, "HTML": {"type": "string"},
  "Attachments": {"type": "array", "items": {"$ref": "#/components/schemas/MailpitAttachment"}},
  "Inline": {"type": "array", "items": {"$ref": "#/components/schemas/MailpitAttachment"}},
  "ListUnsubscribe": {"type": "object", "required": ["Header", "HeaderPost", "Links", "Errors"], "properties": {
    "Header": {"type": "string"}, "HeaderPost": {"type": "string"}, "Links": {"type": "array", "items": {"type": "string"}},
    "Errors": {"type": "string"}}}}}]},
"MailpitHeaders": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
})json";

constexpr api::SchemaLimit kMailpitLimits[] = {{"mailpit_ids", kMaxDeletedIds}};

}  // namespace

api::ApiArea mailpit_api() { return {.routes = kMailpitRoutes, .schemas = kMailpitSchemas, .limits = kMailpitLimits}; }

}  // namespace postern::lab
