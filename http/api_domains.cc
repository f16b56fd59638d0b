// Sending domains, in the shapes of Resend's API: a domain, and the records to publish with what the DNS last said of each.
#include "http/api.h"
#include "http/api_context.h"

#include "core/time_format.h"
#include "relay/domain_admin.h"
#include "relay/domain_records.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace postern::http {
namespace {

namespace json = boost::json;

using store::DomainRecord;

// Clients made for Resend read a region; this installation is its only one.
constexpr std::string_view kRegion = "self-hosted";

struct PurposeName {
  std::string_view purpose;
  std::string_view name;
};
constexpr std::array<PurposeName, 6> kPurposeNames = {{{"ownership", "Ownership"},
                                                       {"dkim-rsa", "DKIM"},
                                                       {"dkim-ed25519", "DKIM"},
                                                       {"spf", "SPF"},
                                                       {"dmarc", "DMARC"},
                                                       {"return-path", "ReturnPath"}}};

json::object record_json(const DomainRecord& domain, const relay::DnsRecordToPublish& record) {
  const auto named = std::ranges::find(kPurposeNames, record.purpose, &PurposeName::purpose);
  const auto check = std::ranges::find(domain.checks, record.purpose, &store::DomainCheck::name);
  json::object row = {{"record", named == kPurposeNames.end() ? std::string_view(record.purpose) : named->name},
                      {"name", record.name},
                      {"type", record.type},
                      {"ttl", "Auto"},
                      {"status", relay::record_status(domain, record)},
                      {"value", record.value},
                      {"required", record.is_required}};
  if (check != domain.checks.end() && !check->finding.empty()) row["finding"] = check->finding;
  return row;
}

json::object summary_json(const DomainRecord& domain) {
  return {{"id", format_id(domain.id)},
          {"name", domain.name},
          {"status", relay::domain_status(domain)},
          {"created_at", format_rfc3339(domain.created)},
          {"region", kRegion}};
}

json::object domain_json(const relay::DomainAdmin& domains, const DomainRecord& domain) {
  json::array records;
  for (const relay::DnsRecordToPublish& record : domains.records(domain)) records.push_back(record_json(domain, record));
  json::object body = summary_json(domain);
  body["object"] = "domain";
  body["records"] = std::move(records);
  return body;
}

std::optional<DomainId> domain_id(const ApiRequest& request) { return parse_domain_id(request.path_parameter("id")); }

net::Awaitable<ApiResponse> create_domain(ApiContext& context, ApiRequest& request) {
  const json::object* const body = request.json.if_object();
  const json::value* const name = body == nullptr ? nullptr : body->if_contains("name");
  if (name == nullptr || !name->is_string()) {
    co_return api_problem(ApiProblem::ValidationError, "name: the domain to send from, as text");
  }
  auto job = [&] { return context.domains.create(request.caller.account, name->get_string()); };
  auto created = co_await context.workers.run(job);
  if (!created) co_return api_problem(ApiProblem::Unavailable);
  if (!*created) co_return api_error(created->error());
  co_return ApiResponse::json(domain_json(context.domains, **created), 201);
}

net::Awaitable<ApiResponse> list_domains(ApiContext& context, ApiRequest& request) {
  const auto domains = context.domains.list(request.caller.account);
  if (!domains) co_return api_error(domains.error());
  json::array data;
  for (const DomainRecord& domain : *domains) data.push_back(summary_json(domain));
  co_return ApiResponse::json(json::object{{"object", "list"}, {"has_more", false}, {"data", std::move(data)}});
}

net::Awaitable<ApiResponse> get_domain(ApiContext& context, ApiRequest& request) {
  const auto id = domain_id(request);
  if (!id) co_return api_problem(ApiProblem::NotFound);
  const auto domain = context.domains.find(request.caller.account, *id);
  if (!domain) co_return api_error(domain.error());
  co_return ApiResponse::json(domain_json(context.domains, *domain));
}

net::Awaitable<ApiResponse> verify_domain(ApiContext& context, ApiRequest& request) {
  const auto id = domain_id(request);
  if (!id) co_return api_problem(ApiProblem::NotFound);
  const auto own = context.domains.find(request.caller.account, *id);
  if (!own) co_return api_error(own.error());
  auto job = [&] { return context.domains.verify(*id); };
  auto verified = co_await context.workers.run(job);
  if (!verified) co_return api_problem(ApiProblem::Unavailable);
  if (!*verified) co_return api_error(verified->error());
  co_return ApiResponse::json(domain_json(context.domains, **verified));
}

net::Awaitable<ApiResponse> delete_domain(ApiContext& context, ApiRequest& request) {
  const auto id = domain_id(request);
  if (!id) co_return api_problem(ApiProblem::NotFound);
  const auto own = context.domains.find(request.caller.account, *id);
  if (!own) co_return api_error(own.error());
  auto job = [&] { return context.domains.remove(*id); };
  auto removed = co_await context.workers.run(job);
  if (!removed) co_return api_problem(ApiProblem::Unavailable);
  if (!*removed) co_return api_error(removed->error());
  co_return ApiResponse::json(json::object{{"object", "domain"}, {"id", format_id(*id)}, {"deleted", true}});
}

constexpr std::array<Route, 5> kRoutes = {{
    {.method = Method::Get,
     .path = "/v1/domains",
     .access = Access::Manage,
     .body = Body::None,
     .handler = list_domains,
     .operation = "listDomains",
     .summary = "List the account's sending domains",
     .tag = "domains",
     .response_schema = "DomainList"},
    {.method = Method::Post,
     .path = "/v1/domains",
     .access = Access::Manage,
     .body = Body::Json,
     .handler = create_domain,
     .operation = "createDomain",
     .summary = "Add a domain and make its DKIM keys",
     .tag = "domains",
     .request_schema = "NewDomain",
     .status = 201,
     .response_schema = "Domain"},
    {.method = Method::Get,
     .path = "/v1/domains/:id",
     .access = Access::Manage,
     .body = Body::None,
     .handler = get_domain,
     .operation = "getDomain",
     .summary = "Show a domain and the DNS records to publish",
     .tag = "domains",
     .response_schema = "Domain"},
    {.method = Method::Post,
     .path = "/v1/domains/:id/verify",
     .access = Access::Manage,
     .body = Body::None,
     .handler = verify_domain,
     .operation = "verifyDomain",
     .summary = "Look the domain's records up in the DNS now",
     .tag = "domains",
     .response_schema = "Domain"},
    {.method = Method::Delete,
     .path = "/v1/domains/:id",
     .access = Access::Manage,
     .body = Body::None,
     .handler = delete_domain,
     .operation = "deleteDomain",
     .summary = "Remove a domain and its keys; mail from it goes out unsigned",
     .tag = "domains",
     .response_schema = "DeletedDomain"},
}};

constexpr std::string_view kSchemas = R"json({
"DomainStatus": {"type": "string", "enum": ["not_started", "pending", "verified", "temporary_failure", "failed"]},
"NewDomain": {"type": "object", "required": ["name"], "properties": {
  "name": {"type": "string", "description": "The domain that From fields will have; Unicode or A-labels.", "examples": ["example.org"]}}},
"DomainDnsRecord": {"type": "object", "required": ["record", "name", "type", "ttl", "status", "value", "required"], "properties": {
  "record": {"type": "string", "enum": ["Ownership", "DKIM", "SPF", "DMARC", "ReturnPath"]},
  "name": {"type": "string", "description": "Absolute, without the last dot."},
  "type": {"type": "string", "enum": ["TXT", "CNAME"]},
  "ttl": {"type": "string"},
  "status": {"$ref": "#/components/schemas/DomainStatus"},
  "value": {"type": "string"},
  "required": {"type": "boolean", "description": "The domain is verified when all required records are found."},
  "finding": {"type": "string", "description": "What the DNS said instead, at the last look."}}},
"DomainSummary": {"type": "object", "required": ["id", "name", "status", "created_at", "region"], "properties": {
  "id": {"type": "string"},
  "name": {"type": "string"},
  "status": {"$ref": "#/components/schemas/DomainStatus"},
  "created_at": {"type": "string", "format": "date-time"},
  "region": {"type": "string"}}},
"Domain": {"allOf": [{"$ref": "#/components/schemas/DomainSummary"}, {"type": "object", "required": ["object", "records"], "properties": {
  "object": {"const": "domain"},
  "records": {"type": "array", "items": {"$ref": "#/components/schemas/DomainDnsRecord"}}}}]},
"DomainList": {"type": "object", "required": ["object", "has_more", "data"], "properties": {
  "object": {"const": "list"},
  "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/DomainSummary"}}}},
"DeletedDomain": {"type": "object", "required": ["object", "id", "deleted"], "properties": {
  "object": {"const": "domain"},
  "id": {"type": "string"},
  "deleted": {"const": true}}}
})json";

}  // namespace

ApiArea domain_api() { return {kRoutes, kSchemas}; }

}  // namespace postern::http
