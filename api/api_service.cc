// /, /healthz, /readyz, /metrics, /openapi.json: for load balancers, Prometheus and whoever writes a client.
#include "api/api.h"
#include "api/api_context.h"
#include "api/representation.h"
#include "api/service_state.h"
#include "http/gzip.h"
#include "core/metrics.h"

#include <boost/json/object.hpp>

namespace postern::api {
namespace {

ApiResponse status_response(std::string_view status) { return ApiResponse::json(boost::json::object{{"status", status}}); }

net::Awaitable<ApiResponse> get_health(ApiContext&, ApiRequest&) { co_return status_response("ok"); }

// A node that lags takes mail all the same: who balances may prefer others.
boost::json::object standing_json(const ClusterStanding& standing) {
  boost::json::value age;
  if (standing.age) age = std::chrono::duration_cast<std::chrono::seconds>(*standing.age).count();
  return {{"version", standing.version}, {"followed", standing.is_followed}, {"age_seconds", age}};
}

// Ready: the store reads, takes mail, and the server is not going down.
net::Awaitable<ApiResponse> get_readiness(ApiContext& context, ApiRequest&) {
  const bool is_draining = context.service == nullptr || context.service->is_draining;
  if (is_draining) co_return api_problem(ApiProblem::Unavailable, "the server is going down");
  const auto looked_up = context.store.directory().find_account(AccountId{});
  if (!looked_up) co_return api_problem(ApiProblem::Unavailable, "the directory cannot be read");
  if (!context.store.spool().can_accept()) co_return api_problem(ApiProblem::Unavailable, "the spool takes no mail");
  boost::json::object ready{{"status", "ready"}};
  if (context.cluster) ready["cluster"] = standing_json(context.cluster());
  co_return ApiResponse::json(std::move(ready));
}

// Of the whole installation, so no account's credential opens it: the dispatcher has asked for the operator's token, or, without
// one, whether the client is on this machine.
net::Awaitable<ApiResponse> get_metrics(ApiContext&, ApiRequest& request) {
  ApiResponse response;
  response.content_type = metrics::kContentType;
  response.body = metrics::text();
  settle_representation(request, response);
  co_return response;
}

// For whoever opens the base address and looks round.
net::Awaitable<ApiResponse> get_root(ApiContext&, ApiRequest& request) {
  co_return ApiResponse::json(
      boost::json::object{{"name", "Postern"}, {"api", request.base_url + "/v1"}, {"openapi", request.base_url + "/openapi.json"}});
}

// It is the same for everybody until the next version: whoever has it is told so, and whoever takes gzip gets a tenth of it.
net::Awaitable<ApiResponse> get_openapi(ApiContext& context, ApiRequest& request) {
  ApiResponse response;
  if (context.service == nullptr) co_return response;
  const ServiceState& service = *context.service;
  response.headers = {{"ETag", service.openapi_etag}, {"Cache-Control", "no-cache"}, {"Vary", "Accept-Encoding"}};
  if (names_entity_tag(request.header("if-none-match"), service.openapi_etag)) {
    response.status = 304;
  } else if (http::accepts_gzip(request.header("accept-encoding"))) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = service.openapi_gzip;
  } else {
    response.body = service.openapi;
  }
  co_return response;
}

constexpr Route kServiceRoutes[] = {
    {.method = Method::Get, .path = "/healthz", .access = Access::Open, .body = Body::None, .handler = get_health,
     .operation = "getHealth", .summary = "The process serves requests", .tag = "service", .response_schema = "ServiceStatus"},
    {.method = Method::Get, .path = "/readyz", .access = Access::Open, .body = Body::None, .handler = get_readiness,
     .operation = "getReadiness", .summary = "The relay takes mail; 503 if it cannot or is going down", .tag = "service",
     .response_schema = "ServiceStatus", .failures = {503}},
    {.method = Method::Get, .path = "/metrics", .access = Access::Open, .body = Body::None, .handler = get_metrics,
     .operation = "getMetrics", .summary = "Prometheus metrics, for clients on the same machine or with the token for them",
     .tag = "service", .other_content = "text/plain", .failures = {403}},
    {.method = Method::Get, .path = "/", .access = Access::Open, .body = Body::None, .handler = get_root,
     .operation = "getRoot", .summary = "Where the API and its description are", .tag = "service",
     .response_schema = "ServiceRoot"},
    {.method = Method::Get, .path = "/openapi.json", .access = Access::Open, .body = Body::None, .handler = get_openapi,
     .operation = "getOpenapi", .summary = "This document", .tag = "service", .response_schema = "OpenapiDocument"},
};

constexpr std::string_view kServiceSchemas = R"({
  "ServiceStatus": {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"type": "string", "enum": ["ok", "ready"]},
                   "cluster": {"type": "object", "required": ["version", "followed", "age_seconds"],
                               "description": "How far this machine is in what it shares with others; absent on one machine.",
                               "properties": {"version": {"type": "integer"}, "followed": {"type": "boolean"},
                                              "age_seconds": {"type": ["integer", "null"]}}}}
  },
  "ServiceRoot": {
    "type": "object",
    "required": ["name", "api", "openapi"],
    "properties": {"name": {"const": "Postern"}, "api": {"type": "string", "format": "uri"},
                   "openapi": {"type": "string", "format": "uri"}}
  },
  "OpenapiDocument": {"type": "object", "required": ["openapi", "info", "paths", "components"], "additionalProperties": true}
})";

}  // namespace

ApiArea service_api() { return {kServiceRoutes, kServiceSchemas}; }

}  // namespace postern::api
