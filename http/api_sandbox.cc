// /v1/sandbox/emails: whom an account in sandbox mode may reach. /v1/account: what the account is, and asking to leave the
// sandbox. A test key reads these; it changes nothing that live mail depends on.
#include "auth/production_access.h"
#include "core/mailbox.h"
#include "core/time_format.h"
#include "http/account_json.h"
#include "http/api.h"
#include "http/api_context.h"
#include "http/request_fields.h"
#include "http/worker_job.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>

namespace postern::http {
namespace {

constexpr std::size_t kMaxPage = 1'000;

boost::json::object entry_json(std::string_view address, Instant added) {
  return {{"object", "sandbox_email"}, {"email", address}, {"created_at", format_rfc3339(added)}};
}

// In order of address.
Result<ApiResponse> list_emails(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxPage, kMaxPage);
  if (!limit) return limit.error();
  const auto entries = context.store.directory().list_whitelist(request.caller.account);
  if (!entries) return entries.error();
  auto next = entries->begin();
  if (const auto after = request.query_parameter("after")) {
    next = std::ranges::find_if(*entries, [&](const store::WhitelistEntry& entry) { return entry.address > *after; });
  }
  boost::json::array data;
  for (; next != entries->end() && data.size() < *limit; ++next) data.emplace_back(entry_json(next->address, next->added));
  return ApiResponse::json(page_json(std::move(data), next != entries->end()));
}

Result<ApiResponse> allow_email(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string email = fields.required_text("email");
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto address = context.accounts.allow(request.caller.account, email);
  if (!address) return address.error();
  return ApiResponse::json(entry_json(*address, context.clock.now()), 201);
}

// The address is the path's last part, or ?email=.
Result<ApiResponse> disallow_email(ApiContext& context, const ApiRequest& request) {
  const std::string_view in_path = request.path_parameter("email");
  const std::string_view email = in_path.empty() ? request.query_parameter("email").value_or(std::string_view()) : in_path;
  if (email.empty()) return Error(ErrorCode::InvalidArgument, "email is missing");
  const auto removed = context.accounts.disallow(request.caller.account, email);
  // In a path: what is no address is on no list.
  const bool is_unlisted = !removed && !in_path.empty() && removed.error().code() == ErrorCode::InvalidArgument;
  if (is_unlisted) return Error(ErrorCode::NotFound);
  if (!removed) return removed.error();
  return ApiResponse::json(boost::json::object{{"object", "sandbox_email"}, {"email", email}, {"deleted", true}});
}

boost::json::array conditions_json(const std::vector<auth::ProductionCondition>& conditions) {
  boost::json::array list;
  for (const auto& condition : conditions) {
    list.emplace_back(
        boost::json::object{{"name", condition.name}, {"met", condition.is_met}, {"message", condition.message}});
  }
  return list;
}

boost::json::object request_json(const store::ProductionRequest& request) {
  return {{"object", "production_request"},
          {"status", "pending"},
          {"requested_at", format_rfc3339(request.at)},
          {"use_case", request.use_case}};
}

Result<ApiResponse> show_account(ApiContext& context, const ApiRequest& request) {
  const store::Directory& directory = context.store.directory();
  const auto account = directory.find_account(request.caller.account);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound, "there is no such account");
  const auto asked = directory.find_production_request(request.caller.account);
  if (!asked) return asked.error();
  boost::json::object json = account_json(**account);
  json["production_request"] = *asked ? boost::json::value(request_json(**asked)) : boost::json::value(nullptr);
  if ((*account)->mode == AccountMode::Sandbox) {
    const auto conditions = auth::ProductionAccess(context.store, context.clock).conditions(request.caller.account);
    if (!conditions) return conditions.error();
    json["conditions"] = conditions_json(*conditions);
  }
  return ApiResponse::json(json);
}

// Each condition by name, the unmet ones first in the sentence.
ApiResponse unmet_response(const std::vector<auth::ProductionCondition>& conditions) {
  std::string sentence = "not yet:";
  for (const auto& condition : conditions) {
    if (!condition.is_met) sentence += (sentence.ends_with(':') ? " " : "; ") + std::string(condition.message);
  }
  const ApiProblemRow& row = api_problem_table()[static_cast<std::size_t>(ApiProblem::ValidationError)];
  return ApiResponse::json(
      boost::json::object{
          {"statusCode", row.status}, {"name", row.name}, {"message", sentence}, {"conditions", conditions_json(conditions)}},
      row.status);
}

Result<ApiResponse> ask_for_production(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string use_case = fields.text("use_case").value_or(std::string());
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  auth::ProductionAccess access(context.store, context.clock);
  const auto account = context.store.directory().find_account(request.caller.account);
  if (!account) return account.error();
  if (*account && (*account)->mode == AccountMode::Sandbox) {
    const auto conditions = access.conditions(request.caller.account);
    if (!conditions) return conditions.error();
    if (!std::ranges::all_of(*conditions, &auth::ProductionCondition::is_met)) return unmet_response(*conditions);
  }
  const auto asked = access.request(request.caller.account, use_case);
  if (!asked) return asked.error();
  return ApiResponse::json(request_json(*asked), 201);
}

