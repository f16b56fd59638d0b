// Sending, and what became of what was sent, in the shapes of Resend's API.
#include "api/api.h"
#include "api/api_context.h"
#include "api/decision_problem.h"
#include "api/email_filter.h"
#include "api/email_json.h"
#include "api/email_request.h"
#include "api/limits.h"
#include "api/own_email.h"
#include "api/request_fields.h"
#include "api/send_handlers.h"
#include "api/worker_job.h"
#include "events/event_json.h"
#include "mime/message_reader.h"
#include "submission/idempotency.h"
#include "submission/sender_policy.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;

using store::StoredMessage;

constexpr std::size_t kDefaultPage = 20;  // Resend's
constexpr std::size_t kMaxEmails = 100;     // Resend's
constexpr std::size_t kMaxPageRecipients = 5'000;  // of all its e-mails: a page stays below some megabytes
constexpr std::size_t kMaxEventsPage = 1'000;  // of one e-mail's events: a thousand recipients have thousands

// --- Lists -------------------------------------------------------------------------------------------------------------

struct EmailPage {
  EmailFilter filter;
  std::size_t limit = kDefaultPage;
  std::optional<MessageId> after;   // older than this one: the list begins with the newest
  std::optional<MessageId> before;  // newer
};

std::optional<MessageId> read_cursor(const ApiRequest& request, std::string_view name, std::string& fault) {
  const auto position = read_position(request, name);
  if (position && !*position) return std::nullopt;
  const auto id = position ? parse_message_id(**position) : std::nullopt;
  if (!id) fault = std::string(name) + ": no place in the list";
  return id;
}

// Nothing that follows in a list from the newest on can fit.
bool is_past_the_end(const EmailPage& page, const store::MessageRecord& message) {
  return !page.before && page.filter.is_too_old(message);
}

// `fault` tells what is wrong.
EmailPage read_page(const ApiRequest& request, std::string& fault) {
  EmailPage page;
  const auto limit = read_limit(request, kMaxEmails, kDefaultPage);
  if (limit) {
    page.limit = *limit;
  } else {
    fault = limit.error().context();
  }
  page.after = read_cursor(request, "after", fault);
  page.before = read_cursor(request, "before", fault);
  if (page.after && page.before) fault = "after, before: only one of them";
  auto filter = EmailFilter::read(request);
  if (filter) {
    page.filter = std::move(*filter);
    if (!page.after && !page.before) page.after = page.filter.newest();
  } else {
    fault = filter.error().context();
  }
  return page;
}

struct FoundPage {
  std::vector<StoredMessage> messages;
  std::optional<MessageId> next;  // where to go on; nullopt: there are no more
};

// A run's mail has an index of its own; the relay's notices about it are in it, too, and in no list.
Result<std::vector<StoredMessage>> read_batch(const store::Spool& spool, const AccountId& account, const EmailPage& page,
                                              const std::optional<MessageId>& cursor, std::size_t limit) {
  const auto& run = page.filter.run();
  if (!run) return page.before ? spool.list_newer_of(account, *cursor, limit) : spool.list_of(account, cursor, limit);
  return page.before ? spool.list_run_after(account, *run, cursor, limit) : spool.list_run_before(account, *run, cursor, limit);
}

// What fits may be far apart: after so many it says where to go on, though the page is not full.
Result<FoundPage> find_page(const store::Spool& spool, const Caller& caller, const EmailPage& page) {
  FoundPage found;
  std::size_t recipients = 0;
  std::optional<MessageId> cursor = page.before ? page.before : page.after;
  const bool are_apart = caller.has_test_key() || caller.has_domain_key() || page.filter.is_selective();
  const std::size_t at_once = (are_apart ? kMaxEmails : page.limit) + 1;
  for (std::size_t looked_at = 0; looked_at < kMaxListReads; looked_at += at_once) {
    auto batch = read_batch(spool, caller.account, page, cursor, at_once);
    if (!batch) return batch.error();
    for (StoredMessage& stored : *batch) {
      const bool is_seen = stored.message.origin == store::MessageOrigin::Submission && can_see(caller, stored.message) &&
                           page.filter.wants(stored);
      if (is_seen && found.messages.size() == page.limit) {
        found.next = found.messages.back().message.id;
        return found;
      }
      cursor = stored.message.id;
      if (is_past_the_end(page, stored.message)) return found;
      if (!is_seen) continue;
      recipients += stored.message.envelope.recipients.size();
      found.messages.push_back(std::move(stored));
      if (recipients < kMaxPageRecipients) continue;
      found.next = cursor;
      return found;
    }
    if (batch->size() < at_once) return found;
  }
  found.next = cursor;
  return found;
}

