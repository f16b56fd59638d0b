// /v1/suppressions: addresses that the account's live mail is not sent to, in the shapes of Resend's API. An entry's id is its
// address; of one that keeps mail of one stream only, the stream stands behind it: "ann@example.net newsletter".
#include "api/api.h"
#include "api/api_context.h"
#include "api/limits.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "core/bytes.h"
#include "core/mailbox.h"
#include "relay/suppression.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <array>
#include <optional>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;

using store::SuppressionRecord;

constexpr std::size_t kMaxSuppressions = 100;
constexpr std::size_t kSuppressionsAtOnce = 500;
constexpr std::size_t kMaxBatch = 100;
constexpr std::size_t kMaxShownOctets = 64;  // of what is no address

json::object named_json(std::string_view address) { return {{"object", "suppression"}, {"id", address}}; }

json::object deleted_json(std::string_view address) {
  json::object body = named_json(address);
  body["deleted"] = true;
  return body;
}

std::string normalised_or_as_is(std::string_view id) {
  const auto entry = relay::normalised_entry(id);
  return entry ? *entry : std::string(id);
}

Result<ApiResponse> list_suppressions(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxSuppressions, kMaxSuppressions);
  if (!limit) return limit.error();
  const auto origin = request.query_parameter("origin");
  const bool is_origin =
      !origin || *origin == "bounce" || *origin == "complaint" || *origin == "manual" || *origin == "unsubscribe";
  if (!is_origin) {
    return Error(ErrorCode::InvalidArgument, "origin must be bounce, complaint, manual or unsubscribe");
  }
  const auto after = read_position(request, "after");
  if (!after) return after.error();
  std::string cursor = normalised_or_as_is(after->value_or(""));
  json::array data;
  bool has_more = false;
  for (std::size_t looked_at = 0; !has_more;) {
    const auto records = context.store.directory().list_suppressions(request.caller.account, cursor, kSuppressionsAtOnce);
    if (!records) return records.error();
    for (const SuppressionRecord& record : *records) {
      const bool is_of_origin = !origin || relay::suppression_reason_name(record.reason) == *origin;
      const bool is_wanted = is_of_origin && relay::is_in_force(record, context.clock.now());
      has_more = is_wanted && data.size() == *limit;
      if (has_more) break;
      if (is_wanted) data.push_back(suppression_json(record));
      cursor = store::suppression_entry(record.address, record.stream);
    }
    looked_at += records->size();
    if (records->size() < kSuppressionsAtOnce) break;
    has_more = has_more || looked_at >= kMaxListReads;
  }
  return ApiResponse::json(page_json(std::move(data), has_more ? std::optional(cursor) : std::nullopt));
}

Result<ApiResponse> add_suppression(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string email = fields.required_text("email");
  const std::string stream = fields.text("stream").value_or("");
  fields.refuse_unknown();
  if (!parse_mailbox(email)) fields.fail("email", "is no address");
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const std::string entry = store::suppression_entry(email, stream);
  const auto added = relay::suppress(context.store.directory(), request.caller.account, entry, context.clock.now());
  if (!added) return added.error();
  return ApiResponse::json(named_json(store::suppression_entry(added->address, added->stream)), 201);
}

Result<ApiResponse> get_suppression(ApiContext& context, const ApiRequest& request) {
  const std::string entry = normalised_or_as_is(request.path_parameter("email"));
  const auto found = context.store.directory().find_suppression(request.caller.account, entry);
  if (!found) return found.error();
  if (!*found || !relay::is_in_force(**found, context.clock.now())) return Error(ErrorCode::NotFound);
  json::object body = suppression_json(**found);
  body["object"] = "suppression";
  return ApiResponse::json(body);
}

Result<ApiResponse> delete_suppression(ApiContext& context, const ApiRequest& request) {
  const auto lifted = relay::lift_suppression(context.store.directory(), request.caller.account, request.path_parameter("email"));
  // What is no address is on no list.
  if (!lifted) return lifted.error().code() == ErrorCode::InvalidArgument ? Error(ErrorCode::NotFound) : lifted.error();
  return ApiResponse::json(deleted_json(*lifted));
}

// Before anything is written: a batch with a wrong entry changes nothing.
void refuse_wrong_addresses(RequestFields& fields, std::string_view name, const std::vector<std::string>& addresses) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (parse_mailbox(addresses[i])) continue;
    fields.fail(name, "[" + std::to_string(i) + "] is no address: " + escape_for_log(addresses[i], kMaxShownOctets));
    return;
  }
}

Result<ApiResponse> add_suppressions(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::vector<std::string> emails = fields.texts("emails", kMaxBatch);
  if (emails.empty()) fields.fail("emails", "is missing");
  refuse_wrong_addresses(fields, "emails", emails);
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  json::array data;
  for (const std::string& email : emails) {
    const auto added = relay::suppress(context.store.directory(), request.caller.account, email, context.clock.now());
    if (!added) return added.error();
    data.push_back(named_json(added->address));
  }
  return ApiResponse::json(json::object{{"data", std::move(data)}}, 201);
}