constexpr std::string_view kSchemas = R"({
  "NewSandboxEmail": {"type": "object", "additionalProperties": false, "required": ["email"], "properties": {
    "email": {"type": "string", "format": "email"}}},
  "SandboxEmail": {"type": "object", "required": ["object", "email", "created_at"], "properties": {
    "object": {"const": "sandbox_email"}, "email": {"type": "string"},
    "created_at": {"type": "string", "format": "date-time"}}},
  "RemovedSandboxEmail": {"type": "object", "required": ["object", "email", "deleted"], "properties": {
    "object": {"const": "sandbox_email"}, "email": {"type": "string"}, "deleted": {"const": true}}},
  "SandboxEmailList": {"type": "object", "required": ["object", "has_more", "data"], "properties": {
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/SandboxEmail"}}}},
  "ProductionCondition": {"type": "object", "required": ["name", "met", "message"], "properties": {
    "name": {"enum": ["verified_domain", "delivered_in_sandbox"]}, "met": {"type": "boolean"}, "message": {"type": "string"}}},
  "NewProductionRequest": {"type": "object", "additionalProperties": false, "properties": {
    "use_case": {"type": "string", "maxLength": 2000}}},
  "ProductionRequest": {"type": "object", "required": ["object", "status", "requested_at", "use_case"], "properties": {
    "object": {"const": "production_request"}, "status": {"const": "pending"},
    "requested_at": {"type": "string", "format": "date-time"}, "use_case": {"type": "string"}}},
  "Account": {"type": "object", "required": ["object", "id", "name", "mode", "state", "plan", "from_domains", "created_at",
      "production_request"], "properties": {
    "object": {"const": "account"}, "id": {"type": "string"}, "name": {"type": "string"},
    "mode": {"enum": ["sandbox", "production"]}, "state": {"enum": ["active", "suspended"]},
    "plan": {"type": "object", "required": ["name", "per_second", "per_day", "per_month"], "properties": {
      "name": {"type": "string"}, "per_second": {"type": ["integer", "string"]}, "per_day": {"type": ["integer", "string"]},
      "per_month": {"type": ["integer", "string"]}}},
    "from_domains": {"type": "array", "items": {"type": "string"}}, "created_at": {"type": "string", "format": "date-time"},
    "production_request": {"oneOf": [{"$ref": "#/components/schemas/ProductionRequest"}, {"type": "null"}]},
    "conditions": {"type": "array", "description": "Of an account in sandbox mode: what production access needs.",
      "items": {"$ref": "#/components/schemas/ProductionCondition"}}}}
})";

constexpr Parameter kListParameters[] = {limit_parameter(kMaxPage, kMaxPage),
                                         {.name = "after", .description = "The address that the page before ended with."}};
constexpr Parameter kRemovalParameters[] = {{.name = "email", .description = "The address.", .is_required = true}};

constexpr Route kRoutes[] = {
    {.method = Method::Get, .path = "/v1/sandbox/emails", .access = Access::Manage, .body = Body::None,
     .handler = on_worker<list_emails>, .operation = "listSandboxEmails",
     .summary = "List whom the account may reach in sandbox mode", .tag = "sandbox", .response_schema = "SandboxEmailList",
     .parameters = kListParameters},
    {.method = Method::Post, .path = "/v1/sandbox/emails", .access = Access::Manage, .body = Body::Json,
     .handler = on_worker_live<allow_email>, .operation = "addSandboxEmail", .summary = "Allow a recipient in sandbox mode",
     .tag = "sandbox", .request_schema = "NewSandboxEmail", .status = 201, .response_schema = "SandboxEmail"},
    {.method = Method::Delete, .path = "/v1/sandbox/emails", .access = Access::Manage, .body = Body::None,
     .handler = on_worker_live<disallow_email>, .operation = "removeSandboxEmailByQuery",
     .summary = "Disallow the recipient that ?email= names", .tag = "sandbox", .response_schema = "RemovedSandboxEmail",
     .parameters = kRemovalParameters, .failures = {404}},
    {.method = Method::Delete, .path = "/v1/sandbox/emails/:email", .access = Access::Manage, .body = Body::None,
     .handler = on_worker_live<disallow_email>, .operation = "removeSandboxEmail", .summary = "Disallow a recipient",
     .tag = "sandbox", .response_schema = "RemovedSandboxEmail"},
    {.method = Method::Get, .path = "/v1/account", .access = Access::Manage, .body = Body::None, .handler = on_worker<show_account>,
     .operation = "getAccount", .summary = "Mode, plan, and what production access still needs", .tag = "account",
     .response_schema = "Account"},
    {.method = Method::Post, .path = "/v1/account/production-access", .access = Access::Manage, .body = Body::Json,
     .handler = on_worker_live<ask_for_production>, .operation = "requestProductionAccess",
     .summary = "Ask to leave the sandbox; an operator decides", .tag = "account", .request_schema = "NewProductionRequest",
     .status = 201, .response_schema = "ProductionRequest", .failures = {409}},
};

}  // namespace

ApiArea sandbox_api() { return {kRoutes, kSchemas}; }

}  // namespace postern::http
