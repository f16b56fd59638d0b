// /v1/sandbox/emails: whom an account in sandbox mode may reach. /v1/account: what the account is, and asking to leave the
// sandbox. A test key reads these; it changes nothing that live mail depends on.
#include "api/api.h"
#include "api/api_context.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "auth/address_proof.h"
#include "auth/permission.h"
#include "auth/production_access.h"
#include "core/mailbox.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>

namespace postern::api {
namespace {

constexpr std::size_t kMaxEntries = 1'000;
constexpr std::size_t kMaxAccountDomains = 1'000;  // each compared at every MAIL of the account

struct ShownEntry {
  std::string address;
  Instant added;
  bool is_confirmed = true;
};

boost::json::object entry_json(const ShownEntry& entry) {
  return whitelist_json(entry.address, entry.added, entry.is_confirmed);
}

// In order of address; those that were asked and have not answered are among them.
Result<std::vector<ShownEntry>> shown_entries(ApiContext& context, const AccountId& account) {
  const auto entries = context.store.directory().list_whitelist(account);
  if (!entries) return entries.error();
  const auto waiting = context.proofs.list_waiting(account);
  if (!waiting) return waiting.error();
  std::vector<ShownEntry> shown;
  for (const store::WhitelistEntry& entry : *entries) shown.push_back({entry.address, entry.added, true});
  for (const store::Confirmation& asked : *waiting) {
    if (asked.kind == store::ConfirmationKind::Whitelist) shown.push_back({asked.address, asked.asked, false});
  }
  std::ranges::sort(shown, {}, &ShownEntry::address);
  return shown;
}

// In order of address.
Result<ApiResponse> list_captured(ApiContext& context, const ApiRequest& request) {
  const auto limit = read_limit(request, kMaxEntries, kMaxEntries);
  if (!limit) return limit.error();
  const auto entries = shown_entries(context, request.caller.account);
  if (!entries) return entries.error();
  auto next = entries->begin();
  const auto after = read_position(request, "after");
  if (!after) return after.error();
  if (*after) next = std::ranges::find_if(*entries, [&](const ShownEntry& entry) { return entry.address > **after; });
  boost::json::array data;
  for (; next != entries->end() && data.size() < *limit; ++next) data.emplace_back(entry_json(*next));
  const bool has_more = next != entries->end() && next != entries->begin();
  return ApiResponse::json(page_json(std::move(data), has_more ? std::optional(std::prev(next)->address) : std::nullopt));
}

// An account that made itself: the address agrees first.
Result<ApiResponse> ask_email(ApiContext& context, const store::AccountRecord& account, const std::string& email) {
  const auto mailbox = parse_mailbox(email);
  if (!mailbox) return Error(ErrorCode::InvalidArgument, mailbox.error().context());
  const std::string address = normalised_mailbox(*mailbox);
  const Instant now = context.clock.now();
  const auto listed = context.store.directory().is_whitelisted(account.id, address);
  if (!listed) return listed.error();
  if (*listed) return ApiResponse::json(entry_json({address, now, true}), 201);
  if (const auto asked = context.proofs.ask(account, store::ConfirmationKind::Whitelist, address); !asked) return asked.error();
  return ApiResponse::json(entry_json({address, now, false}), 201);
}

Result<ApiResponse> allow_email(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  const std::string email = fields.required_text("email");
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto account = context.store.directory().find_account(request.caller.account);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound, "there is no such account");
  if (context.proofs.are_required(**account)) return ask_email(context, **account, email);
  const auto address = context.accounts.allow(request.caller.account, email);
  if (!address) return address.error();
  return ApiResponse::json(entry_json({*address, context.clock.now(), true}), 201);
}

// One that was asked and has not answered is asked no more.
Result<void> remove_entry(ApiContext& context, const AccountId& account, std::string_view email) {
  const auto mailbox = parse_mailbox(email);
  const auto waiting = mailbox ? context.store.directory().find_confirmation(account, store::ConfirmationKind::Whitelist,
                                                                             normalised_mailbox(*mailbox))
                               : Result<std::optional<store::Confirmation>>(std::nullopt);
  if (!waiting) return waiting.error();
  if (*waiting) return context.proofs.forget(account, (*waiting)->address);
  return context.accounts.disallow(account, email);
}

// The address is the path's last part, or ?email=.
Result<ApiResponse> disallow_email(ApiContext& context, const ApiRequest& request) {
  const std::string_view in_path = request.path_parameter("email");
  const std::string_view email = in_path.empty() ? request.query_parameter("email").value_or(std::string_view()) : in_path;
  if (email.empty()) return Error(ErrorCode::InvalidArgument, "email is missing");
  const auto removed = remove_entry(context, request.caller.account, email);
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

// An account narrows what it may send from, or adds a domain that it has verified; the rest is the operator's to say.
Result<std::optional<ApiResponse>> refuse_domains(ApiContext& context, const store::AccountRecord& account,
                                                  const std::vector<std::string>& wanted) {
  if (account.from_domains.empty()) return std::optional<ApiResponse>();
  const auto own = context.store.directory().list_domains(account.id);
  if (!own) return own.error();
  const auto is_allowed = [&](const std::string& domain) {
    const auto is_proven = [&](const store::DomainRecord& record) {
      return record.state == store::DomainState::Verified && record.name == domain;
    };
    return auth::is_domain_allowed(account.from_domains, domain) || std::ranges::any_of(*own, is_proven);
  };
  if (!wanted.empty() && std::ranges::all_of(wanted, is_allowed)) return std::optional<ApiResponse>();
  return std::optional(api_refusal(Refusal::PermissionDenied,
                                   "from_domains may hold what the account has already and domains that it has verified: the rest "
                                   "is the operator's to allow"));
}

Result<ApiResponse> show_account(ApiContext& context, const ApiRequest& request);

Result<ApiResponse> change_account(ApiContext& context, const ApiRequest& request) {
  RequestFields fields(request.json);
  std::optional<std::vector<std::string>> domains;
  if (fields.has("from_domains")) domains = fields.texts("from_domains", kMaxAccountDomains);
  const auto suppresses = fields.boolean("auto_suppression");
  const bool has_days = fields.has("suppression_days");
  const auto days = fields.number("suppression_days", 1, 3'650);
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  const auto account = context.store.directory().find_account(request.caller.account);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound, "there is no such account");
  // What a key may do through management is bounded by what it may do.
  if (request.caller.key && request.caller.key->from_domains != (*account)->from_domains) {
    return api_refusal(Refusal::PermissionDenied, "this key may not send from all of the account's domains");
  }
  if (domains) {
    const auto read = auth::read_from_domains(*domains);
    if (!read) return read.error();
    auto refused = refuse_domains(context, **account, *read);
    if (!refused) return refused.error();
    if (*refused) return std::move(**refused);
    if (const auto set = context.accounts.set_from_domains((*account)->id, *domains); !set) return set.error();
  }
  if (suppresses || has_days) {
    const bool is_on = suppresses.value_or((*account)->auto_suppression == store::AutoSuppression::On);
    const std::uint32_t kept = has_days ? static_cast<std::uint32_t>(days.value_or(0)) : (*account)->suppression_days;
    const auto how = is_on ? store::AutoSuppression::On : store::AutoSuppression::Off;
    if (const auto set = context.accounts.set_auto_suppression((*account)->id, how, kept); !set) return set.error();
  }
  return show_account(context, request);
}

// Host and port by which this request came are the host's where no listener has one of its own.
std::string host_of(const ApiRequest& request) {
  std::string host = request.base_url.substr(request.base_url.find("://") + 3);
  const std::size_t port = host.starts_with('[') ? host.find(':', host.find(']')) : host.find(':');
  host = host.substr(0, port);
  return host.starts_with('[') ? host.substr(1, host.find(']') - 1) : host;
}

boost::json::array smtp_json(const ApiSettings& settings, const ApiRequest& request) {
  boost::json::array places;
  for (const SmtpPlace& place : settings.smtp_places) {
    places.push_back(boost::json::object{{"host", place.host.empty() ? host_of(request) : place.host},
                                         {"port", place.port},
                                         {"tls", place.tls},
                                         {"auth_without_tls", place.takes_clear_auth}});
  }
  return places;
}

Result<ApiResponse> show_account(ApiContext& context, const ApiRequest& request) {
  const store::Directory& directory = context.store.directory();
  const auto account = directory.find_account(request.caller.account);
  if (!account) return account.error();
  if (!*account) return Error(ErrorCode::NotFound, "there is no such account");
  const auto asked = directory.find_production_request(request.caller.account);
  if (!asked) return asked.error();
  boost::json::object json = account_json(**account);
  json["production_request"] = *asked ? boost::json::value(production_request_json(**asked)) : boost::json::value(nullptr);
  if ((*account)->mode == AccountMode::Sandbox) {
    const auto conditions = auth::ProductionAccess(context.store, context.clock).conditions(request.caller.account);
    if (!conditions) return conditions.error();
    json["conditions"] = conditions_json(*conditions);
  }
  json["smtp"] = smtp_json(context.settings, request);
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
  return ApiResponse::json(production_request_json(*asked), 201);
}

constexpr SchemaLimit kSandboxLimits[] = {
    {"domains", kMaxAccountDomains},
    {"suppression_days", auth::kMaxSuppressionDays},
    {"use_case", store::kMaxUseCaseOctets}};

constexpr std::string_view kSandboxSchemas = R"({
  "NewSandboxEmail": {"type": "object", "additionalProperties": false, "required": ["email"], "properties": {
    "email": {"type": "string", "format": "email"}}},
  "SandboxEmail": {"type": "object", "required": ["object", "email", "status", "created_at"], "properties": {
    "object": {"const": "sandbox_email"}, "email": {"type": "string"},
    "status": {"enum": ["confirmed", "pending"],
      "description": "pending: the account made itself; the address got a mail and has not agreed yet."},
    "created_at": {"type": "string", "format": "date-time"}}},
  "RemovedSandboxEmail": {"type": "object", "required": ["object", "email", "deleted"], "properties": {
    "object": {"const": "sandbox_email"}, "email": {"type": "string"}, "deleted": {"const": true}}},
  "SandboxEmailList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
    "next": {"$ref": "#/components/schemas/Cursor"},
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/SandboxEmail"}}}},
  "AccountChanges": {"type": "object", "additionalProperties": false, "properties": {
    "from_domains": {"type": ["array", "string"], "maxItems": "$domains", "items": {"type": "string"},
      "examples": [["example.org", ".example.net"]],
      "description": "What From fields may have; a leading dot: every name below. Of the account's, and verified domains."},
    "auto_suppression": {"type": "boolean"},
    "suppression_days": {"type": ["integer", "null"], "minimum": 1, "maximum": "$suppression_days"}}},
  "ProductionCondition": {"type": "object", "required": ["name", "met", "message"], "properties": {
    "name": {"enum": ["verified_domain", "delivered_in_sandbox"]}, "met": {"type": "boolean"}, "message": {"type": "string"}}},
  "NewProductionRequest": {"type": "object", "additionalProperties": false, "properties": {
    "use_case": {"type": "string", "maxLength": "$use_case"}}},
  "ProductionRequest": {"type": "object", "required": ["object", "status", "requested_at", "use_case"], "properties": {
    "object": {"const": "production_request"}, "status": {"const": "pending"},
    "requested_at": {"type": "string", "format": "date-time"}, "use_case": {"type": "string"}}},
  "SmtpPlace": {"type": "object", "required": ["host", "port", "tls", "auth_without_tls"], "properties": {
    "host": {"type": "string"}, "port": {"type": "integer"},
    "tls": {"enum": ["none", "starttls", "implicit"], "description": "implicit: from the first octet."},
    "auth_without_tls": {"type": "boolean", "description": "A key is taken in the clear too, on this machine."}}},
  "Account": {"type": "object", "required": ["object", "id", "name", "mode", "state", "plan", "from_domains",
      "auto_suppression", "suppression_days", "created_at",
      "production_request", "smtp"], "properties": {
    "object": {"const": "account"}, "id": {"type": "string"}, "name": {"type": "string"},
    "mode": {"enum": ["sandbox", "production"]}, "state": {"enum": ["active", "suspended"]},
    "plan": {"type": "object", "required": ["name", "per_second", "per_day", "per_month"], "properties": {
      "name": {"type": "string"}, "per_second": {"type": ["integer", "string"]}, "per_day": {"type": ["integer", "string"]},
      "per_month": {"type": ["integer", "string"]}}},
    "from_domains": {"type": "array", "items": {"type": "string"}}, "created_at": {"type": "string", "format": "date-time"},
    "auto_suppression": {"type": "boolean", "description": "Whether hard bounces and complaints suppress an address."},
    "suppression_days": {"type": ["integer", "null"], "description": "For how long; null: for good."},
    "production_request": {"oneOf": [{"$ref": "#/components/schemas/ProductionRequest"}, {"type": "null"}]},
    "smtp": {"type": "array", "description": "Where clients submit by SMTP, as the server is configured.",
      "items": {"$ref": "#/components/schemas/SmtpPlace"}},
    "conditions": {"type": "array", "description": "Of an account in sandbox mode: what production access needs.",
      "items": {"$ref": "#/components/schemas/ProductionCondition"}}}}
})";