Result<ApiResponse> list_emails(ApiContext& context, const ApiRequest& request) {
  std::string fault;
  const EmailPage page = read_page(request, fault);
  if (!fault.empty()) return Error(ErrorCode::InvalidArgument, fault);
  auto found = find_page(context.store.spool(), request.caller, page);
  if (!found) return found.error();
  if (page.before) std::ranges::reverse(found->messages);
  json::array data;
  for (const StoredMessage& stored : found->messages) data.push_back(email_item(stored));
  const auto end = found->next ? std::optional(format_message_id(*found->next)) : std::nullopt;
  return ApiResponse::json(page_json(std::move(data), end));
}

// --- One message -------------------------------------------------------------------------------------------------------

Result<ApiResponse> get_email(ApiContext& context, const ApiRequest& request) {
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  const Result<std::string> content = read_content(context.store.spool(), stored->message);
  std::optional<mime::ReadMessage> read;
  if (content) read = mime::read_message(*content);
  return ApiResponse::json(email_details(*stored, read));
}

Result<ApiResponse> get_email_raw(ApiContext& context, const ApiRequest& request) {
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  Result<std::string> content = read_content(context.store.spool(), stored->message);
  if (!content) return content_gone();
  ApiResponse response;
  response.content_type = "message/rfc822";
  response.headers.emplace_back("Content-Disposition",
                                "attachment; filename=\"" + format_message_id(stored->message.id) + ".eml\"");
  response.body = std::move(*content);
  return response;
}

Result<ApiResponse> list_email_events(ApiContext& context, const ApiRequest& request) {
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  const auto limit = read_limit(request, kMaxEventsPage, kMaxEventsPage);
  if (!limit) return limit.error();
  std::uint64_t cursor = 0;
  const auto after = read_position(request, "after");
  if (!after) return after.error();
  if (*after) {
    const auto sequence = context.event_ids.parse(request.caller.account, **after);
    if (!sequence) return Error(ErrorCode::InvalidArgument, "after must be a place in the list of events");
    cursor = *sequence;
  }
  const auto events = context.store.spool().events_of_after(stored->message.id, cursor, *limit + 1);
  if (!events) return events.error();
  json::array data;
  for (const Event& event : *events) {
    if (data.size() == *limit) break;
    data.push_back(events::event_item(event, &*stored, context.event_ids));
    cursor = event.sequence;
  }
  const bool has_more = events->size() > *limit;
  const auto end = has_more ? std::optional(context.event_ids.format(request.caller.account, cursor)) : std::nullopt;
  return ApiResponse::json(page_json(std::move(data), end));
}

Result<ApiResponse> cancel_email(ApiContext& context, const ApiRequest& request) {
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  if (stored->delivery.is_settled()) return api_problem(ApiProblem::Conflict, "nothing of this message waits any more");
  const MessageId id = stored->message.id;
  if (const auto cancelled = context.store.spool().cancel(id, context.clock.now()); !cancelled) return cancelled.error();
  return ApiResponse::json(json::object({{"object", "email"}, {"id", format_message_id(id)}}));
}

// Without its destination's pause: that is everybody's.
Result<ApiResponse> retry_email(ApiContext& context, const ApiRequest& request) {
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  const MessageId id = stored->message.id;
  const auto retried = context.store.spool().retry_now(id, context.clock.now());
  if (!retried && retried.error().code() == ErrorCode::Conflict) {
    return api_problem(ApiProblem::Conflict, "nothing of this message waits any more");
  }
  if (!retried) return retried.error();
  return ApiResponse::json(json::object({{"object", "email"}, {"id", format_message_id(id)}}));
}

