// What an endpoint is: one row of a table, and a coroutine from request to response. The rows make the router, the permission
// check and openapi.json.
#pragma once

#include "api/body_limits.h"
#include "auth/principal.h"
#include "auth/session_token.h"
#include "store/records.h"
#include "core/error.h"
#include "core/ids.h"
#include "core/ip_address.h"
#include "core/refusals.h"
#include "core/secret.h"
#include "http/message.h"
#include "net/awaitable.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::api {

struct ApiContext;  // api/api_context.h

using http::Method;

enum class Access {
  Open,    // no credential: session endpoints, health, openapi.json
  Send,    // an API key of either permission
  Manage,  // a full_access key, or a signed-in user
  Operate, // a signed-in user who operates the installation
};

// Who asks. Of a key or of a user; the account is the same kind of thing for both.
struct Caller {
  AccountId account;
  std::optional<auth::Principal> key;  // fresh: looked up for this request
  std::optional<UserId> user;
  auth::SessionClaims session;         // of a user with a token
  std::optional<store::SessionRecord> browser = {};  // of who signed in at a browser, with a user or a key
  std::string name = {};               // for people: the user's address, or the key's name
  bool is_operator = false;            // of the installation

  // In many hands: it has to do with test messages only.
  bool has_test_key() const { return key && key->environment == Environment::Test; }
  // It has to do with mail from its own From domains only.
  bool has_domain_key() const { return key && key->has_own_domains; }
};

struct ApiRequest {
  Method method = Method::Get;
  std::string path;                                          // decoded, without the query
  std::vector<std::pair<std::string, std::string>> path_parameters;  // ":id" → its value
  std::vector<std::pair<std::string, std::string>> query;    // decoded
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case; without Authorization
  std::string body;
  boost::json::value json;  // the parsed body where the route takes JSON; null without a body
  Caller caller;            // meaningless for Access::Open
  IpAddress peer;
  std::uint16_t peer_port = 0;
  bool is_peer_local = false;  // on this machine, and not only its proxy is
  bool is_head = false;        // HEAD: the response's body is not sent
  std::string tls;          // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty in the clear
  std::string base_url;     // "https://relay.example.net:8443", from the Host field, for links

  // Empty if there is none; views into this request.
  std::string_view path_parameter(std::string_view name) const;
  std::string_view header(std::string_view lower_case_name) const;
  std::optional<std::string_view> query_parameter(std::string_view name) const;
};

struct ApiResponse : http::Response {
  static ApiResponse json(const boost::json::value& value, std::uint16_t status = 200);
  // `object`, which is not empty, with one more member behind the others. `secret`: nothing that JSON escapes. No copy of it is
  // left outside the body.
  static ApiResponse json_with_secret(const boost::json::object& object, std::string_view name, const Secret& secret,
                                      std::uint16_t status = 200);
  // One more of them, into a body that json_with_secret() made.
  void add_secret(std::string_view name, const Secret& secret);
};

// A page of a list as all of them are answered. `end`: behind what the next page goes on; nullopt: there is none.
boost::json::object page_json(boost::json::array data, const std::optional<std::string>& end);
// The position that a request's cursor names ("after", "before"), by id or address too; nullopt: none. InvalidArgument.
Result<std::optional<std::string>> read_position(const ApiRequest& request, std::string_view name);

// Failures that are no refusal of the product's table: what is wrong with the request itself. Resend's names where it has one.
enum class ApiProblem {
  MalformedJson,         // 400 malformed_json
  MalformedRequest,      // 400 malformed_request
  NotFound,              // 404 not_found
  LinkForged,            // 403 link_forged
  LinkExpired,           // 410 link_expired
  MethodNotAllowed,      // 405 method_not_allowed
  RequestTimeout,        // 408 request_timeout
  Conflict,              // 409 conflict
  BodyTooBig,            // 413 body_too_big
  PathTooLong,           // 414 uri_too_long
  UnsupportedMediaType,  // 415 unsupported_media_type
  MisdirectedRequest,    // 421 misdirected_request
  ValidationError,       // 422 validation_error
  LimitExceeded,         // 422 limit_exceeded
  HeaderFieldsTooLarge,  // 431 header_fields_too_large
  InvalidCredentials,    // 401 invalid_credentials: e-mail and password, or a session token
  SignupClosed,          // 403 signup_closed
  CrossSiteRequest,      // 403 cross_site_request
  Unavailable,           // 503 unavailable
  Simulated,             // simulated, with the status of the reply that a test key asked for
};
inline constexpr std::string_view kSimulatedName = "simulated";
struct ApiProblemRow {
  ApiProblem problem;
  std::uint16_t status;
  std::string_view name;
  std::string_view text;  // what was wrong and what to do
};
std::span<const ApiProblemRow> api_problem_table();