constexpr Parameter kSandboxListParameters[] = {limit_parameter(kMaxEntries, kMaxEntries),
                                         {.name = "after", .description = kAfterWords}};
constexpr Parameter kSandboxRemovalParameters[] = {{.name = "email", .description = "The address.", .is_required = true}};

constexpr Route kSandboxRoutes[] = {
    {.method = Method::Get, .path = "/v1/sandbox/emails", .access = Access::Manage, .body = Body::None,
     .handler = on_worker<list_captured>, .operation = "listSandboxEmails",
     .summary = "List whom the account may reach in sandbox mode", .tag = "sandbox", .response_schema = "SandboxEmailList",
     .parameters = kSandboxListParameters},
    {.method = Method::Post, .path = "/v1/sandbox/emails", .access = Access::Manage, .body = Body::Json,
     .handler = on_worker_live<allow_email>, .operation = "addSandboxEmail", .summary = "Allow a recipient in sandbox mode",
     .tag = "sandbox", .request_schema = "NewSandboxEmail", .status = 201, .response_schema = "SandboxEmail", .failures = {409}},
    {.method = Method::Delete, .path = "/v1/sandbox/emails", .access = Access::Manage, .body = Body::None,
     .handler = on_worker_live<disallow_email>, .operation = "removeSandboxEmailByQuery",
     .summary = "Disallow the recipient that ?email= names", .tag = "sandbox", .response_schema = "RemovedSandboxEmail",
     .parameters = kSandboxRemovalParameters, .failures = {404}},
    {.method = Method::Delete, .path = "/v1/sandbox/emails/:email", .access = Access::Manage, .body = Body::None,
     .handler = on_worker_live<disallow_email>, .operation = "removeSandboxEmail", .summary = "Disallow a recipient",
     .tag = "sandbox", .response_schema = "RemovedSandboxEmail"},
    {.method = Method::Get, .path = "/v1/account", .access = Access::Manage, .body = Body::None, .handler = on_worker<show_account>,
     .operation = "getAccount", .summary = "Mode, plan, and what production access still needs", .tag = "account",
     .response_schema = "Account", .serves_domain_keys = true},
    {.method = Method::Patch, .path = "/v1/account", .access = Access::Manage, .body = Body::Json,
     .handler = on_worker_live<change_account>, .operation = "changeAccount",
     .summary = "Change the account's From domains and its automatic suppression: what is named, nothing else", .tag = "account",
     .request_schema = "AccountChanges", .response_schema = "Account", .failures = {403}},
    {.method = Method::Post, .path = "/v1/account/production-access", .access = Access::Manage, .body = Body::Json,
     .handler = on_worker_live<ask_for_production>, .operation = "requestProductionAccess",
     .summary = "Ask to leave the sandbox; an operator decides", .tag = "account", .request_schema = "NewProductionRequest",
     .status = 201, .response_schema = "ProductionRequest", .failures = {409}},
};

}  // namespace

ApiArea sandbox_api() { return {kSandboxRoutes, kSandboxSchemas, {}, kSandboxLimits}; }

}  // namespace postern::api
