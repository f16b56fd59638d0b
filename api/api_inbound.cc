// /v1/inbound: what came in for an account and what came back, and /v1/routes: which of its domains' addresses receive.
#include "api/api.h"
#include "api/api_context.h"
#include "api/own_email.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "domains/domain_admin.h"
#include "domains/inbound_routes.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxInboundPage = 100;
constexpr std::size_t kInboundPage = 20;

Result<store::InboundRecord> find_inbound(const ApiContext& context, const ApiRequest& request) {
  const auto id = parse_message_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound);
  auto found = context.store.spool().find_inbound(request.caller.account, *id);
  if (!found) return found.error();
  if (!*found) return Error(ErrorCode::NotFound);
  return std::move(**found);
}

json::object shown_inbound(const store::InboundRecord& record) {
  json::object value = inbound_json(record);
  value["object"] = "inbound";
  return value;
}

Result<ApiResponse> list_inbound(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxInboundPage, kInboundPage);
  if (!limit) return limit.error();
  const auto position = read_position(request, "after");
  if (!position) return position.error();
  std::optional<MessageId> before;
  if (*position) before = parse_message_id(**position);
  if (*position && !before) return Error(ErrorCode::InvalidArgument, "after must be a place in the list");
  const auto records = context.store.spool().list_inbound(request.caller.account, before, *limit + 1);
  if (!records) return records.error();
  json::array data;
  for (const store::InboundRecord& record : *records) {
    if (data.size() < *limit) data.push_back(shown_inbound(record));
  }
  const bool has_more = records->size() > *limit;
  return ApiResponse::json(
      page_json(std::move(data), has_more ? std::optional(format_message_id((*records)[*limit - 1].id)) : std::nullopt));
}

Result<ApiResponse> get_inbound(ApiContext& context, const ApiRequest& request) {
  const auto record = find_inbound(context, request);
  if (!record) return record.error();
  return ApiResponse::json(shown_inbound(*record));
}

Result<ApiResponse> get_inbound_raw(ApiContext& context, const ApiRequest& request) {
  const auto record = find_inbound(context, request);
  if (!record) return record.error();
  const auto stored = context.store.spool().find(record->id);
  if (!stored) return stored.error();
  if (!*stored) return Error(ErrorCode::NotFound);
  Result<std::string> content = read_content(context.store.spool(), (*stored)->message);
  if (!content) return api_problem(ApiProblem::NotFound, "the content is kept for inbound_retention_hours");
  ApiResponse response;
  response.content_type = "message/rfc822";
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + format_message_id(record->id) + ".eml\"");
  response.body = std::move(*content);
  return response;
}

json::object route_json(const store::DomainRecord& domain, const store::InboundRoute& route) {
  return {{"object", "route"},        {"id", route.id},       {"domain_id", format_id(domain.id)},
          {"domain", domain.name},    {"match", route.match}, {"action", domains::route_action_name(route.action)},
          {"active", route.is_active}};
}

Result<ApiResponse> list_routes(ApiContext& context, const ApiRequest& request) {
  const auto domains = context.domains.list(request.caller.account);
  if (!domains) return domains.error();
  json::array data;
  for (const store::DomainRecord& domain : *domains) {
    for (const store::InboundRoute& route : domain.routes) data.push_back(route_json(domain, route));
  }
  return ApiResponse::json(page_json(std::move(data), std::nullopt));
}

Result<ApiResponse> create_route(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string domain_id = fields.required_text("domain_id");
  const std::string match = fields.required_text("match");
  const std::string action = fields.required_text("action");
  fields.refuse_unknown();
  const auto wanted = domains::parse_route_action(action);
  if (!fields.problem() && !wanted) fields.fail("action", "is none of store, webhook, drop");
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto id = parse_domain_id(domain_id);
  if (!id) return Error(ErrorCode::NotFound, "there is no such domain");
  const auto domain = context.domains.find(request.caller.account, *id);
  if (!domain) return domain.error();
  const auto route = context.domains.add_route(domain->id, match, *wanted);
  if (!route) return route.error();
  return ApiResponse::json(route_json(*domain, *route), 201);
}

Result<ApiResponse> delete_route(ApiContext& context, const ApiRequest& request) {
  const std::string id(request.path_parameter("id"));
  const auto domains = context.domains.list(request.caller.account);
  if (!domains) return domains.error();
  const auto has_it = [&id](const store::DomainRecord& domain) {
    return std::ranges::any_of(domain.routes, [&id](const store::InboundRoute& route) { return route.id == id; });
  };
  const auto domain = std::ranges::find_if(*domains, has_it);
  if (domain == domains->end()) return Error(ErrorCode::NotFound);
  if (const auto removed = context.domains.remove_route(domain->id, id); !removed) return removed.error();
  return ApiResponse::json(json::object{{"object", "route"}, {"id", id}, {"deleted", true}});
}

Result<ApiResponse> change_domain(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const auto is_receiving = fields.boolean("receiving");
  fields.refuse_unknown();
  if (!fields.problem() && !is_receiving) fields.fail("receiving", "is missing");
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto id = parse_domain_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound, "there is no such domain");
  const auto own = context.domains.find(request.caller.account, *id);
  if (!own) return own.error();
  const auto changed = context.domains.set_receiving(own->id, *is_receiving);
  if (!changed) return changed.error();
  return ApiResponse::json(
      json::object{{"object", "domain"}, {"id", format_id(changed->id)}, {"receiving", changed->is_receiving}});
}

