// /v1/inbound: what came in for an account and what came back, and /v1/routes: which of its domains' addresses receive.
#include "api/api.h"
#include "api/api_context.h"
#include "api/own_email.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "core/mailbox.h"
#include "domains/domain_admin.h"
#include "domains/inbound_routes.h"
#include "events/event_json.h"
#include "reception/context.h"
#include "reception/synced.h"

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

ApiResponse inbound_content_gone() {
  return api_problem(ApiProblem::NotFound, "the content is kept for inbound_retention_hours");
}

Result<ApiResponse> get_inbound_raw(ApiContext& context, const ApiRequest& request) {
  const auto record = find_inbound(context, request);
  if (!record) return record.error();
  const auto stored = context.store.spool().find(record->id);
  if (!stored) return stored.error();
  if (!*stored) return Error(ErrorCode::NotFound);
  Result<std::string> content = read_content(context.store.spool(), (*stored)->message);
  if (!content) return inbound_content_gone();
  ApiResponse response;
  response.content_type = "message/rfc822";
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + format_message_id(record->id) + ".eml\"");
  response.body = std::move(*content);
  return response;
}

Result<ApiResponse> list_inbound_attachments(ApiContext& context, const ApiRequest& request) {
  const auto record = find_inbound(context, request);
  if (!record) return record.error();
  const auto stored = context.store.spool().find(record->id);
  if (!stored) return stored.error();
  if (!*stored) return Error(ErrorCode::NotFound);
  const Result<std::string> content = read_content(context.store.spool(), (*stored)->message);
  if (!content) return inbound_content_gone();
  json::array data;
  for (const mime::ReadAttachment& attachment : mime::read_message(*content).attachments) {
    data.push_back(events::received_attachment_json(record->id, attachment, context.attachment_links, context.clock.now()));
  }
  return ApiResponse::json(page_json(std::move(data), std::nullopt));
}

// Whoever has the link has the attachment: no key is asked for.
Result<ApiResponse> get_inbound_attachment(ApiContext& context, const ApiRequest& request) {
  const auto id = parse_message_id(request.path_parameter("id"));
  if (!id) return api_problem(ApiProblem::LinkForged);
  const std::string_view attachment = request.path_parameter("attachment_id");
  const auto finding = context.attachment_links.check(*id, attachment, request.query_parameter("expires").value_or(""),
                                                      request.query_parameter("signature").value_or(""), context.clock.now());
  if (finding == events::AttachmentLinks::Finding::Forged) return api_problem(ApiProblem::LinkForged);
  if (finding == events::AttachmentLinks::Finding::Expired) return api_problem(ApiProblem::LinkExpired);
  const auto stored = context.store.spool().find(*id);
  if (!stored) return stored.error();
  if (!*stored) return inbound_content_gone();
  const Result<std::string> content = read_content(context.store.spool(), (*stored)->message);
  if (!content) return inbound_content_gone();
  auto found = attachment == events::kWholeMessage ? std::nullopt : mime::read_attachment(*content, attachment);
  if (!found && attachment != events::kWholeMessage) return Error(ErrorCode::NotFound);
  // As octets, whatever the message calls it: nothing of it may run in a browser's eyes as a page of ours.
  ApiResponse response;
  response.content_type = "application/octet-stream";
  response.headers.emplace_back("Content-Disposition", "attachment");
  response.body = found ? std::move(found->octets) : *content;
  return response;
}

// What was refused to be sent on waits again; whether it may go now is asked anew.
Result<ApiResponse> retry_forwards(ApiContext& context, const ApiRequest& request) {
  auto record = find_inbound(context, request);
  if (!record) return record.error();
  std::size_t waiting = 0;
  for (store::InboundForward& forward : record->forwards) {
    if (forward.state != store::ForwardState::Refused) continue;
    forward.state = store::ForwardState::Waiting;
    forward.why.clear();
    ++waiting;
  }
  if (waiting == 0) return Error(ErrorCode::Conflict, "nothing of it was refused to be sent on");
  if (context.reception == nullptr) return api_problem(ApiProblem::Unavailable);
  const store::InboundRecord changed = *record;
  const Result<void> noted = reception::wait_for_sync(
      [&](Completion done) { context.store.spool().note_inbound(std::move(*record), std::move(done)); });
  if (!noted) return noted.error();
  context.reception->taken_in(true);
  return ApiResponse::json(shown_inbound(changed), 202);
}

