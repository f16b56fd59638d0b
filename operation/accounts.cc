// /v1/accounts: what who operates the installation sees and decides of every account.
#include "operation/areas.h"

#include "api/api.h"
#include "api/api_context.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "auth/production_access.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <limits>
#include <string>

namespace postern::operation {
namespace {

namespace json = boost::json;
using namespace api;  // the words of endpoints

constexpr std::size_t kMaxAccountsPage = 200;
constexpr std::size_t kAccountsPage = 50;

// The account that the path names.
Result<store::AccountRecord> find_named_account(const ApiContext& context, const ApiRequest& request) {
  const auto id = parse_account_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound);
  auto account = context.store.directory().find_account(*id);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound);
  return std::move(**account);
}

Result<json::object> overview_json(const store::Directory& directory, const store::AccountRecord& account) {
  const auto asked = directory.find_production_request(account.id);
  if (!asked) return asked.error();
  json::object overview = account_json(account);
  overview["production_request"] = *asked ? json::value(production_request_json(**asked)) : json::value(nullptr);
  return overview;
}

json::object quota_use_json(std::uint64_t used, const std::optional<std::uint64_t>& limit) {
  return {{"used", used}, {"limit", limit ? json::value(*limit) : json::value(nullptr)}};
}

Result<ApiResponse> details_response(ApiContext& context, const AccountId& id) {
  const store::Directory& directory = context.store.directory();
  const Instant now = context.clock.now();
  const auto account = directory.find_account(id);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound);
  auto details = overview_json(directory, **account);
  if (!details) return details.error();
  const auto users = directory.list_users(id);
  if (!users) return users.error();
  const auto day = directory.counter(id, store::CounterPeriod::Day, now);
  if (!day) return day.error();
  const auto month = directory.counter(id, store::CounterPeriod::Month, now);
  if (!month) return month.error();
  json::array members;
  for (const store::UserRecord& user : *users) members.push_back(member_json(user));
  (*details)["members"] = std::move(members);
  (*details)["quotas"] = {{"day", quota_use_json(*day, (*account)->plan.per_day)},
                          {"month", quota_use_json(*month, (*account)->plan.per_month)}};
  return ApiResponse::json(*details);
}

Result<ApiResponse> list_accounts(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxAccountsPage, kAccountsPage);
  if (!limit) return limit.error();
  const auto position = read_position(request, "after");
  if (!position) return position.error();
  const auto after = *position ? parse_account_id(**position) : std::nullopt;
  if (*position && !after) return Error(ErrorCode::InvalidArgument, "after must be a place in the list");
  const store::Directory& directory = context.store.directory();
  const auto accounts = directory.list_accounts_after(after, *limit + 1);
  if (!accounts) return accounts.error();
  json::array data;
  for (const store::AccountRecord& account : *accounts) {
    if (data.size() == *limit) break;
    auto overview = overview_json(directory, account);
    if (!overview) return overview.error();
    data.push_back(std::move(*overview));
  }
  const bool has_more = accounts->size() > *limit;
  return ApiResponse::json(
      page_json(std::move(data), has_more ? std::optional(format_id((*accounts)[*limit - 1].id)) : std::nullopt));
}

// As many as have asked and not been answered.
Result<ApiResponse> list_production_requests(ApiContext& context, const ApiRequest&) {
  const store::Directory& directory = context.store.directory();
  const auto requests = directory.list_production_requests();
  if (!requests) return requests.error();
  json::array data;
  for (const store::ProductionRequest& asked : *requests) {
    const auto account = directory.find_account(asked.account);
    if (!account) return account.error();
    if (!*account) continue;
    auto overview = overview_json(directory, **account);
    if (!overview) return overview.error();
    data.push_back(std::move(*overview));
  }
  return ApiResponse::json(page_json(std::move(data), {}));
}

Result<ApiResponse> get_account(ApiContext& context, const ApiRequest& request) {
  const auto account = find_named_account(context, request);
  if (!account) return account.error();
  return details_response(context, account->id);
}

