// /v1/api-keys, and the same under /v1/auth/api-keys: the life of an account's keys, for its users and its full_access keys.
// A key makes, changes and revokes only what may do no more than itself, and a test key sees test keys only (auth/key_rights.h);
// whatever it may not see, and every other account's key, is not found.
#include "api/api.h"
#include "api/api_context.h"
#include "api/record_json.h"
#include "api/request_fields.h"
#include "api/worker_job.h"
#include "auth/account_admin.h"
#include "auth/key_rights.h"
#include "auth/permission.h"
#include "core/time_format.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <limits>
#include <optional>

namespace postern::api {
namespace {

constexpr std::size_t kMaxKeys = 1'000;
constexpr std::size_t kMaxDomains = 100;         // of one key, each compared at every MAIL
constexpr std::size_t kMaxNetworks = 100;        // of one key, each compared at every AUTH
constexpr std::uint64_t kMaxRate = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kMaxDays = 36'500;       // a hundred years; the clock's type holds 292

// nullopt: a signed-in user, who may do all that the account may.
using Maker = std::optional<store::KeyRecord>;

Result<Maker> find_maker(ApiContext& context, const Caller& caller) {
  if (!caller.key) return Maker();
  auto found = context.store.directory().find_key(caller.key->key);
  if (!found) return found.error();
  if (!*found) return Error(ErrorCode::NotFound, "the key that asks is gone");
  return Maker(std::move((*found)->key));
}

bool can_see(const Maker& maker, const store::KeyRecord& key) { return !maker || auth::can_see_key(*maker, key); }

std::optional<ApiResponse> refuse_excess(const Maker& maker, const store::KeyRecord& key) {
  const auto excess = maker ? auth::excess_right(*maker, key) : std::nullopt;
  if (!excess) return std::nullopt;
  return api_refusal(Refusal::PermissionDenied, *excess);
}

// NotFound too for what is another account's or hidden from the maker.
Result<store::KeyRecord> find_visible_key(ApiContext& context, const ApiRequest& request, const Maker& maker) {
  const Error nothing(ErrorCode::NotFound, "there is no such key");
  const auto id = parse_key_id(request.path_parameter("id"));
  if (!id) return nothing;
  auto found = context.store.directory().find_key(*id);
  if (!found) return found.error();
  if (!*found || (*found)->key.account != request.caller.account || !can_see(maker, (*found)->key)) return nothing;
  return std::move((*found)->key);
}

Result<boost::json::object> describe_key(ApiContext& context, const store::KeyRecord& key) {
  const auto usage = context.store.directory().find_key_usage(key.id);
  if (!usage) return usage.error();
  const auto refusal = context.store.directory().find_key_refusal(key.id);
  if (!refusal) return refusal.error();
  return key_json(key, *usage, *refusal, context.clock.now());
}

ApiResponse created_response(ApiContext& context, const auth::CreatedKey& created) {
  const boost::json::object json = key_json(created.record, std::nullopt, std::nullopt, context.clock.now());
  return ApiResponse::json_with_secret(json, "token", created.text, 201);  // the one time that it is shown
}

// JavaScript writes "2030-01-01T00:00:00.000Z".
std::string without_fraction(std::string text) {
  const std::size_t point = text.find('.');
  const std::size_t end = point == std::string::npos ? point : text.find_first_not_of("0123456789", point + 1);
  if (end != std::string::npos) text.erase(point, end - point);
  return text;
}

std::optional<Instant> read_date(RequestFields& fields, std::string_view name) {
  const auto text = fields.text(name);
  if (!text) return std::nullopt;
  const auto instant = parse_rfc3339(without_fraction(*text));
  if (instant) return *instant;
  fields.fail(name, "must be a date such as 2030-01-31 or 2030-01-31T12:00:00Z");
  return std::nullopt;
}

// The outer nullopt: nothing was said; the inner: never.
std::optional<std::optional<Instant>> read_expiry(RequestFields& fields, Instant now) {
  std::optional<std::optional<Instant>> expiry;
  for (const std::string_view name : {"expires_at", "expiresAt"}) {
    if (fields.has(name)) expiry = read_date(fields, name);
  }
  for (const std::string_view name : {"expires_in_days", "expiresInDays"}) {
    if (!fields.has(name)) continue;
    const auto days = fields.number(name, 1, kMaxDays);
    expiry = days ? std::optional<Instant>(now + std::chrono::days(*days)) : std::nullopt;
  }
  return expiry;
}

Environment read_environment(RequestFields& fields, const Maker& maker) {
  const Environment implied = maker ? maker->environment : Environment::Live;
  const auto text = fields.text("environment");
  if (!text) return implied;
  if (*text == environment_name(Environment::Live)) return Environment::Live;
  if (*text == environment_name(Environment::Test)) return Environment::Test;
  fields.fail("environment", "must be live or test");
  return implied;
}

// nullopt: nothing was said.
std::optional<store::Permission> read_permission(RequestFields& fields) {
  const auto text = fields.text("permission");
  if (!text) return std::nullopt;
  const auto permission = auth::parse_permission(*text);
  if (!permission) fields.fail("permission", "must be full_access or sending_access");
  return permission;
}

auth::KeyChanges read_changes(RequestFields& fields, Instant now) {
  auth::KeyChanges changes;
  changes.name = fields.text("name");
  changes.expires_at = read_expiry(fields, now);
  changes.permission = read_permission(fields);
  if (fields.has("from_domains")) changes.from_domains = fields.texts("from_domains", kMaxDomains);
  if (fields.has("networks")) changes.networks = fields.texts("networks", kMaxNetworks);
  if (fields.has("per_second")) {
    const auto rate = fields.number("per_second", 0, kMaxRate);
    changes.per_second = rate ? std::optional(static_cast<std::uint32_t>(*rate)) : std::nullopt;
  }
  fields.refuse_unknown();
  return changes;
}

// Resend's domain_id: one of the account's domains.
Result<void> read_domain_id(ApiContext& context, const AccountId& account, RequestFields& fields, auth::NewKey& wanted) {
  const auto text = fields.text("domain_id");
  if (!text) return {};
  const auto id = parse_domain_id(*text);
  const auto domain = id ? context.store.directory().find_domain(*id) : Result<std::optional<store::DomainRecord>>(std::nullopt);
  if (!domain) return domain.error();
  if (*domain && (*domain)->account == account) {
    wanted.from_domains.push_back((*domain)->name);
  } else {
    fields.fail("domain_id", "is none of this account's domains");
  }
  return {};
}

Result<auth::NewKey> read_new_key(ApiContext& context, const ApiRequest& request, const Maker& maker) {
  RequestFields fields(request.json);
  auth::NewKey wanted;
  if (const auto name = fields.text("name")) {
    wanted.name = *name;
    if (name->empty()) fields.fail("name", "must not be empty");
  }
  wanted.environment = read_environment(fields, maker);
  wanted.permission = read_permission(fields).value_or(wanted.permission);
  wanted.from_domains = fields.texts("from_domains", kMaxDomains);
  if (const auto read = read_domain_id(context, request.caller.account, fields, wanted); !read) return read.error();
  wanted.networks = fields.texts("networks", kMaxNetworks);
  wanted.expires_at = read_expiry(fields, context.clock.now()).value_or(std::nullopt);
  if (const auto rate = fields.number("per_second", 0, kMaxRate)) {
    wanted.per_second = static_cast<std::uint32_t>(*rate);
  }
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  return wanted;
}

Result<ApiResponse> create_key(ApiContext& context, const ApiRequest& request) {
  const auto maker = find_maker(context, request.caller);
  if (!maker) return maker.error();
  const auto wanted = read_new_key(context, request, *maker);
  if (!wanted) return wanted.error();
  auto draft = context.keys.draft(request.caller.account, *wanted);
  if (!draft) return draft.error();
  if (*maker) auth::inherit_rights(**maker, *draft);
  if (auto refused = refuse_excess(*maker, *draft)) return std::move(*refused);
  const auto created = context.keys.create(std::move(*draft));
  if (!created) return created.error();
  return created_response(context, *created);
}

// Newest first.
Result<ApiResponse> list_keys(ApiContext& context, const ApiRequest& request) {
  const auto maker = find_maker(context, request.caller);
  if (!maker) return maker.error();
  const auto limit = read_limit(request, kMaxKeys, kMaxKeys);
  if (!limit) return limit.error();
  auto keys = context.store.directory().list_key_outlines(request.caller.account);
  if (!keys) return keys.error();
  std::erase_if(*keys, [&](const store::KeyOutline& key) { return *maker && !auth::can_see_keys(**maker, key.environment); });
  std::ranges::sort(*keys, std::greater(), [](const store::KeyOutline& key) { return std::pair(key.created, key.id); });
  auto next = keys->begin();
  const auto after = read_position(request, "after");
  if (!after) return after.error();
  if (*after) {
    next = std::ranges::find(*keys, **after, [](const store::KeyOutline& key) { return format_id(key.id); });
    if (next == keys->end()) return Error(ErrorCode::InvalidArgument, "after must be a place in the list or a key of it");
    ++next;
  }
  boost::json::array data;
  for (; next != keys->end() && data.size() < *limit; ++next) {
    const auto found = context.store.directory().find_key(next->id);
    if (!found) return found.error();
    if (!*found) continue;  // deleted meanwhile
    auto json = describe_key(context, (*found)->key);
    if (!json) return json.error();
    data.emplace_back(std::move(*json));
  }
  const bool has_more = next != keys->end() && next != keys->begin();
  return ApiResponse::json(page_json(std::move(data), has_more ? std::optional(format_id(std::prev(next)->id)) : std::nullopt));
}

Result<ApiResponse> show_key(ApiContext& context, const ApiRequest& request) {
  const auto maker = find_maker(context, request.caller);
  if (!maker) return maker.error();
  const auto key = find_visible_key(context, request, *maker);
  if (!key) return key.error();
  const auto json = describe_key(context, *key);
  if (!json) return json.error();
  return ApiResponse::json(*json);
}

Result<ApiResponse> change_key(ApiContext& context, const ApiRequest& request) {
  const auto maker = find_maker(context, request.caller);
  if (!maker) return maker.error();
  auto key = find_visible_key(context, request, *maker);
  if (!key) return key.error();
  RequestFields fields(request.json);
  const auth::KeyChanges changes = read_changes(fields, context.clock.now());
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  // Neither is a wider key narrowed by a narrower one, nor is one made wider than that.
  if (auto refused = refuse_excess(*maker, *key)) return std::move(*refused);
  if (const auto applied = auth::apply_changes(changes, *key); !applied) return applied.error();
  if (changes.expires_at) key->expires_at = *changes.expires_at;
  if (auto refused = refuse_excess(*maker, *key)) return std::move(*refused);
  if (const auto changed = context.keys.update(key->id, changes); !changed) return changed.error();
  return show_key(context, request);
}

Result<ApiResponse> rotate_key(ApiContext& context, const ApiRequest& request) {
  const auto maker = find_maker(context, request.caller);
  if (!maker) return maker.error();
  const auto key = find_visible_key(context, request, *maker);
  if (!key) return key.error();
  RequestFields fields(request.json);
  const auto overlap = parse_duration(fields.text("overlap").value_or("0s"));
  if (!overlap) fields.fail("overlap", "must be a duration such as 30m or 24h");
  fields.refuse_unknown();
  if (fields.problem()) return Error(ErrorCode::InvalidArgument, *fields.problem());
  if (auto refused = refuse_excess(*maker, *key)) return std::move(*refused);
  const auto created = context.keys.rotate(key->id, *overlap);
  if (!created) return created.error();
  return created_response(context, *created);
}

// Revokes: the key stays listed, so that people can see what happened, and a second DELETE changes nothing. With ?purge=true it
// is taken away altogether.
Result<ApiResponse> remove_key(ApiContext& context, const ApiRequest& request) {
  const auto maker = find_maker(context, request.caller);
  if (!maker) return maker.error();
  const auto key = find_visible_key(context, request, *maker);
  if (!key) return key.error();
  if (auto refused = refuse_excess(*maker, *key)) return std::move(*refused);
  const auto purge = request.query_parameter("purge");
  if (purge && *purge != "true" && *purge != "false") return Error(ErrorCode::InvalidArgument, "purge must be true or false");
  const bool is_purge = purge == "true";
  const auto removed = is_purge ? context.keys.remove(key->id) : context.keys.revoke(key->id);
  if (!removed) return removed.error();
  return ApiResponse::json(boost::json::object{
      {"object", "api_key"}, {"id", format_id(key->id)}, {"state", is_purge ? "deleted" : "revoked"}, {"deleted", true}});
}

constexpr SchemaLimit kKeyLimits[] = {
    {"name", auth::kMaxNameOctets},
    {"domains", kMaxDomains},
    {"networks", kMaxNetworks},
    {"days", kMaxDays},
    {"rate", kMaxRate}};

constexpr std::string_view kKeySchemas = R"({
  "ApiKey": {"type": "object", "required": ["object", "id", "name", "key_prefix", "environment", "permission",
      "state", "from_domains", "networks", "per_second", "created_at", "expires_at", "revoked_at", "retires_at",
      "successor", "last_used_at", "last_used_from", "last_used_client",
      "last_refused"],
    "properties": {
    "object": {"const": "api_key"}, "id": {"type": "string"}, "name": {"type": "string", "examples": ["shop"]},
    "key_prefix": {"type": "string", "description": "the first 16 characters, to recognise it by"},
    "environment": {"enum": ["live", "test"]}, "permission": {"enum": ["full_access", "sending_access"]},
    "state": {"enum": ["active", "retiring", "expired", "revoked"]},
    "from_domains": {"type": "array", "items": {"type": "string"}}, "networks": {"type": "array", "items": {"type": "string"}},
    "per_second": {"type": ["integer", "null"]}, "created_at": {"type": "string", "format": "date-time"},
    "expires_at": {"type": ["string", "null"]}, "revoked_at": {"type": ["string", "null"]},
    "retires_at": {"type": ["string", "null"]}, "successor": {"type": ["string", "null"]},
    "last_used_at": {"type": ["string", "null"]}, "last_used_from": {"type": ["string", "null"]},
    "last_used_client": {"type": ["string", "null"], "description": "The HELO name, or HTTP and the User-Agent."},
    "last_refused": {"type": ["object", "null"], "required": ["at", "from", "client", "reason"],
      "description": "The last time that somebody who has it was refused: it is expired, revoked, or used from a foreign network.",
      "properties": {"at": {"type": "string", "format": "date-time"}, "from": {"type": "string"}, "client": {"type": "string"},
        "reason": {"enum": ["expired_key", "revoked_key", "key_network"]}}}}},
  "ApiKeyList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {
    "next": {"$ref": "#/components/schemas/Cursor"},
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/ApiKey"}}}},
  "NewApiKey": {"type": "object", "additionalProperties": false, "properties": {
    "name": {"type": "string", "maxLength": "$name"}, "environment": {"enum": ["live", "test"]},
    "permission": {"enum": ["full_access", "sending_access"], "default": "full_access"},
    "from_domains": {"$ref": "#/components/schemas/ApiKeyDomains"},
    "domain_id": {"type": "string", "description": "Of one of the account's domains: the only one to send from."},
    "networks": {"$ref": "#/components/schemas/ApiKeyNetworks"},
    "per_second": {"type": "integer", "minimum": 0, "maximum": "$rate"},
    "expires_at": {"$ref": "#/components/schemas/ApiKeyExpiry"}, "expiresAt": {"$ref": "#/components/schemas/ApiKeyExpiry"},
    "expires_in_days": {"$ref": "#/components/schemas/ApiKeyDays"}, "expiresInDays": {"$ref": "#/components/schemas/ApiKeyDays"}}},
  "ApiKeyDomains": {"type": ["array", "string"], "maxItems": "$domains", "items": {"type": "string"}, "examples": [["example.org"]],
    "description": "What From fields may have; none: all of the account's."},
  "ApiKeyNetworks": {"type": ["array", "string"], "maxItems": "$networks", "items": {"type": "string"},
    "examples": [["192.0.2.0/24"]],
    "description": "Where the key may be used from; none: everywhere."},
  "ApiKeyExpiry": {"type": ["string", "null"], "examples": ["2030-01-31T12:00:00Z"],
    "description": "A date or a time; null: never."},
  "ApiKeyDays": {"type": "integer", "minimum": 1, "maximum": "$days", "description": "Days from now."},
  "CreatedApiKey": {"allOf": [{"$ref": "#/components/schemas/ApiKey"}, {"type": "object", "required": ["token"], "properties": {
    "token": {"type": "string", "description": "the key itself; it is never shown again"}}}]},
  "ApiKeyChanges": {"type": "object", "additionalProperties": false, "properties": {
    "name": {"type": "string", "maxLength": "$name"}, "permission": {"enum": ["full_access", "sending_access"]},
    "from_domains": {"$ref": "#/components/schemas/ApiKeyDomains"}, "networks": {"$ref": "#/components/schemas/ApiKeyNetworks"},
    "per_second": {"type": ["integer", "null"], "minimum": 0, "maximum": "$rate", "description": "null: the plan's."},
    "expires_at": {"$ref": "#/components/schemas/ApiKeyExpiry"}, "expiresAt": {"$ref": "#/components/schemas/ApiKeyExpiry"},
    "expires_in_days": {"$ref": "#/components/schemas/ApiKeyDays"}, "expiresInDays": {"$ref": "#/components/schemas/ApiKeyDays"}}},
  "ApiKeyRotation": {"type": "object", "additionalProperties": false, "properties": {
    "overlap": {"type": "string", "default": "0s", "examples": ["24h"],
      "description": "how long the old key still works, at most 90d"}}},
  "RemovedApiKey": {"type": "object", "required": ["object", "id", "state", "deleted"], "properties": {
    "object": {"const": "api_key"}, "id": {"type": "string"}, "state": {"enum": ["revoked", "deleted"]},
    "deleted": {"const": true}}}
})";

