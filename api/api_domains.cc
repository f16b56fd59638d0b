// Sending domains, in the shapes of Resend's API: a domain, and the records to publish with what the DNS last said of each.
#include "api/api.h"
#include "api/api_context.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "auth/permission.h"
#include "core/mailbox.h"
#include "domains/domain_admin.h"
#include "domains/domain_records.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;

using store::DomainRecord;

json::object whole_domain_json(const domains::DomainAdmin& domains, const DomainRecord& domain) {
  json::object body = domain_json(domain);
  body["object"] = "domain";
  body["records"] = dns_records_json(domain, domains.records(domain));
  return body;
}

// A key changes what it could send from; a test key, which sends nothing, changes nothing.
bool may_change(const Caller& caller, const std::string& name) {
  if (!caller.key) return true;
  return caller.key->environment == Environment::Live && auth::is_domain_allowed(caller.key->from_domains, normalised_domain(name));
}

Result<DomainRecord> find_domain(const ApiContext& context, const ApiRequest& request) {
  const auto id = parse_domain_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound, "there is no such domain");
  return context.domains.find(request.caller.account, *id);
}

Result<ApiResponse> create(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string name = fields.required_text("name");
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  if (!may_change(request.caller, name)) return api_refusal(Refusal::PermissionDenied);
  const auto domain = context.domains.create(request.caller.account, name);
  if (!domain) return domain.error();
  return ApiResponse::json(whole_domain_json(context.domains, *domain), 201);
}

Result<ApiResponse> list(ApiContext& context, const ApiRequest& request) {
  const auto domains = context.domains.list(request.caller.account);
  if (!domains) return domains.error();
  json::array data;
  for (const DomainRecord& domain : *domains) data.push_back(domain_json(domain));
  return ApiResponse::json(page_json(std::move(data), std::nullopt));
}

Result<ApiResponse> show(ApiContext& context, const ApiRequest& request) {
  const auto domain = find_domain(context, request);
  if (!domain) return domain.error();
  return ApiResponse::json(whole_domain_json(context.domains, *domain));
}

Result<ApiResponse> verify(ApiContext& context, const ApiRequest& request) {
  const auto own = find_domain(context, request);
  if (!own) return own.error();
  if (!may_change(request.caller, own->name)) return api_refusal(Refusal::PermissionDenied);
  const auto verified = context.domains.verify(own->id);
  if (!verified) return verified.error();
  return ApiResponse::json(whole_domain_json(context.domains, *verified));
}

Result<ApiResponse> rotate_keys(ApiContext& context, const ApiRequest& request) {
  const auto own = find_domain(context, request);
  if (!own) return own.error();
  if (!may_change(request.caller, own->name)) return api_refusal(Refusal::PermissionDenied);
  const auto rotated = context.domains.rotate_keys(own->id);
  if (!rotated) return rotated.error();
  return ApiResponse::json(whole_domain_json(context.domains, *rotated));
}

Result<ApiResponse> remove(ApiContext& context, const ApiRequest& request) {
  const auto own = find_domain(context, request);
  if (!own) return own.error();
  if (!may_change(request.caller, own->name)) return api_refusal(Refusal::PermissionDenied);
  if (const auto removed = context.domains.remove(own->id); !removed) return removed.error();
  return ApiResponse::json(json::object{{"object", "domain"}, {"id", format_id(own->id)}, {"deleted", true}});
}