// Those that are not on the list are passed over.
Result<ApiResponse> remove_suppressions(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  std::vector<std::string> emails = fields.texts("emails", kMaxBatch);
  std::vector<std::string> ids = fields.texts("ids", kMaxBatch);
  const std::string_view name = emails.empty() ? "ids" : "emails";
  if (emails.empty()) emails = std::move(ids);
  if (emails.empty()) fields.fail("emails", "is missing");
  refuse_wrong_addresses(fields, name, emails);
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  json::array data;
  for (const std::string& email : emails) {
    const auto lifted = relay::lift_suppression(context.store.directory(), request.caller.account, email);
    if (lifted) {
      data.push_back(deleted_json(*lifted));
    } else if (lifted.error().code() != ErrorCode::NotFound) {
      return lifted.error();
    }
  }
  return ApiResponse::json(json::object{{"data", std::move(data)}});
}

constexpr Parameter kSuppressionListParameters[] = {limit_parameter(kMaxSuppressions, kMaxSuppressions),
                                         {.name = "after", .description = kAfterWords},
                                         {.name = "origin", .description = "Only those.",
                                          .values = "bounce complaint manual unsubscribe"}};

constexpr Route suppression_route(Route row) {
  row.tag = "suppressions";
  return row;
}

constexpr std::array<Route, 6> kSuppressionRoutes = {{
    suppression_route({.method = Method::Get, .path = "/v1/suppressions", .access = Access::Manage,
                       .handler = on_worker_live<list_suppressions>, .operation = "listSuppressions",
                       .summary = "List suppressed addresses, in order of address", .response_schema = "SuppressionList",
                       .parameters = kSuppressionListParameters}),
    suppression_route({.method = Method::Post, .path = "/v1/suppressions", .access = Access::Manage, .body = Body::Json,
                       .handler = on_worker_live<add_suppression>, .operation = "addSuppression",
                       .summary = "Send no live mail to an address any more", .request_schema = "NewSuppression", .status = 201,
                       .response_schema = "SuppressionName"}),
    suppression_route({.method = Method::Post, .path = "/v1/suppressions/batch/add", .access = Access::Manage, .body = Body::Json,
                       .handler = on_worker_live<add_suppressions>, .operation = "addSuppressions",
                       .summary = "Suppress up to 100 addresses", .request_schema = "SuppressionBatch", .status = 201,
                       .response_schema = "SuppressionNames"}),
    suppression_route({.method = Method::Post, .path = "/v1/suppressions/batch/remove", .access = Access::Manage,
                       .body = Body::Json, .handler = on_worker_live<remove_suppressions>, .operation = "removeSuppressions",
                       .summary = "Take up to 100 addresses off the list", .request_schema = "SuppressionRemoval",
                       .response_schema = "SuppressionNames"}),
    suppression_route({.method = Method::Get, .path = "/v1/suppressions/:email", .access = Access::Manage,
                       .handler = on_worker_live<get_suppression>, .operation = "getSuppression",
                       .summary = "Show why an address is suppressed", .response_schema = "Suppression"}),
    suppression_route({.method = Method::Delete, .path = "/v1/suppressions/:email", .access = Access::Manage,
                       .handler = on_worker_live<delete_suppression>, .operation = "deleteSuppression",
                       .summary = "Send to an address again", .response_schema = "SuppressionName"}),
}};

constexpr SchemaLimit kSuppressionLimits[] = {{"batch", kMaxBatch}, {"stream", store::kMaxStreamOctets}};

constexpr std::string_view kSuppressionSchemas = R"json({
"NewSuppression": {"type": "object", "required": ["email"], "additionalProperties": false, "properties": {
  "email": {"type": "string", "format": "email"},
  "stream": {"type": "string", "maxLength": "$stream", "description": "Only mail with that value of the tag `stream`."}}},
"SuppressionBatch": {"type": "object", "required": ["emails"], "properties": {
  "emails": {"type": ["array", "string"], "maxItems": "$batch", "items": {"type": "string", "format": "email"}}}},
"SuppressionRemoval": {"type": "object", "properties": {
  "emails": {"type": ["array", "string"], "maxItems": "$batch", "items": {"type": "string", "format": "email"}},
  "ids": {"type": ["array", "string"], "maxItems": "$batch", "items": {"type": "string"},
    "description": "The same as emails, where there are none."}}},
"SuppressionName": {"type": "object", "required": ["object", "id"], "properties": {
  "object": {"const": "suppression"},
  "id": {"type": "string", "description": "The address; of one stream, a blank and the stream behind it."},
  "deleted": {"type": "boolean"}}},
"SuppressionNames": {"type": "object", "required": ["data"], "properties": {
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/SuppressionName"}}}},
"Suppression": {"type": "object", "required": ["id", "email", "stream", "origin", "source_id", "until", "created_at"],
  "properties": {
  "object": {"const": "suppression"},
  "id": {"type": "string"},
  "email": {"type": "string", "format": "email"},
  "stream": {"type": ["string", "null"], "description": "Only its mail is kept back; null: all."},
  "origin": {"type": "string", "enum": ["bounce", "complaint", "manual", "unsubscribe"]},
  "source_id": {"type": ["string", "null"], "description": "The e-mail that bounced, was complained of, or had the link."},
  "until": {"type": ["string", "null"], "description": "null: for good."},
  "created_at": {"type": "string", "format": "date-time"}}},
"SuppressionList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
  "object": {"const": "list"},
  "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/Suppression"}},
  "next": {"$ref": "#/components/schemas/Cursor"}}}
})json";

}  // namespace

ApiArea suppression_api() { return {kSuppressionRoutes, kSuppressionSchemas, {}, kSuppressionLimits}; }

}  // namespace postern::api