template <class Number>
void read_plan_limit(const json::object& plan, std::string_view name, std::optional<Number>& limit, RequestFields& fields) {
  const json::value* const value = plan.if_contains(name);
  if (value == nullptr) return;
  if (value->is_null() || *value == "unlimited") return limit.reset();
  boost::system::error_code failed;
  const auto number = value->to_number<std::uint64_t>(failed);
  if (failed || number > std::numeric_limits<Number>::max())
    return fields.fail("plan", std::string(name) + " must be a number or unlimited");
  limit = static_cast<Number>(number);
}

// The name of a plan, or limits of its own, of which what is not named stays.
std::optional<store::Plan> read_plan(const json::value& body, const store::Plan& before, RequestFields& fields) {
  if (!fields.has("plan")) return std::nullopt;
  const json::value& given = body.as_object().at("plan");
  if (given.is_string()) {
    auto plan = auth::plan_named({given.get_string().data(), given.get_string().size()});
    if (!plan) fields.fail("plan", "must be starter, growth, scale, unlimited, or an object of limits");
    return plan;
  }
  if (!given.is_object()) {
    fields.fail("plan", "must be the name of one, or an object of limits");
    return std::nullopt;
  }
  store::Plan plan = before;
  plan.name = "custom";
  read_plan_limit(given.get_object(), "per_second", plan.per_second, fields);
  read_plan_limit(given.get_object(), "per_day", plan.per_day, fields);
  read_plan_limit(given.get_object(), "per_month", plan.per_month, fields);
  return plan;
}

template <class Value>
std::optional<Value> read_one_of(RequestFields& fields, std::string_view name, std::string_view first_word, Value first,
                                 std::string_view second_word, Value second) {
  const auto text = fields.text(name);
  if (!text) return std::nullopt;
  if (*text == first_word) return first;
  if (*text != second_word) fields.fail(name, "must be " + std::string(first_word) + " or " + std::string(second_word));
  return second;
}

Result<ApiResponse> change_account(ApiContext& context, const ApiRequest& request) {
  const auto account = find_named_account(context, request);
  if (!account) return account.error();
  RequestFields fields(request.json);
  const auto plan = read_plan(request.json, account->plan, fields);
  const auto mode = read_one_of(fields, "mode", "sandbox", AccountMode::Sandbox, "production", AccountMode::Production);
  const auto state =
      read_one_of(fields, "state", "active", store::AccountState::Active, "suspended", store::AccountState::Suspended);
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  if (state == store::AccountState::Suspended && account->id == request.caller.account) {
    return api_problem(ApiProblem::Conflict, "nobody suspends his own account: the command line can");
  }
  Result<void> changed;
  if (plan) changed = context.accounts.set_plan(account->id, *plan);
  if (changed && mode) changed = context.accounts.set_mode(account->id, *mode);
  if (changed && state) changed = context.accounts.set_state(account->id, *state);
  if (!changed) return changed.error();
  return details_response(context, account->id);
}

Result<ApiResponse> decide_production(ApiContext& context, const ApiRequest& request) {
  const auto account = find_named_account(context, request);
  if (!account) return account.error();
  RequestFields fields(request.json);
  const auto is_approved = fields.boolean("approve");
  fields.refuse_unknown();
  if (!is_approved) fields.fail("approve", "must be true or false");
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  auth::ProductionAccess access(context.store, context.clock);
  const auto decided = *is_approved ? access.approve(account->id) : access.decline(account->id);
  if (!decided && decided.error().code() == ErrorCode::NotFound) {
    return api_problem(ApiProblem::Conflict, "the account has not asked for production access");
  }
  if (!decided) return decided.error();
  return details_response(context, account->id);
}

constexpr Parameter kAccountListParameters[] = {limit_parameter(kMaxAccountsPage, kAccountsPage),
                                                {.name = "after", .description = kAfterWords}};

template <Work work>
constexpr Route operating(Method method, std::string_view path, std::string_view operation, std::string_view summary,
                          std::string_view schema, std::span<const Parameter> parameters = {}) {
  return {.method = method,
          .path = path,
          .access = Access::Operate,
          .body = Body::None,
          .handler = on_worker<work>,
          .operation = operation,
          .summary = summary,
          .tag = "operation",
          .response_schema = schema,
          .parameters = parameters};
}