constexpr Parameter kKeyListParameters[] = {limit_parameter(kMaxKeys, kMaxKeys),
                                         {.name = "after", .description = kAfterWords}};
constexpr Parameter kKeyRemovalParameters[] = {
    {.name = "purge", .description = "true: the key is not listed any more.", .values = "true false"}};

// The rows of one path; `operations` name them.
struct KeyRoutes {
  std::string_view list_path;
  std::string_view item_path;
  std::string_view rotation_path;
  std::string_view operations[6];
};

constexpr std::array<Route, 6> rows_of(const KeyRoutes& routes) {
  constexpr std::string_view kTag = "api-keys";
  const auto& [list_path, item_path, rotation_path, operations] = routes;
  return {{
      {.method = Method::Get, .path = list_path, .access = Access::Manage, .body = Body::None, .handler = on_worker<list_keys>,
       .operation = operations[0], .summary = "List keys, newest first", .tag = kTag, .response_schema = "ApiKeyList",
       .parameters = kKeyListParameters},
      {.method = Method::Post, .path = list_path, .access = Access::Manage, .body = Body::Json, .handler = on_worker<create_key>,
       .operation = operations[1], .summary = "Make a key and show it, once", .tag = kTag, .request_schema = "NewApiKey",
       .status = 201, .response_schema = "CreatedApiKey"},
      {.method = Method::Get, .path = item_path, .access = Access::Manage, .body = Body::None, .handler = on_worker<show_key>,
       .operation = operations[2], .summary = "Show a key's policy and last use", .tag = kTag, .response_schema = "ApiKey"},
      {.method = Method::Patch, .path = item_path, .access = Access::Manage, .body = Body::Json, .handler = on_worker<change_key>,
       .operation = operations[3], .summary = "Change a key: what is named, nothing else", .tag = kTag,
       .request_schema = "ApiKeyChanges", .response_schema = "ApiKey", .failures = {409}},
      {.method = Method::Delete, .path = item_path, .access = Access::Manage, .body = Body::None, .handler = on_worker<remove_key>,
       .operation = operations[4], .summary = "Revoke a key at once and for good; with ?purge=true, also forget it", .tag = kTag,
       .response_schema = "RemovedApiKey", .parameters = kKeyRemovalParameters},
      {.method = Method::Post, .path = rotation_path, .access = Access::Manage, .body = Body::Json,
       .handler = on_worker<rotate_key>, .operation = operations[5], .summary = "Make a successor with the same policy",
       .tag = kTag,
       .request_schema = "ApiKeyRotation", .status = 201, .response_schema = "CreatedApiKey", .failures = {409}},
  }};
}

constexpr std::array<Route, 12> make_routes() {
  const auto plain = rows_of({"/v1/api-keys", "/v1/api-keys/:id", "/v1/api-keys/:id/rotate",
                              {"listApiKeys", "createApiKey", "getApiKey", "changeApiKey", "removeApiKey", "rotateApiKey"}});
  const auto nested = rows_of({"/v1/auth/api-keys", "/v1/auth/api-keys/:id", "/v1/auth/api-keys/:id/rotate",
                               {"listAuthApiKeys", "createAuthApiKey", "getAuthApiKey", "changeAuthApiKey", "removeAuthApiKey",
                                "rotateAuthApiKey"}});
  std::array<Route, 12> rows = {plain[0], plain[1], plain[2], plain[3], plain[4], plain[5],
                                nested[0], nested[1], nested[2], nested[3], nested[4], nested[5]};
  for (Route& row : rows) row.serves_domain_keys = true;
  return rows;
}

constexpr std::array<Route, 12> kKeyRoutes = make_routes();

}  // namespace

ApiArea key_api() { return {kKeyRoutes, kKeySchemas, {}, kKeyLimits}; }

}  // namespace postern::api