// {"statusCode": 422, "name": "…", "message": "…", "error": the same}; a non-empty `detail` replaces the table's text. With
// WWW-Authenticate for 401. The one place where a failure becomes HTTP.
ApiResponse api_problem(ApiProblem problem, std::string_view detail = {});
ApiResponse api_refusal(Refusal refusal, std::string_view detail = {});
// What the wire found; a non-empty `detail` as above.
ApiResponse api_fault(http::Fault fault, std::string_view detail = {});
// The same with Retry-After and RateLimit fields; RateLimit-Limit where the client may know the limit.
ApiResponse api_refusal_with_wait(Refusal refusal, std::string_view detail, std::chrono::seconds wait,
                                  std::optional<std::uint64_t> limit = {});
// A reply that a test key's recipient asked for; with Retry-After where there is a wait.
ApiResponse api_simulated(std::uint16_t status, std::string_view detail, std::chrono::seconds wait);
// What an Error of the store or of an admin class means: NotFound 404, Conflict and AlreadyExists 409, InvalidArgument 422,
// LimitExceeded 422, StorageFull 507, the rest 503 without its context.
ApiResponse api_error(const Error& error);

using Handler = net::Awaitable<ApiResponse> (*)(ApiContext& context, ApiRequest& request);

enum class Body { None, Json };

// What a request may carry beside its path and body: a parameter of the query, or a field of the head. Handlers hold to it; the
// rows make openapi.json and docs/http-api.md.
struct Parameter {
  std::string_view name;
  std::string_view description;
  std::string_view type = "string";         // JSON Schema's word
  std::uint64_t least = 0;                  // of an integer; the characters of a string
  std::uint64_t most = 0;                   // 0: unbounded but by the head's limits
  std::optional<std::uint64_t> otherwise = {};  // of an integer where it is absent
  std::string_view values = {};             // the only ones, a blank between two
  std::string_view format = {};             // JSON Schema's word
  bool is_required = false;
  bool is_header = false;
};

// "limit" of a list's page; api/request_fields reads it.
inline constexpr std::string_view kAfterWords = "The `next` of the page before.";
constexpr Parameter limit_parameter(std::size_t most, std::size_t otherwise) {
  return {.name = "limit",
          .description = "How many to list at most.",
          .type = "integer",
          .least = 1,
          .most = most,
          .otherwise = otherwise};
}

// Of requests that send: who signed in has no rights to send of his own.
inline constexpr Parameter kActingKey = {
    .name = "api_key_id", .description = "Of who signed in: which of the account's keys sends. It all goes by that key's rules."};

struct Route {
  Method method;
  std::string_view path;         // "/v1/emails/:id/raw"
  Access access;
  Body body = Body::None;
  Handler handler;
  std::string_view operation;    // "getEmailRaw": operationId, metric label
  std::string_view summary;
  std::string_view tag = {};     // "emails"
  std::string_view request_schema = {};   // a name among the area's schemas
  std::uint16_t status = 200;             // of success
  std::string_view response_schema = {};  // empty: not JSON
  BodySize body_size = BodySize::Small;
  std::string_view other_content = {};    // a media type that success may have beside JSON, or instead of it
  std::span<const Parameter> parameters = {};
  std::array<std::uint16_t, 2> failures = {};  // statuses that its kind of row does not have anyway; 0: none
  bool serves_domain_keys = false;  // also keys limited to From domains: the handler keeps to their mail. Others are refused here
  bool is_for_browsers = false;  // without a credential, and yet for pages of this server only: it opens a session
  bool takes_basic = false;  // a key as the password of RFC 7617, too: for clients of other products' APIs
  bool has_plan_rate = false;  // its messages have the plan's rate, and its requests one of their own (api/request_rate)
};

// What webhooks get of one type of events: a section of openapi.json.
struct WebhookRow {
  std::string_view type;    // "email.sent"
  std::string_view schema;  // a name among the area's schemas
};

// One file of endpoints: its rows and its JSON Schemas ({"Name": {…}, …} as text; "#/components/schemas/Name" refers to one).
// A bound that a schema says by name, `"maxItems": "$key_domains"`: the same constant that the code goes by.
struct SchemaLimit {
  std::string_view name;
  std::uint64_t value;
};

struct ApiArea {
  std::span<const Route> routes;
  std::string_view schemas;
  std::span<const WebhookRow> webhooks = {};
  std::span<const SchemaLimit> limits = {};  // of its schemas
};

// Each is defined in http/api_<area>.cc.
ApiArea session_api();
ApiArea member_api();
ApiArea key_api();
ApiArea email_api();
ApiArea preview_api();
ApiArea sandbox_api();
ApiArea domain_api();
ApiArea confirmation_api();
ApiArea event_api();
ApiArea webhook_api();
ApiArea suppression_api();
ApiArea unsubscribe_api();
ApiArea usage_api();
ApiArea stats_api();
ApiArea audit_api();
ApiArea refusal_api();
ApiArea inbound_api();
ApiArea receiving_api();
ApiArea mailkite_api();
ApiArea explain_api();
ApiArea service_api();  // /healthz, /readyz, /metrics, /openapi.json

}  // namespace postern::api