// Another time for the first attempt of a message that waits for its own.
Result<ApiResponse> reschedule_email(ApiContext& context, const ApiRequest& request) {
  const json::object* const body = request.json.if_object();
  if (!body) return Error(ErrorCode::InvalidArgument, "the body has to be an object");
  const json::value* const text = body->if_contains("scheduled_at");
  const auto hold = text && text->is_string() ? parse_schedule(text->get_string()) : std::nullopt;
  if (!hold) return Error(ErrorCode::InvalidArgument, "scheduled_at: is a time: 2026-11-21T09:30:00Z, or in 10 minutes");
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  const Instant now = context.clock.now();
  const submission::HoldAnswer held = submission::judge_hold(*hold, now, context.submission.settings.longest_hold);
  if (!held.decision.is_accepted()) return response_of(problem_of(held.decision));
  const bool is_held = stored->delivery.scheduled_at.has_value();
  const MessageId id = stored->message.id;
  const auto moved = is_held ? context.store.spool().reschedule(id, held.release_at.value_or(now), now)
                             : Result<store::DueEntry>(Error(ErrorCode::Conflict));
  if (!moved && moved.error().code() == ErrorCode::Conflict) {
    return api_problem(ApiProblem::Conflict, "only what is scheduled and not begun has a time to change");
  }
  if (!moved) return moved.error();
  context.submission.wake_queue(*moved);
  return ApiResponse::json(json::object({{"object", "email"}, {"id", format_message_id(id)}}));
}

// --- Attachments -------------------------------------------------------------------------------------------------------

Result<ApiResponse> list_attachments(ApiContext& context, const ApiRequest& request) {
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  const Result<std::string> content = read_content(context.store.spool(), stored->message);
  if (!content) return content_gone();
  json::array data;
  for (const mime::ReadAttachment& attachment : mime::read_message(*content).attachments) {
    data.push_back(attachment_item(*stored, attachment, request.base_url));
  }
  return ApiResponse::json(page_json(std::move(data), std::nullopt));
}

Result<ApiResponse> answer_attachment(const ApiContext& context, const ApiRequest& request, bool wants_octets) {
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  const Result<std::string> content = read_content(context.store.spool(), stored->message);
  if (!content) return content_gone();
  auto found = mime::read_attachment(*content, request.path_parameter("attachment_id"));
  if (!found) return Error(ErrorCode::NotFound);
  if (!wants_octets) {
    json::object item = attachment_item(*stored, found->attachment, request.base_url);
    item["object"] = "attachment";
    return ApiResponse::json(item);
  }
  // As octets, whatever the message calls it: nothing of it may run in a browser's eyes as a page of ours.
  ApiResponse response;
  response.content_type = "application/octet-stream";
  response.headers.emplace_back("Content-Disposition", "attachment");
  response.body = std::move(found->octets);
  return response;
}

Result<ApiResponse> get_attachment(ApiContext& context, const ApiRequest& request) {
  return answer_attachment(context, request, false);
}

Result<ApiResponse> get_attachment_content(ApiContext& context, const ApiRequest& request) {
  return answer_attachment(context, request, true);
}

// --- The table ---------------------------------------------------------------------------------------------------------

constexpr Parameter kIdempotencyKey{.name = "Idempotency-Key",
                                    .description = "The same key with the same content is one message, for a day.",
                                    .least = 1,
                                    .most = submission::kMaxIdempotencyKeyOctets,
                                    .is_header = true};
constexpr Parameter kSendingParameters[] = {kIdempotencyKey, kActingKey};
constexpr Parameter kBatchParameters[] = {
    kIdempotencyKey,
    {.name = "X-Batch-Validation",
     .description = "permissive: what is wrong with one e-mail keeps no other from being sent.",
     .values = "strict permissive",
     .is_header = true},
    kActingKey};
constexpr std::array<Parameter, 6 + kMailParameters.size()> kEmailListParameters = [] {
  std::array<Parameter, 6 + kMailParameters.size()> parameters = {
      {limit_parameter(kMaxEmails, kDefaultPage),
       {.name = "after", .description = "The `next` of the page before, or an e-mail: go on with those that are older."},
       {.name = "before", .description = "The same, to go on with those that are newer."},
       kStatusParameter,
       kSinceParameter,
       kUntilParameter}};
  std::ranges::copy(kMailParameters, parameters.begin() + 6);
  return parameters;
}();

constexpr Parameter kEventsParameters[] = {limit_parameter(kMaxEventsPage, kMaxEventsPage),
                                           {.name = "after", .description = kAfterWords}};

