#include "api/api.h"

#include "api/cursor.h"
#include "core/check.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace postern::api {
namespace {

// In the order of the enumeration: row_of() indexes it.
constexpr std::array<ApiProblemRow, 20> kProblems = {{
    {ApiProblem::MalformedJson, 400, "malformed_json", "the body is not valid JSON"},
    {ApiProblem::MalformedRequest, 400, "malformed_request", "the request does not follow HTTP/1.1"},
    {ApiProblem::NotFound, 404, "not_found", "there is nothing of that name or id here"},
    {ApiProblem::LinkForged, 403, "link_forged", "this is no link that this server made"},
    {ApiProblem::LinkExpired, 410, "link_expired", "the link has expired: ask for another one"},
    {ApiProblem::MethodNotAllowed, 405, "method_not_allowed", "this path does not take that method: see the Allow field"},
    {ApiProblem::RequestTimeout, 408, "request_timeout", "the request took too long to arrive"},
    {ApiProblem::Conflict, 409, "conflict", "the state of the thing forbids that"},
    {ApiProblem::BodyTooBig, 413, "body_too_big", "the request is bigger than this endpoint takes"},
    {ApiProblem::PathTooLong, 414, "uri_too_long", "the request's target is longer than 8 KiB"},
    {ApiProblem::UnsupportedMediaType, 415, "unsupported_media_type", "send JSON with Content-Type: application/json"},
    {ApiProblem::MisdirectedRequest, 421, "misdirected_request",
     "this server has another name: browsers call it by hostname, public_url, http_hosts or an address"},
    {ApiProblem::ValidationError, 422, "validation_error", "a field of the request is missing or wrong"},
    {ApiProblem::LimitExceeded, 422, "limit_exceeded", "there may be no more of these"},
    {ApiProblem::HeaderFieldsTooLarge, 431, "header_fields_too_large", "the header section is bigger than 16 KiB"},
    {ApiProblem::InvalidCredentials, 401, "invalid_credentials",
     "e-mail address, password or session token is not valid: sign in again"},
    {ApiProblem::SignupClosed, 403, "signup_closed", "this installation makes no accounts by itself: ask the operator"},
    {ApiProblem::CrossSiteRequest, 403, "cross_site_request",
     "a session's cookie serves pages of this server only: no Origin or Sec-Fetch-Site field says that this is one"},
    {ApiProblem::Unavailable, 503, "unavailable", "that cannot be done at the moment: try again later"},
    {ApiProblem::Simulated, 422, kSimulatedName, "a reply that the test key's recipient asked for; the status is the reply's"},
}};

const ApiProblemRow& row_of(ApiProblem problem) {
  const ApiProblemRow& row = kProblems[static_cast<std::size_t>(problem)];
  POSTERN_CHECK(row.problem == problem);
  return row;
}

struct Failure {
  std::uint16_t status;
  std::string_view name;
  std::string_view message;
};

ApiResponse failure_response(const Failure& failure) {
  boost::json::object object;
  object["statusCode"] = failure.status;
  object["name"] = failure.name;
  object["message"] = failure.message;
  object["error"] = failure.message;  // where MailKite's clients look
  ApiResponse response = ApiResponse::json(object, failure.status);
  response.problem = failure.name;
  if (failure.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

void add_wait(ApiResponse& response, std::chrono::seconds wait, std::optional<std::uint64_t> limit) {
  const std::string seconds = std::to_string(wait.count());
  response.headers.emplace_back("Retry-After", seconds);
  if (limit) response.headers.emplace_back("RateLimit-Limit", std::to_string(*limit));
  response.headers.emplace_back("RateLimit-Remaining", "0");
  response.headers.emplace_back("RateLimit-Reset", seconds);
}

std::string_view find_in(std::span<const std::pair<std::string, std::string>> pairs, std::string_view name) {
  const auto found = std::ranges::find(pairs, name, [](const auto& pair) { return std::string_view(pair.first); });
  return found == pairs.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

std::string_view ApiRequest::path_parameter(std::string_view name) const { return find_in(path_parameters, name); }

std::string_view ApiRequest::header(std::string_view lower_case_name) const { return find_in(headers, lower_case_name); }

std::optional<std::string_view> ApiRequest::query_parameter(std::string_view name) const {
  const auto found = std::ranges::find(query, name, [](const auto& pair) { return std::string_view(pair.first); });
  if (found == query.end()) return std::nullopt;
  return found->second;
}

ApiResponse ApiResponse::json(const boost::json::value& value, std::uint16_t status) {
  ApiResponse response;
  response.status = status;
  response.body = boost::json::serialize(value);
  return response;
}

ApiResponse ApiResponse::json_with_secret(const boost::json::object& object, std::string_view name, const Secret& secret,
                                          std::uint16_t status) {
  ApiResponse response = json(object, status);
  response.add_secret(name, secret);
  return response;
}

void ApiResponse::add_secret(std::string_view name, const Secret& secret) {
  std::string longer;
  longer.reserve(body.size() + name.size() + secret.reveal().size() + std::string_view(R"(,"":"")").size());
  longer.append(body, 0, body.size() - 1).append(",\"").append(name).append("\":\"");
  longer.append(secret.reveal()).append("\"}");  // what the request is for
  if (holds_secret) wipe_string(body);
  body = std::move(longer);
  holds_secret = true;
}

boost::json::object page_json(boost::json::array data, const std::optional<std::string>& end) {
  boost::json::object page{{"object", "list"}, {"has_more", end.has_value()}, {"data", std::move(data)}};
  page["next"] = end ? boost::json::value(format_cursor(*end)) : boost::json::value(nullptr);
  return page;
}

Result<std::optional<std::string>> read_position(const ApiRequest& request, std::string_view name) {
  const auto text = request.query_parameter(name);
  if (!text) return std::optional<std::string>();
  auto position = parse_cursor(*text);
  if (!position) return Error(ErrorCode::InvalidArgument, std::string(name) + " is no cursor of a list");
  return position;
}

std::span<const ApiProblemRow> api_problem_table() { return kProblems; }

ApiResponse api_problem(ApiProblem problem, std::string_view detail) {
  const ApiProblemRow& row = row_of(problem);
  return failure_response({row.status, row.name, detail.empty() ? row.text : detail});
}

ApiResponse api_refusal(Refusal refusal, std::string_view detail) {
  const RefusalRow& row = refusal_row(refusal);
  POSTERN_CHECK(row.http_status != 0);
  return failure_response({row.http_status, row.token, detail.empty() ? row.text : detail});
}

ApiResponse api_simulated(std::uint16_t status, std::string_view detail, std::chrono::seconds wait) {
  ApiResponse response = failure_response({status, kSimulatedName, detail});
  if (wait.count() > 0) add_wait(response, wait, {});
  return response;
}

ApiResponse api_fault(http::Fault fault, std::string_view detail) {
  using enum http::Fault;
  switch (fault) {
    case MalformedRequest: return api_problem(ApiProblem::MalformedRequest, detail);
    case RequestTimeout: return api_problem(ApiProblem::RequestTimeout, detail);
    case BodyTooBig: return api_problem(ApiProblem::BodyTooBig, detail);
    case PathTooLong: return api_problem(ApiProblem::PathTooLong, detail);
    case HeaderFieldsTooLarge: return api_problem(ApiProblem::HeaderFieldsTooLarge, detail);
    case Unavailable: return api_problem(ApiProblem::Unavailable, detail);
    case TooManyConnections: return api_refusal(Refusal::TooManyConnections, detail);
  }
  POSTERN_CHECK(false);
  return {};
}

ApiResponse api_refusal_with_wait(Refusal refusal, std::string_view detail, std::chrono::seconds wait,
                                  std::optional<std::uint64_t> limit) {
  ApiResponse response = api_refusal(refusal, detail);
  add_wait(response, wait, limit);
  return response;
}

ApiResponse api_error(const Error& error) {
  switch (error.code()) {
    case ErrorCode::NotFound: return api_problem(ApiProblem::NotFound);
    case ErrorCode::AlreadyExists:
    case ErrorCode::Conflict: return api_problem(ApiProblem::Conflict, error.context());
    case ErrorCode::InvalidArgument:
    case ErrorCode::Malformed: return api_problem(ApiProblem::ValidationError, error.context());
    case ErrorCode::LimitExceeded: return api_problem(ApiProblem::LimitExceeded, error.context());
    case ErrorCode::StorageFull: return api_refusal(Refusal::StorageFull);
    default: return api_problem(ApiProblem::Unavailable);
  }
}

}  // namespace postern::api