constexpr Route kAccountRoutes[] = {
    operating<list_accounts>(Method::Get, "/v1/accounts", "listAccounts", "List all accounts", "AccountOverviewList",
                             kAccountListParameters),
    operating<list_production_requests>(Method::Get, "/v1/accounts/requests", "listProductionRequests",
                                        "List the accounts that ask for production access", "AccountOverviewList"),
    operating<get_account>(Method::Get, "/v1/accounts/:id", "getAnyAccount", "Show an account, its people and its quotas",
                           "AccountDetails"),
    {.method = Method::Patch,
     .path = "/v1/accounts/:id",
     .access = Access::Operate,
     .body = Body::Json,
     .handler = on_worker<change_account>,
     .operation = "changeAnyAccount",
     .summary = "Change an account's plan, mode or state",
     .tag = "operation",
     .request_schema = "AccountDecision",
     .response_schema = "AccountDetails",
     .failures = {409}},
    {.method = Method::Post,
     .path = "/v1/accounts/:id/production-access",
     .access = Access::Operate,
     .body = Body::Json,
     .handler = on_worker<decide_production>,
     .operation = "decideProductionAccess",
     .summary = "Grant or refuse what an account asked for",
     .tag = "operation",
     .request_schema = "ProductionDecision",
     .response_schema = "AccountDetails",
     .failures = {409}},
};

constexpr std::string_view kAccountSchemas = R"({
  "AccountOverview": {"type": "object",
    "required": ["object", "id", "name", "mode", "state", "plan", "from_domains", "auto_suppression", "suppression_days",
      "created_at", "production_request"],
    "properties": {"object": {"const": "account"}, "id": {"type": "string"}, "name": {"type": "string"},
    "mode": {"enum": ["sandbox", "production"]}, "state": {"enum": ["active", "suspended"]},
    "plan": {"type": "object", "required": ["name", "per_second", "per_day", "per_month"], "properties": {
      "name": {"type": "string"}, "per_second": {"$ref": "#/components/schemas/PlanLimit"},
      "per_day": {"$ref": "#/components/schemas/PlanLimit"}, "per_month": {"$ref": "#/components/schemas/PlanLimit"}}},
    "from_domains": {"type": "array", "items": {"type": "string"}},
    "auto_suppression": {"type": "boolean"}, "suppression_days": {"type": ["integer", "null"]},
    "created_at": {"type": "string", "format": "date-time"},
    "production_request": {"oneOf": [{"$ref": "#/components/schemas/ProductionRequest"}, {"type": "null"}]}}},
  "PlanLimit": {"oneOf": [{"type": "integer"}, {"const": "unlimited"}], "examples": [1000]},
  "AccountOverviewList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/AccountOverview"}},
    "next": {"$ref": "#/components/schemas/Cursor"}}},
  "AccountDetails": {"allOf": [{"$ref": "#/components/schemas/AccountOverview"}, {"type": "object",
    "required": ["members", "quotas"], "properties": {
    "members": {"type": "array", "items": {"$ref": "#/components/schemas/Member"}},
    "quotas": {"type": "object", "properties": {
      "day": {"$ref": "#/components/schemas/QuotaUse"}, "month": {"$ref": "#/components/schemas/QuotaUse"}}}}}]},
  "AccountDecision": {"type": "object", "properties": {
    "plan": {"oneOf": [{"enum": ["starter", "growth", "scale", "unlimited"]}, {"type": "object", "properties": {
      "per_second": {"$ref": "#/components/schemas/PlanLimit"}, "per_day": {"$ref": "#/components/schemas/PlanLimit"},
      "per_month": {"$ref": "#/components/schemas/PlanLimit"}}}]},
    "mode": {"enum": ["sandbox", "production"]},
    "state": {"enum": ["active", "suspended"]}}},
  "ProductionDecision": {"type": "object", "required": ["approve"], "properties": {"approve": {"type": "boolean"}}}
})";

}  // namespace

api::ApiArea account_api() {
  return {kAccountRoutes, kAccountSchemas};
}

}  // namespace postern::operation