constexpr Route sending(std::string_view path, std::string_view operation, std::string_view summary) {
  return {.method = Method::Post,
          .path = path,
          .access = Access::Send,
          .body = Body::Json,
          .handler = send_email,
          .operation = operation,
          .summary = summary,
          .tag = "emails",
          .request_schema = "NewEmail",
          .response_schema = "SentEmail",
          .body_size = BodySize::Email,
          .parameters = kSendingParameters,
          .failures = {409, 507},
          .has_plan_rate = true};
}

template <Work work>
constexpr Route reading(std::string_view path, std::string_view operation, std::string_view summary,
                        std::string_view schema, std::string_view other_content = {},
                        std::span<const Parameter> parameters = {}) {
  return {.method = Method::Get,
          .path = path,
          .access = Access::Manage,
          .body = Body::None,
          .handler = on_worker<work>,
          .operation = operation,
          .summary = summary,
          .tag = "emails",
          .response_schema = schema,
          .other_content = other_content,
          .parameters = parameters,
          .serves_domain_keys = true};
}

constexpr std::array<Route, 13> kEmailRoutes = {{
    sending("/v1/emails", "sendEmail", "Send an e-mail"),
    sending("/v1/send", "sendEmailAlias", "Send an e-mail; the same as /v1/emails"),
    {.method = Method::Post,
     .path = "/v1/emails/batch",
     .access = Access::Send,
     .body = Body::Json,
     .handler = send_batch,
     .operation = "sendBatch",
     .summary = "Send up to 100 e-mails without attachments",
     .tag = "emails",
     .request_schema = "NewBatch",
     .response_schema = "SentBatch",
     .body_size = BodySize::Batch,
     .parameters = kBatchParameters,
     .failures = {409, 507},
     .has_plan_rate = true},
    {.method = Method::Get,
     .path = "/v1/emails",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker<list_emails>,
     .operation = "listEmails",
     .summary = "List the account's e-mails, the newest first",
     .tag = "emails",
     .response_schema = "EmailList",
     .parameters = kEmailListParameters,
     .serves_domain_keys = true},
    reading<get_email>("/v1/emails/:id", "getEmail", "Show an e-mail and its recipients' states", "Email"),
    reading<get_email_raw>("/v1/emails/:id/raw", "getEmailRaw", "The message as it leaves", {}, "message/rfc822"),
    reading<list_email_events>("/v1/emails/:id/events", "listEmailEvents", "What happened to an e-mail, in order", "EmailEvents",
                               {}, kEventsParameters),
    reading<list_attachments>("/v1/emails/:id/attachments", "listAttachments", "List an e-mail's attachments", "AttachmentList"),
    reading<get_attachment>("/v1/emails/:id/attachments/:attachment_id", "getAttachment", "Describe an attachment", "Attachment"),
    reading<get_attachment_content>("/v1/emails/:id/attachments/:attachment_id/content", "getAttachmentContent",
                                    "An attachment's octets", {}, "application/octet-stream"),
    {.method = Method::Patch,
     .path = "/v1/emails/:id",
     .access = Access::Manage,
     .body = Body::Json,
     .handler = on_worker<reschedule_email>,
     .operation = "updateEmail",
     .summary = "Give a scheduled e-mail another time",
     .tag = "emails",
     .request_schema = "EmailSchedule",
     .response_schema = "UpdatedEmail",
     .failures = {409},
     .serves_domain_keys = true},
    {.method = Method::Post, .path = "/v1/emails/:id/retry", .access = Access::Manage, .body = Body::None,
     .handler = on_worker<retry_email>, .operation = "retryEmail", .summary = "Try what waits of an e-mail now", .tag = "emails",
     .response_schema = "UpdatedEmail", .failures = {409}, .serves_domain_keys = true},
    {.method = Method::Post,
     .path = "/v1/emails/:id/cancel",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker<cancel_email>,
     .operation = "cancelEmail",
     .summary = "Take what still waits of an e-mail off the queue",
     .tag = "emails",
     .response_schema = "CancelledEmail",
     .failures = {409},
     .serves_domain_keys = true},
}};