constexpr std::array<Route, 6> kDomainRoutes = {{
    {.method = Method::Get,
     .path = "/v1/domains",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker<list>,
     .operation = "listDomains",
     .summary = "List the account's sending domains",
     .tag = "domains",
     .response_schema = "DomainList",
     .serves_domain_keys = true},
    {.method = Method::Post,
     .path = "/v1/domains",
     .access = Access::Manage,
     .body = Body::Json,
     .handler = on_domain_worker<create>,
     .operation = "createDomain",
     .summary = "Add a domain and make its DKIM keys",
     .tag = "domains",
     .request_schema = "NewDomain",
     .status = 201,
     .response_schema = "Domain",
     .failures = {409},
     .serves_domain_keys = true},
    {.method = Method::Get,
     .path = "/v1/domains/:id",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker<show>,
     .operation = "getDomain",
     .summary = "Show a domain and the DNS records to publish",
     .tag = "domains",
     .response_schema = "Domain",
     .serves_domain_keys = true},
    {.method = Method::Post,
     .path = "/v1/domains/:id/verify",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_domain_worker<verify>,
     .operation = "verifyDomain",
     .summary = "Look the domain's records up in the DNS now",
     .tag = "domains",
     .response_schema = "Domain",
     .failures = {409, 503},
     .serves_domain_keys = true},
    {.method = Method::Post,
     .path = "/v1/domains/:id/rotate-keys",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_domain_worker<rotate_keys>,
     .operation = "rotateDomainKeys",
     .summary = "Make successors of a domain's DKIM keys: each signs once a verification finds its record",
     .tag = "domains",
     .response_schema = "Domain",
     .failures = {409},
     .serves_domain_keys = true},
    {.method = Method::Delete,
     .path = "/v1/domains/:id",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker<remove>,
     .operation = "deleteDomain",
     .summary = "Remove a domain and its keys; mail from it goes out unsigned",
     .tag = "domains",
     .response_schema = "DeletedDomain",
     .serves_domain_keys = true},
}};

constexpr std::string_view kDomainSchemas = R"json({
"DomainStatus": {"type": "string", "enum": ["not_started", "pending", "verified", "temporary_failure", "failed"]},
"NewDomain": {"type": "object", "required": ["name"], "properties": {
  "name": {"type": "string", "description": "The domain that From fields will have; Unicode or A-labels.",
    "examples": ["example.org"]}}},
"DomainDnsRecord": {"type": "object", "required": ["record", "name", "type", "ttl", "status", "value", "required"], "properties": {
  "record": {"type": "string", "enum": ["Ownership", "DKIM", "SPF", "DMARC"]},
  "name": {"type": "string", "description": "Absolute, without the last dot.", "examples": ["_dmarc.example.org"]},
  "type": {"type": "string", "enum": ["TXT", "CNAME"]},
  "ttl": {"type": "string"},
  "status": {"$ref": "#/components/schemas/DomainStatus"},
  "value": {"type": "string"},
  "required": {"type": "boolean", "description": "The domain is verified when all required records are found."},
  "note": {"type": "string", "description": "What it is for, while keys are changed.", "examples": ["signs once it is found"]},
  "finding": {"type": "string", "description": "What the DNS said instead, at the last look."}}},
"DomainSummary": {"type": "object", "required": ["id", "name", "status", "created_at", "region"], "properties": {
  "id": {"type": "string"},
  "name": {"type": "string", "examples": ["example.org"]},
  "status": {"$ref": "#/components/schemas/DomainStatus"},
  "created_at": {"type": "string", "format": "date-time"},
  "region": {"type": "string"},
  "receiving": {"type": "boolean", "description": "Mail for it is taken in, once it is verified."},
  "inbound_policy": {"type": "string", "enum": ["observe", "tag", "reject"],
    "description": "What becomes of mail for it that fails its checks."}}},
"Domain": {"allOf": [{"$ref": "#/components/schemas/DomainSummary"},
  {"type": "object", "required": ["object", "records"], "properties": {
  "object": {"const": "domain"},
  "records": {"type": "array", "items": {"$ref": "#/components/schemas/DomainDnsRecord"}}}}]},
"DomainList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {"next": {"type": "null"},
  "object": {"const": "list"},
  "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/DomainSummary"}}}},
"DeletedDomain": {"type": "object", "required": ["object", "id", "deleted"], "properties": {
  "object": {"const": "domain"},
  "id": {"type": "string"},
  "deleted": {"const": true}}}
})json";

}  // namespace

ApiArea domain_api() { return {kDomainRoutes, kDomainSchemas}; }

}  // namespace postern::api
