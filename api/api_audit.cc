// /v1/audit: who changed what of an account, the newest first.
#include "api/api.h"
#include "api/api_context.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "core/bytes.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxAuditPage = 200;
constexpr std::size_t kAuditPage = 50;

std::string format_audit_place(std::string_view place) {
  return format_base32hex({reinterpret_cast<const std::uint8_t*>(place.data()), place.size()});
}

Result<std::string> read_audit_place(const ApiRequest& request) {
  const auto position = read_position(request, "after");
  if (!position) return position.error();
  if (!*position) return std::string();
  const auto octets = parse_base32hex(**position);
  if (!octets || octets->empty()) return Error(ErrorCode::InvalidArgument, "after must be a place in the list");
  return std::string(octets->begin(), octets->end());
}

// Whose entries: the own account's; an operator may name another one, or all.
Result<std::optional<AccountId>> read_audited_account(const ApiRequest& request) {
  const auto text = request.query_parameter("account");
  if (!text) return std::optional(request.caller.account);
  if (request.caller.is_operator && *text == "all") return std::optional<AccountId>();
  const auto account = parse_account_id(*text);
  const bool is_own = account && *account == request.caller.account;
  if (!account || (!is_own && !request.caller.is_operator)) return Error(ErrorCode::NotFound);
  return account;
}

Result<ApiResponse> list_audit(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxAuditPage, kAuditPage);
  if (!limit) return limit.error();
  const auto place = read_audit_place(request);
  if (!place) return place.error();
  const auto account = read_audited_account(request);
  if (!account) return account.error();
  const auto entries = context.store.directory().list_audit(*account, *place, *limit + 1);
  if (!entries) return entries.error();
  json::array data;
  for (const store::PlacedAudit& placed : *entries) {
    if (data.size() < *limit) data.push_back(audit_json(placed.entry));
  }
  const bool has_more = entries->size() > *limit;
  return ApiResponse::json(
      page_json(std::move(data), has_more ? std::optional(format_audit_place((*entries)[*limit - 1].place)) : std::nullopt));
}

constexpr Parameter kAuditParameters[] = {
    limit_parameter(kMaxAuditPage, kAuditPage),
    {.name = "after", .description = kAfterWords},
    {.name = "account", .description = "Of who operates the installation: another account's id, or all."}};

constexpr Route kAuditRoutes[] = {{.method = Method::Get,
                                   .path = "/v1/audit",
                                   .access = Access::Manage,
                                   .body = Body::None,
                                   .handler = on_worker_live<list_audit>,
                                   .operation = "listAudit",
                                   .summary = "Who changed what of the account, the newest first",
                                   .tag = "audit",
                                   .response_schema = "AuditList",
                                   .parameters = kAuditParameters,
                                   .failures = {404}}};

constexpr std::string_view kAuditSchemas = R"({
  "AuditEntry": {"type": "object", "required": ["object", "at", "account_id", "action", "actor", "target", "detail", "peer"],
    "properties": {"object": {"const": "audit_entry"},
    "at": {"type": "string", "format": "date-time"},
    "account_id": {"type": "string"},
    "action": {"type": "string", "examples": ["key.created"]},
    "actor": {"type": "object", "required": ["kind", "id", "name"], "properties": {
      "kind": {"enum": ["user", "key", "command_line", "system"]},
      "id": {"type": ["string", "null"]},
      "name": {"type": "string", "description": "An address, a key's name, or who ran the command."}}},
    "target": {"type": "object", "required": ["kind", "id", "name"], "properties": {
      "kind": {"type": "string", "examples": ["key"]}, "id": {"type": "string"}, "name": {"type": "string"}}},
    "detail": {"type": "string"},
    "peer": {"type": ["string", "null"], "examples": ["192.0.2.17"]}}},
  "AuditList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/AuditEntry"}},
    "next": {"$ref": "#/components/schemas/Cursor"}}}
})";

}  // namespace

ApiArea audit_api() {
  return {kAuditRoutes, kAuditSchemas};
}

}  // namespace postern::api