constexpr Parameter kInboundParameters[] = {limit_parameter(kMaxInboundPage, kInboundPage),
                                            {.name = "after", .description = kAfterWords}};

constexpr Route kInboundRoutes[] = {{.method = Method::Get,
                                     .path = "/v1/inbound",
                                     .access = Access::Manage,
                                     .body = Body::None,
                                     .handler = on_worker_live<list_inbound>,
                                     .operation = "listInbound",
                                     .summary = "List what came in and what came back, the newest first",
                                     .tag = "inbound",
                                     .response_schema = "InboundList",
                                     .parameters = kInboundParameters},
                                    {.method = Method::Get,
                                     .path = "/v1/inbound/:id",
                                     .access = Access::Manage,
                                     .body = Body::None,
                                     .handler = on_worker_live<get_inbound>,
                                     .operation = "getInbound",
                                     .summary = "Show one message that came in",
                                     .tag = "inbound",
                                     .response_schema = "Inbound"},
                                    {.method = Method::Get,
                                     .path = "/v1/inbound/:id/raw",
                                     .access = Access::Manage,
                                     .body = Body::None,
                                     .handler = on_worker_live<get_inbound_raw>,
                                     .operation = "getInboundRaw",
                                     .summary = "The message as it came in, under a Return-Path and a Received field of ours",
                                     .tag = "inbound",
                                     .other_content = "message/rfc822"},
                                    {.method = Method::Get,
                                     .path = "/v1/routes",
                                     .access = Access::Manage,
                                     .body = Body::None,
                                     .handler = on_worker_live<list_routes>,
                                     .operation = "listRoutes",
                                     .summary = "List which addresses of the account's domains receive",
                                     .tag = "inbound",
                                     .response_schema = "RouteList"},
                                    {.method = Method::Post,
                                     .path = "/v1/routes",
                                     .access = Access::Manage,
                                     .body = Body::Json,
                                     .handler = on_worker_live<create_route>,
                                     .operation = "createRoute",
                                     .summary = "Add a route; every one that matches runs",
                                     .tag = "inbound",
                                     .request_schema = "NewRoute",
                                     .status = 201,
                                     .response_schema = "InboundRoute",
                                     .failures = {404}},
                                    {.method = Method::Delete,
                                     .path = "/v1/routes/:id",
                                     .access = Access::Manage,
                                     .body = Body::None,
                                     .handler = on_worker_live<delete_route>,
                                     .operation = "deleteRoute",
                                     .summary = "Remove a route",
                                     .tag = "inbound",
                                     .response_schema = "DeletedRoute"},
                                    {.method = Method::Patch,
                                     .path = "/v1/domains/:id",
                                     .access = Access::Manage,
                                     .body = Body::Json,
                                     .handler = on_worker_live<change_domain>,
                                     .operation = "changeDomain",
                                     .summary = "Whether mail for a domain is taken in, once it is verified",
                                     .tag = "domains",
                                     .request_schema = "DomainChange",
                                     .response_schema = "ChangedDomain"}};

constexpr std::string_view kInboundSchemas = R"({
  "Inbound": {"type": "object", "required": ["object", "id", "received_at", "kind", "email_id", "from", "subject", "return_path",
    "size", "to", "findings"], "properties": {
    "object": {"const": "inbound"},
    "id": {"type": "string"},
    "received_at": {"type": "string", "format": "date-time"},
    "kind": {"type": ["string", "null"], "examples": ["report"],
      "description": "What came back was read as (docs/inbound.md); mail: it came to an address of a domain; null: not read yet."},
    "email_id": {"type": ["string", "null"], "description": "The e-mail whose return path it came to."},
    "from": {"type": "string"},
    "subject": {"type": "string"},
    "return_path": {"type": "string", "description": "Empty: the null one."},
    "size": {"type": "integer"},
    "to": {"type": "array", "items": {"type": "string"}},
    "findings": {"type": "array", "items": {"type": "string"}, "description": "What it says of whom, for people."}}},
  "InboundList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/Inbound"}},
    "next": {"$ref": "#/components/schemas/Cursor"}}},
  "NewRoute": {"type": "object", "required": ["domain_id", "match", "action"], "additionalProperties": false, "properties": {
    "domain_id": {"type": "string"},
    "match": {"type": "string", "description": "A local part with at most one star.", "examples": ["ticket+*"]},
    "action": {"type": "string", "enum": ["store", "webhook", "drop"]}}},
  "InboundRoute": {"type": "object", "required": ["object", "id", "domain_id", "domain", "match", "action",
    "active"], "properties": {
    "object": {"const": "route"},
    "id": {"type": "string"},
    "domain_id": {"type": "string"},
    "domain": {"type": "string"},
    "match": {"type": "string"},
    "action": {"enum": ["store", "webhook", "drop"]},
    "active": {"type": "boolean"}}},
  "RouteList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {"next": {"type": "null"},
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/InboundRoute"}}}},
  "DeletedRoute": {"type": "object", "required": ["object", "id", "deleted"], "properties": {
    "object": {"const": "route"}, "id": {"type": "string"}, "deleted": {"const": true}}},
  "DomainChange": {"type": "object", "required": ["receiving"], "additionalProperties": false, "properties": {
    "receiving": {"type": "boolean"}}},
  "ChangedDomain": {"type": "object", "required": ["object", "id", "receiving"], "properties": {
    "object": {"const": "domain"}, "id": {"type": "string"}, "receiving": {"type": "boolean"}}}
})";

}  // namespace

ApiArea inbound_api() {
  return {kInboundRoutes, kInboundSchemas};
}

}  // namespace postern::api