json::object route_json(const store::DomainRecord& domain, const store::InboundRoute& route) {
  return {{"object", "route"},        {"id", route.id},       {"domain_id", format_id(domain.id)},
          {"domain", domain.name},    {"match", route.match}, {"action", domains::route_action_name(route.action)},
          {"destination", route.destination.empty() ? json::value(nullptr) : json::value(route.destination)},
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

// What the door would say of an address of the account's own; return paths are not asked.
Result<ApiResponse> test_route(ApiContext& context, const ApiRequest& request) {
  const std::string address(request.query_parameter("address").value_or(""));
  const auto mailbox = parse_mailbox(address);
  if (!mailbox) return Error(ErrorCode::InvalidArgument, "address has to be an e-mail address");
  const auto domains = context.domains.list(request.caller.account);
  if (!domains) return domains.error();
  const std::string name = normalised_domain(mailbox->domain);
  const auto domain = std::ranges::find(*domains, name, &store::DomainRecord::name);
  const bool is_hosted =
      domain != domains->end() && domain->is_receiving && domain->state == store::DomainState::Verified;
  json::array routes;
  if (is_hosted) {
    for (const store::InboundRoute* route : domains::matching_routes(*domain, mailbox->local_part)) {
      routes.push_back(route_json(*domain, *route));
    }
  }
  const std::string_view reply = !is_hosted ? "550 5.7.1" : routes.empty() ? "550 5.1.1" : "250 2.1.5";
  return ApiResponse::json(
      json::object{{"object", "route_test"}, {"address", address}, {"reply", reply}, {"routes", std::move(routes)}});
}

Result<ApiResponse> create_route(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string domain_id = fields.required_text("domain_id");
  const std::string match = fields.required_text("match");
  const std::string action = fields.required_text("action");
  const std::string destination = fields.text("destination").value_or("");
  fields.refuse_unknown();
  const auto wanted = domains::parse_route_action(action);
  if (!fields.problem() && !wanted) fields.fail("action", "is none of store, webhook, forward, drop");
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto id = parse_domain_id(domain_id);
  if (!id) return Error(ErrorCode::NotFound, "there is no such domain");
  const auto domain = context.domains.find(request.caller.account, *id);
  if (!domain) return domain.error();
  const auto route = context.domains.add_route(domain->id, match, *wanted, destination);
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
  const auto policy_name = fields.text("inbound_policy");
  fields.refuse_unknown();
  const auto policy = domains::parse_inbound_policy(policy_name.value_or(""));
  if (!fields.problem() && policy_name && !policy) fields.fail("inbound_policy", "is none of observe, tag, reject");
  if (!fields.problem() && !is_receiving && !policy_name) fields.fail("receiving", "is missing");
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto id = parse_domain_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound, "there is no such domain");
  auto changed = context.domains.find(request.caller.account, *id);
  if (changed && is_receiving) changed = context.domains.set_receiving(*id, *is_receiving);
  if (changed && policy) changed = context.domains.set_inbound_policy(*id, *policy);
  if (!changed) return changed.error();
  return ApiResponse::json(json::object{{"object", "domain"},
                                        {"id", format_id(changed->id)},
                                        {"receiving", changed->is_receiving},
                                        {"inbound_policy", domains::inbound_policy_name(changed->inbound_policy)}});
}

constexpr Parameter kInboundParameters[] = {limit_parameter(kMaxInboundPage, kInboundPage),
                                            {.name = "after", .description = kAfterWords}};

constexpr Parameter kTestParameters[] = {{.name = "address", .description = "Of one of the account's domains."}};
constexpr Parameter kLinkParameters[] = {{.name = "expires", .description = "Of the link: seconds since 1970."},
                                         {.name = "signature", .description = "Of the link."}};

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
                                     .summary = "The message as it came in, under fields of ours",
                                     .tag = "inbound",
                                     .other_content = "message/rfc822"},
                                    {.method = Method::Get,
                                     .path = "/v1/inbound/:id/attachments",
                                     .access = Access::Manage,
                                     .body = Body::None,
                                     .handler = on_worker_live<list_inbound_attachments>,
                                     .operation = "listInboundAttachments",
                                     .summary = "List what a message that came in has attached, with links that expire",
                                     .tag = "inbound",
                                     .response_schema = "InboundAttachmentList"},
                                    {.method = Method::Get,
                                     .path = "/v1/inbound/:id/attachments/:attachment_id/content",
                                     .access = Access::Open,
                                     .body = Body::None,
                                     .handler = on_worker<get_inbound_attachment>,
                                     .operation = "getInboundAttachmentContent",
                                     .summary = "An attachment's octets, by its link: no key is needed",
                                     .tag = "inbound",
                                     .other_content = "application/octet-stream",
                                     .parameters = kLinkParameters,
                                     .failures = {403, 410}},
                                    {.method = Method::Post,
                                     .path = "/v1/inbound/:id/forwards/retry",
                                     .access = Access::Manage,
                                     .body = Body::None,
                                     .handler = on_worker_live<retry_forwards>,
                                     .operation = "retryForwards",
                                     .summary = "Try again to send on what was refused",
                                     .tag = "inbound",
                                     .status = 202,
                                     .response_schema = "Inbound",
                                     .failures = {404, 409}},
                                    {.method = Method::Get,
                                     .path = "/v1/routes",
                                     .access = Access::Manage,
                                     .body = Body::None,
                                     .handler = on_worker_live<list_routes>,
                                     .operation = "listRoutes",
                                     .summary = "List which addresses of the account's domains receive",
                                     .tag = "inbound",
                                     .response_schema = "RouteList"},
                                    {.method = Method::Get,
                                     .path = "/v1/routes/test",
                                     .access = Access::Manage,
                                     .body = Body::None,
                                     .handler = on_worker_live<test_route>,
                                     .operation = "testRoute",
                                     .summary = "What would be done with mail to an address",
                                     .tag = "inbound",
                                     .response_schema = "RouteTest",
                                     .parameters = kTestParameters},
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
                                     .summary = "Whether mail for a domain is taken in, and what becomes of what fails its checks",
                                     .tag = "domains",
                                     .request_schema = "DomainChange",
                                     .response_schema = "ChangedDomain"}};