constexpr SchemaLimit kEmailLimits[] = {
    {"filename", kMaxFilenameCharacters},
    {"content_type", kMaxContentTypeCharacters},
    {"content_id", kMaxContentIdCharacters},
    {"run", kMaxRunCharacters},
    {"subject", kMaxSubjectCharacters},
    {"headers", kMaxCustomHeaders},
    {"header_value", kMaxHeaderValueCharacters},
    {"tags", kMaxTags},
    {"attachments", kMaxAttachments},
    {"batch", kMaxBatchEmails}};

constexpr std::string_view kEmailSchemas = R"json({
"AddressOrList": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
  "description": "name@domain or Name <name@domain>; one address a string."},
"NewAttachment": {"type": "object", "required": ["content"], "properties": {
  "content": {"type": "string", "contentEncoding": "base64", "description": "Also in lines."},
  "filename": {"type": "string", "maxLength": "$filename"},
  "content_type": {"type": "string", "maxLength": "$content_type",
    "description": "Also with parameters. By the file name's extension where it is not given."},
  "content_id": {"type": "string", "maxLength": "$content_id", "description": "Shown within the HTML by cid:."},
  "path": {"type": "null", "description": "Nothing is fetched from elsewhere."}}},
"EmailTag": {"type": "object", "required": ["name", "value"], "properties": {
  "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,256}$"},
  "value": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,256}$"}}},
"EmailParts": {"type": "object", "required": ["from", "to", "subject"], "properties": {
  "from": {"type": "string"},
  "to": {"$ref": "#/components/schemas/AddressOrList"},
  "cc": {"$ref": "#/components/schemas/AddressOrList"},
  "bcc": {"$ref": "#/components/schemas/AddressOrList"},
  "reply_to": {"$ref": "#/components/schemas/AddressOrList"},
  "sender": {"type": "string", "examples": ["desk@example.org"], "description": "Who sends it in the author's place."},
  "return_path": {"type": "string", "examples": ["bounces@example.org"],
    "description": "Where bounces go instead of to the sender; empty: nowhere."},
  "notify": {"oneOf": [{"type": "array", "minItems": 1, "items": {"enum": ["success", "failure", "delay"]}}, {"const": "never"}],
    "description": "What is reported to the return path; failures where nothing is said."},
  "run": {"type": "string", "maxLength": "$run", "examples": ["ci-4711"],
    "description": "With a test key: the test run that the message belongs to."},
  "subject": {"type": "string", "maxLength": "$subject"},
  "html": {"type": "string", "description": "html or text is needed; neither is made from the other."},
  "text": {"type": "string"},
  "headers": {"type": "object", "maxProperties": "$headers",
    "additionalProperties": {"type": "string", "maxLength": "$header_value"}},
  "tags": {"type": "array", "maxItems": "$tags", "items": {"$ref": "#/components/schemas/EmailTag"}},
  "scheduled_at": {"type": "string", "examples": ["2026-11-21T09:30:00Z", "in 10 minutes"],
    "description": "Not before then; at most `max_hold_days` ahead. A time that has passed is now."},
  "template": {"type": "null", "description": "There are no templates."},
  "topic_id": {"type": "null", "description": "There are no topics."}}},
"NewBatchEmail": {"allOf": [{"$ref": "#/components/schemas/EmailParts"}, {"type": "object", "properties": {
  "attachments": {"type": "array", "maxItems": 0, "description": "A batch takes none."}}}]},
"NewEmail": {"allOf": [{"$ref": "#/components/schemas/EmailParts"}, {"type": "object", "properties": {
  "attachments": {"type": "array", "maxItems": "$attachments", "items": {"$ref": "#/components/schemas/NewAttachment"}}}}]},
"NewBatch": {"type": "array", "minItems": 1, "maxItems": "$batch", "items": {"$ref": "#/components/schemas/NewBatchEmail"}},
"RecipientVerdict": {"type": "object", "required": ["email", "status"], "properties": {
  "email": {"type": "string"},
  "status": {"enum": ["accepted", "refused"]},
  "statusCode": {"type": "integer"}, "name": {"type": "string"}, "message": {"type": "string"}}},
"EmailSchedule": {"type": "object", "required": ["scheduled_at"], "properties": {
  "scheduled_at": {"type": "string", "examples": ["2026-11-21T09:30:00Z", "in 10 minutes"]}}},
"UpdatedEmail": {"type": "object", "required": ["object", "id"], "properties": {
  "object": {"const": "email"}, "id": {"type": "string"}}},
"SentEmail": {"type": "object", "required": ["id"], "properties": {
  "id": {"type": "string"},
  "recipients": {"type": "array", "items": {"$ref": "#/components/schemas/RecipientVerdict"},
    "description": "Only where a recipient was refused: the message went to the others."}}},
"SentBatch": {"type": "object", "required": ["data"], "properties": {
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/SentEmail"}},
  "errors": {"type": "array", "items": {"type": "object", "required": ["index", "message"], "properties": {
    "index": {"type": "integer"}, "message": {"type": "string"}}}}}},
"EmailItem": {"type": "object",
  "required": ["id", "to", "cc", "bcc", "reply_to", "from", "created_at", "subject", "last_event", "scheduled_at", "environment",
    "run"],
  "properties": {
  "id": {"type": "string"},
  "to": {"type": "array", "items": {"type": "string"}},
  "cc": {"type": "array", "items": {"type": "string"}},
  "bcc": {"type": "array", "items": {"type": "string"}},
  "reply_to": {"type": "array", "items": {"type": "string"}},
  "from": {"type": "string"},
  "created_at": {"type": "string", "format": "date-time"},
  "subject": {"type": "string"},
  "last_event": {"enum": ["scheduled",
    "queued", "delivery_delayed", "delivered", "bounced", "complained", "failed", "suppressed", "canceled"]},
  "scheduled_at": {"type": ["string", "null"], "format": "date-time"},
  "environment": {"enum": ["live", "test"]},
  "run": {"type": ["string", "null"], "description": "Of a test message: the user name of AUTH, or the field `run`."}}},
"EmailRecipient": {"type": "object", "required": ["email", "status", "attempts", "next_attempt_at",
  "last_status", "failure_class", "remote"], "properties": {
  "email": {"type": "string"},
  "status": {"enum": ["pending", "delivered", "bounced", "expired", "suppressed", "cancelled", "complained"]},
  "attempts": {"type": "integer"},
  "next_attempt_at": {"type": ["string", "null"], "format": "date-time"},
  "last_status": {"type": ["string", "null"]},
  "failure_class": {"type": ["string", "null"], "description": "What a failed attempt was about, see docs/events.md."},
  "remote": {"type": ["string", "null"]}}},
"Email": {"allOf": [{"$ref": "#/components/schemas/EmailItem"}, {"type": "object",
  "required": ["object", "html", "text", "message_id", "tags", "recipients", "content_until", "api_key_id"],
  "properties": {
  "object": {"const": "email"},
  "html": {"type": ["string", "null"]},
  "text": {"type": ["string", "null"]},
  "message_id": {"type": ["string", "null"]},
  "tags": {"type": "array", "items": {"$ref": "#/components/schemas/EmailTag"}},
  "recipients": {"type": "array", "items": {"$ref": "#/components/schemas/EmailRecipient"}},
  "content_until": {"type": ["string", "null"], "format": "date-time"},
  "api_key_id": {"type": ["string", "null"], "description": "That sent it; null: a report of the relay's own."}}}]},
"EmailList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
  "object": {"const": "list"}, "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/EmailItem"}},
  "next": {"$ref": "#/components/schemas/Cursor"}}},
"EmailEvents": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
  "next": {"$ref": "#/components/schemas/Cursor"},
  "object": {"const": "list"}, "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}}},
"Attachment": {"type": "object", "required": ["id", "size", "content_type", "content_disposition", "download_url", "expires_at"],
  "properties": {
  "id": {"type": "string"}, "filename": {"type": "string"}, "size": {"type": "integer"},
  "content_type": {"type": "string"}, "content_disposition": {"enum": ["inline", "attachment"]},
  "content_id": {"type": "string"}, "download_url": {"type": "string"},
  "expires_at": {"type": ["string", "null"], "format": "date-time", "description": "When the content is forgotten."},
  "object": {"const": "attachment", "description": "Not within a list."}}},
"AttachmentList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {"next": {"type": "null"},
  "object": {"const": "list"}, "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/Attachment"}}}},
"CancelledEmail": {"type": "object", "required": ["object", "id"], "properties": {
  "object": {"const": "email"}, "id": {"type": "string"}}}
})json";

}  // namespace

ApiArea email_api() { return {kEmailRoutes, kEmailSchemas, {}, kEmailLimits}; }

}  // namespace postern::api