constexpr std::string_view kInboundSchemas = R"({
  "Inbound": {"type": "object", "required": ["object", "id", "received_at", "kind", "email_id", "from", "subject", "return_path",
    "size", "to", "findings", "auth", "forwards"], "properties": {
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
    "auth": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/InboundAuth"}], "description": "null: it was not checked."},
    "forwards": {"type": "array", "items": {"$ref": "#/components/schemas/InboundForward"},
      "description": "To whom routes send it on."},
    "findings": {"type": "array", "items": {"type": "string"}, "description": "What it says of whom, for people."}}},
  "InboundForward": {"type": "object", "required": ["route_id", "recipient", "to", "status", "email_id", "reason"], "properties": {
    "route_id": {"type": "string"},
    "recipient": {"type": "string", "description": "The address that it came to."},
    "to": {"type": "string"},
    "status": {"enum": ["waiting", "queued", "refused"]},
    "email_id": {"type": ["string", "null"], "description": "The e-mail that went out, with its own events."},
    "reason": {"type": ["string", "null"], "description": "Of refused, for people."}}},
  "InboundAttachment": {"type": "object", "required": ["id", "filename", "content_type", "content_disposition", "size",
    "download_url", "expires_at"], "properties": {
    "id": {"type": "string"},
    "filename": {"type": "string"},
    "content_type": {"type": "string"},
    "content_disposition": {"enum": ["inline", "attachment"]},
    "content_id": {"type": "string"},
    "size": {"type": "integer", "description": "Decoded."},
    "download_url": {"type": "string", "description": "For whoever has it, until it expires."},
    "expires_at": {"type": "string", "format": "date-time"}}},
  "InboundAttachmentList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
    "next": {"type": "null"}, "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/InboundAttachment"}}}},
  "InboundList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/Inbound"}},
    "next": {"$ref": "#/components/schemas/Cursor"}}},
  "NewRoute": {"type": "object", "required": ["domain_id", "match", "action"], "additionalProperties": false, "properties": {
    "domain_id": {"type": "string"},
    "match": {"type": "string", "description": "A local part with at most one star.", "examples": ["ticket+*"]},
    "action": {"type": "string", "enum": ["store", "webhook", "forward", "drop"]},
    "destination": {"type": "string", "description": "Of forward, and of nothing else: the address."}}},
  "InboundRoute": {"type": "object", "required": ["object", "id", "domain_id", "domain", "match", "action", "destination",
    "active"], "properties": {
    "object": {"const": "route"},
    "id": {"type": "string"},
    "domain_id": {"type": "string"},
    "domain": {"type": "string"},
    "match": {"type": "string"},
    "action": {"enum": ["store", "webhook", "forward", "drop"]},
    "destination": {"type": ["string", "null"]},
    "active": {"type": "boolean"}}},
  "RouteTest": {"type": "object", "required": ["object", "address", "reply", "routes"], "properties": {
    "object": {"const": "route_test"},
    "address": {"type": "string"},
    "reply": {"enum": ["250 2.1.5", "550 5.1.1", "550 5.7.1"],
      "description": "To RCPT: taken in; no route matches; no domain of the account's receives there."},
    "routes": {"type": "array", "items": {"$ref": "#/components/schemas/InboundRoute"},
      "description": "Those that match: all run."}}},
  "RouteList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {"next": {"type": "null"},
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/InboundRoute"}}}},
  "DeletedRoute": {"type": "object", "required": ["object", "id", "deleted"], "properties": {
    "object": {"const": "route"}, "id": {"type": "string"}, "deleted": {"const": true}}},
  "DomainChange": {"type": "object", "minProperties": 1, "additionalProperties": false, "properties": {
    "receiving": {"type": "boolean"},
    "inbound_policy": {"type": "string", "enum": ["observe", "tag", "reject"],
      "description": "Of what fails its checks: noted; marked as well; refused, where its author's domain wants that."}}},
  "ChangedDomain": {"type": "object", "required": ["object", "id", "receiving", "inbound_policy"], "properties": {
    "object": {"const": "domain"}, "id": {"type": "string"}, "receiving": {"type": "boolean"},
    "inbound_policy": {"enum": ["observe", "tag", "reject"]}}}
})";

}  // namespace

ApiArea inbound_api() {
  return {kInboundRoutes, kInboundSchemas};
}

}  // namespace postern::api
