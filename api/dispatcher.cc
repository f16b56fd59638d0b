#include "api/dispatcher.h"

#include "api/cross_origin.h"
#include "api/json_body.h"
#include "api/limits.h"
#include "api/areas.h"
#include "api/openapi.h"
#include "api/representation.h"
#include "api/worker_job.h"
#include "core/bytes.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/refusals.h"
#include "http/gzip.h"
#include "web/browser_rules.h"
#include "web/session_cookie.h"
#include "web/site.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace postern::api {
namespace {

// What a load balancer on another machine asks in the clear; it says nothing about anybody.
constexpr std::string_view kHealthPath = "/healthz";
constexpr std::string_view kMetricsOperation = "getMetrics";
constexpr std::string_view kNoOperation = "none";

// What is asked every few seconds by machines; the metrics count it.
bool asks_of_probes(std::string_view operation) {
  return operation == "getHealth" || operation == "getReadiness" || operation == kMetricsOperation;
}

bool is_probe(const http::RequestOutcome& outcome) {
  const std::string_view operation = outcome.operation;
  const bool is_service = asks_of_probes(operation);
  return is_service && (outcome.status == 200 || outcome.status == 503);
}

// Those of operators are few and far between: they count as none.
std::vector<std::string> operation_names() {
  std::vector<std::string> names;
  for (const ApiArea& area : account_areas()) {
    for (const Route& route : area.routes) names.emplace_back(route.operation);
  }
  names.emplace_back(web::kPageOperation);
  names.emplace_back(kNoOperation);
  return names;
}

std::vector<std::string> problem_names() {
  std::vector<std::string> names;
  for (const RefusalRow& row : refusal_table()) {
    if (row.http_status != 0) names.emplace_back(row.token);
  }
  for (const ApiProblemRow& row : api_problem_table()) names.emplace_back(row.name);
  names.emplace_back(kSimulatedName);
  names.emplace_back("other");
  return names;
}

// Those that an answer may have; a test key's recipient may ask for any.
constexpr std::array<std::uint16_t, 25> kStatuses = {200, 201, 202, 204, 206, 303, 304, 400, 401, 403, 404, 405,
                                                     408, 409, 413, 414, 415, 421, 422, 429, 431, 500, 503, 505, 507};

std::vector<std::string> status_names() {
  std::vector<std::string> names;
  for (const std::uint16_t status : kStatuses) names.push_back(std::to_string(status));
  names.emplace_back("other");
  return names;
}

std::size_t place_of_status(std::uint16_t status) {
  return static_cast<std::size_t>(std::ranges::find(kStatuses, status) - kStatuses.begin());
}

metrics::Counter http_requests("postern_http_requests_total", "HTTP requests answered, by operation and status.",
                               {{"operation", operation_names()}, {"status", status_names()}}, metrics::Zeros::Hidden);
metrics::Histogram http_durations("postern_http_request_duration_seconds",
                                  "From the first octet of a request to the last of its response.",
                                  metrics::short_durations(), metrics::Unit::Seconds, {{"operation", operation_names()}},
                                  metrics::Zeros::Hidden);
metrics::Counter http_refusals("postern_refusals_total",
                               "Refused, by door and token: requests over HTTP; credentials, senders, recipients and messages "
                               "over SMTP.",
                               {{"door", {"http"}}, {"token", problem_names()}}, metrics::Zeros::Hidden);

// In constant time but for the length.
bool is_metrics_token(const std::optional<Secret>& authorization, const Secret& token) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization) return false;
  const std::string_view given = authorization->reveal();  // compared only, as is the token
  const std::string_view wanted = token.reveal();
  if (given.size() != kScheme.size() + wanted.size()) return false;
  if (!equals_ignoring_case(given.substr(0, kScheme.size()), kScheme)) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    difference |= static_cast<unsigned char>(given[kScheme.size() + i]) ^ static_cast<unsigned char>(wanted[i]);
  }
  return difference == 0;
}

bool is_in_the_clear(const http::PeerFacts& peer) { return peer.tls.empty() && !peer.is_local; }

std::string base_url(const http::PeerFacts& peer, const std::string& host, const std::string& hostname) {
  return (peer.tls.empty() ? "http://" : "https://") + (host.empty() ? hostname : host);
}

// A body that was read, or why not.
struct ParsedBody {
  std::optional<boost::json::value> value;
  std::optional<ApiResponse> refused;
};

// What it points to outlives it.
struct BodyParser {
  const BodyNames* names;
  std::string_view schema;
  const std::string* text;

  ParsedBody operator()() const {
    auto value = parse_json_body(*text);
    if (!value) return {{}, api_problem(ApiProblem::MalformedJson, value.error().context())};
    try {
      const auto problem = names->settle(schema, *value);
      if (problem) return {{}, api_problem(ApiProblem::ValidationError, *problem)};
    } catch (const std::bad_alloc&) {  // the body's own bound
      return {{}, api_problem(ApiProblem::MalformedJson)};
    }
    return {std::move(*value), {}};
  }
};

}  // namespace

class Dispatcher::RoutedExchange final : public http::Exchange {
 public:
  RoutedExchange(Dispatcher& dispatcher, const http::PeerFacts& peer) : dispatcher_(dispatcher), peer_(peer) {}

  net::Awaitable<std::optional<http::Response>> begin(http::RequestHead& head) override;
  std::size_t max_body_octets() const override {
    return api::max_body_octets(route_->body_size, dispatcher_.context_.settings.max_message_octets);
  }
  net::Awaitable<http::Response> answer(std::string body) override;
  std::optional<IpAddress> client() const override { return peer_.address; }

  AccountId account() const override { return request_.caller.account; }
  std::string_view operation() const override { return route_ == nullptr ? std::string_view() : route_->operation; }
  std::optional<KeyId> key() const override {
    return request_.caller.key ? std::optional(request_.caller.key->key) : std::nullopt;
  }

 private:
  net::Awaitable<std::optional<ApiResponse>> pass_gates(http::RequestHead& head);
  void complete(ApiResponse& response) const;
  void add_rate(ApiResponse& response) const;
  std::optional<ApiResponse> find_route(const http::RequestHead& head);
  bool may_see_metrics(const http::RequestHead& head) const;
  std::optional<ApiResponse> count_request();
  std::optional<ApiResponse> check_parameters(const http::RequestHead& head) const;
  std::optional<ApiResponse> count_stranger();
  std::optional<ApiResponse> check_scope() const;
  void fill_request(http::RequestHead& head);
  std::optional<ApiResponse> judge_browser(const http::RequestHead& head) const;
  net::Awaitable<std::optional<ApiResponse>> authenticate(http::RequestHead& head);
  net::Awaitable<std::optional<ApiResponse>> parse_json();

  Dispatcher& dispatcher_;
  http::PeerFacts peer_;
  const Route* route_ = nullptr;
  ApiRequest request_;
  bool is_admitted_ = false;           // the caller is known
  std::optional<std::string> origin_;  // of a page that may read the answer
  std::optional<Secret> cookie_;       // of a session
};

net::Awaitable<std::optional<http::Response>> Dispatcher::RoutedExchange::begin(http::RequestHead& head) {
  peer_ = http::client_behind(dispatcher_.context_.settings.proxies, peer_, head.fields);
  origin_ = allowed_origin(dispatcher_.context_.settings.cors_origins, head.field("origin"));
  auto refused = co_await pass_gates(head);
  if (!refused) co_return std::nullopt;
  complete(*refused);
  co_return std::move(*refused);
}

// Messages a second where the request sends some, else requests a second. A refusal by a rate says it itself.
void Dispatcher::RoutedExchange::add_rate(ApiResponse& response) const {
  const auto says_it = [](const auto& field) { return field.first.starts_with("RateLimit-"); };
  if (std::ranges::any_of(response.headers, says_it)) return;
  const Instant now = dispatcher_.context_.clock.now();
  const Caller& caller = request_.caller;
  submission::QuotaTable::RateLeft rate;
  if (!route_->has_plan_rate) {
    rate = {dispatcher_.request_rate_.per_second(caller, false), dispatcher_.request_rate_.left(caller, now)};
  } else if (caller.key && !caller.has_test_key()) {
    const auto left = dispatcher_.context_.submission.quota.rate_left(caller.account, caller.key->plan, caller.key->key,
                                                                      caller.key->key_per_second, now);
    if (!left) return;
    rate = *left;
  } else {
    return;
  }
  response.headers.emplace_back("RateLimit-Limit", std::to_string(rate.limit));
  response.headers.emplace_back("RateLimit-Remaining", std::to_string(rate.left));
  response.headers.emplace_back("RateLimit-Reset", rate.left < rate.limit ? "1" : "0");
}

// What goes with every answer, refusals too.
void Dispatcher::RoutedExchange::complete(ApiResponse& response) const {
  if (is_admitted_) add_rate(response);
  if (origin_) allow_origin(response, *origin_);
}

net::Awaitable<std::optional<ApiResponse>> Dispatcher::RoutedExchange::pass_gates(http::RequestHead& head) {
  const bool is_preflight = origin_ && head.method == "OPTIONS" && !head.field("access-control-request-method").empty();
  if (is_preflight) co_return preflight_answer();
  if (is_in_the_clear(peer_) && head.target.path != kHealthPath) co_return api_refusal(Refusal::TlsRequired);
  std::optional<ApiResponse> refused = find_route(head);
  if (refused) co_return refused;
  if (route_->operation == kMetricsOperation && !may_see_metrics(head)) {
    co_return api_refusal(Refusal::PermissionDenied, "metrics are for this machine only, or for who has the token for them");
  }
  cookie_ = web::take_session_cookie(head.fields, !peer_.tls.empty());
  const bool is_of_browser = route_->is_for_browsers || (route_->access != Access::Open && cookie_ && !head.authorization);
  if (is_of_browser) refused = judge_browser(head);
  if (refused) co_return refused;
  if (route_->access != Access::Open) {
    if (dispatcher_.state_.is_draining) co_return api_refusal(Refusal::ShuttingDown);
    refused = co_await authenticate(head);
    if (!refused) refused = count_request();
    if (!refused) refused = check_scope();
    if (refused) co_return refused;
  } else if (refused = count_stranger(); refused) {
    co_return refused;
  }
  refused = check_parameters(head);
  if (refused) co_return refused;
  const std::string_view coding = head.field("content-encoding");
  const bool is_coded = head.has_body() && !coding.empty() && !equals_ignoring_case(coding, "identity");
  if (is_coded) co_return api_problem(ApiProblem::UnsupportedMediaType, "send the body as it is, without Content-Encoding");
  const bool has_foreign_body = head.has_body() && !is_json_content_type(head.field("content-type"));
  if (route_->body == Body::Json && has_foreign_body) co_return api_problem(ApiProblem::UnsupportedMediaType);
  fill_request(head);
  co_return std::nullopt;
}

std::optional<ApiResponse> Dispatcher::RoutedExchange::find_route(const http::RequestHead& head) {
  RouteAnswer answer = dispatcher_.router_.find(head.method, head.target);
  if (const auto* wrong = std::get_if<WrongMethod>(&answer)) {
    ApiResponse response = api_problem(ApiProblem::MethodNotAllowed);
    response.headers.emplace_back("Allow", wrong->allow);
    return response;
  }
  auto* match = std::get_if<RouteMatch>(&answer);
  if (match == nullptr) {
    return api_problem(ApiProblem::NotFound, "nothing has that path: the API is at /v1, and /openapi.json describes it");
  }
  route_ = match->route;
  request_.path_parameters = std::move(match->path_parameters);
  return std::nullopt;
}

// What probes ask of open routes keeps its answer, whatever they write behind it.
std::optional<ApiResponse> Dispatcher::RoutedExchange::check_parameters(const http::RequestHead& head) const {
  if (route_->access == Access::Open && route_->method == Method::Get) return std::nullopt;
  const auto problem = unknown_parameter(*route_, head.target.query);
  return problem ? std::optional(api_problem(ApiProblem::ValidationError, *problem)) : std::nullopt;
}

// A browser sends a cookie whoever asks it to: it counts only for a page of this server under a name of its own.
std::optional<ApiResponse> Dispatcher::RoutedExchange::judge_browser(const http::RequestHead& head) const {
  if (!web::is_known_host(head.host, dispatcher_.context_.settings.hosts)) return api_problem(ApiProblem::MisdirectedRequest);
  const web::BrowserFacts facts{.origin = head.field("origin"),
                                .fetch_site = head.field("sec-fetch-site"),
                                .host = head.host,
                                .is_encrypted = !peer_.tls.empty(),
                                .changes_state = route_->method != Method::Get};
  return web::is_from_own_page(facts) ? std::nullopt : std::optional(api_problem(ApiProblem::CrossSiteRequest));
}

net::Awaitable<std::optional<ApiResponse>> Dispatcher::RoutedExchange::authenticate(http::RequestHead& head) {
  CredentialFacts facts{.authorization = std::move(head.authorization),
                        .cookie = std::move(cookie_),
                        .peer = peer_.address,
                        .user_agent = head.field("user-agent"),
                        .may_be_basic = route_->takes_basic,
                        .acting_key = {}};
  for (const auto& [name, value] : head.target.query) {
    if (name == kActingKey.name) facts.acting_key = value;
  }
  std::variant<Caller, ApiResponse> admitted = co_await dispatcher_.auth_filter_.admit(route_->access, std::move(facts));
  if (auto* refused = std::get_if<ApiResponse>(&admitted)) co_return std::move(*refused);
  request_.caller = std::move(std::get<Caller>(admitted));
  is_admitted_ = true;
  co_return std::nullopt;
}

bool Dispatcher::RoutedExchange::may_see_metrics(const http::RequestHead& head) const {
  const Secret& token = dispatcher_.context_.settings.metrics_token;
  return token.empty() ? peer_.is_local : is_metrics_token(head.authorization, token);
}

std::optional<ApiResponse> Dispatcher::RoutedExchange::count_request() {
  RequestRate& rate = dispatcher_.request_rate_;
  const bool is_sending = route_->has_plan_rate;
  const auto wait = rate.take(request_.caller, is_sending, dispatcher_.context_.clock.now());
  if (!wait) return std::nullopt;
  const std::string detail = "too many requests a second: wait " + std::to_string(wait->count()) + " s";
  return api_refusal_with_wait(Refusal::RateLimited, detail, *wait,
                               rate.per_second(request_.caller, is_sending));
}

// A probe is never told to wait: whoever asks whether the service is well is told so.
std::optional<ApiResponse> Dispatcher::RoutedExchange::count_stranger() {
  if (asks_of_probes(route_->operation)) return std::nullopt;
  const auto wait = dispatcher_.open_rate_.take(peer_.address, 1, dispatcher_.context_.clock.now());
  if (!wait) return std::nullopt;
  const std::string detail = "too many requests a second from this address: wait " + std::to_string(wait->count()) + " s";
  return api_refusal_with_wait(Refusal::RateLimited, detail, *wait, kOpenRequestsPerSecond);
}

// What a key may do through management is bounded by what it may do: the account's other things are not for one domain's key.
std::optional<ApiResponse> Dispatcher::RoutedExchange::check_scope() const {
  if (route_->access != Access::Manage || route_->serves_domain_keys || !request_.caller.has_domain_key()) return std::nullopt;
  return api_refusal(Refusal::PermissionDenied, "a key that is limited to From domains sees and manages what is of them only");
}

void Dispatcher::RoutedExchange::fill_request(http::RequestHead& head) {
  request_.method = route_->method;
  request_.is_head = head.method == "HEAD";
  request_.path = std::move(head.target.path);
  request_.query = std::move(head.target.query);
  request_.headers = std::move(head.fields);
  request_.peer = peer_.address;
  request_.peer_port = peer_.port;
  request_.is_peer_local = peer_.is_local;
  request_.tls = peer_.tls;
  request_.base_url = base_url(peer_, head.host, dispatcher_.context_.settings.hostname);
}

net::Awaitable<http::Response> Dispatcher::RoutedExchange::answer(std::string body) {
  if (route_->body == Body::Json) {
    request_.body = std::move(body);
    std::optional<ApiResponse> refused = co_await parse_json();
    if (refused) complete(*refused);
    if (refused) co_return std::move(*refused);
  }
  ApiResponse response = co_await route_->handler(dispatcher_.context_, request_);
  complete(response);
  if (route_->access == Access::Open && response.body.size() > kOpenOctetsOfOne) {
    dispatcher_.open_rate_.take(peer_.address, static_cast<double>(response.body.size()) / kOpenOctetsOfOne,
                                dispatcher_.context_.clock.now());
  }
  co_return response;
}

// A big body would keep the other connections of this thread waiting: a worker parses it.
net::Awaitable<std::optional<ApiResponse>> Dispatcher::RoutedExchange::parse_json() {
  if (request_.body.empty()) co_return std::nullopt;
  std::optional<ParsedBody> parsed;
  const BodyParser read{dispatcher_.names_.get(), route_->request_schema, &request_.body};
  if (request_.body.size() <= kMaxInlineJsonOctets) {
    parsed = read();
  } else {
    auto job = read;
    ApiContext& context = dispatcher_.context_;
    auto done = co_await run_in_turn(context.turns, context.workers, request_.caller.account, std::move(job));
    if (!done) co_return api_problem(ApiProblem::Unavailable);
    parsed = std::move(*done);
  }
  if (route_->body_size == BodySize::Small) wipe_string(request_.body);  // who signs in sends a password
  if (parsed->refused) co_return std::move(parsed->refused);
  // Assigned it would be copied into memory that nobody wipes: a value stays in the memory it was made in.
  std::destroy_at(&request_.json);
  std::construct_at(&request_.json, std::move(*parsed->value));
  co_return std::nullopt;
}

Dispatcher::Dispatcher(ApiContext& context, std::span<const ApiArea> areas)
    : context_(context), router_(areas), auth_filter_(context), request_rate_(context.settings.requests_per_second) {
  const boost::json::object openapi = make_openapi(areas);
  state_.openapi = boost::json::serialize(openapi);
  names_ = std::make_unique<const BodyNames>(openapi.at("components").at("schemas").get_object());
  state_.openapi_gzip = http::gzip(state_.openapi);
  state_.openapi_etag = entity_tag(state_.openapi);
  context_.service = &state_;
}

Dispatcher::~Dispatcher() { context_.service = nullptr; }

std::unique_ptr<http::Exchange> Dispatcher::open_exchange(const http::PeerFacts& peer) {
  return std::make_unique<RoutedExchange>(*this, peer);
}

void Dispatcher::request_ended(const http::RequestOutcome& outcome) {
  const std::string_view operation = outcome.operation.empty() ? kNoOperation : outcome.operation;
  const std::size_t place = http_durations.place_of(operation);
  http_requests.at(place, place_of_status(outcome.status)).add();
  http_durations.at(place).observe(outcome.lasted);
  if (!outcome.problem.empty()) http_refusals.at_value(outcome.problem).add();
  log::write(is_probe(outcome) ? log::Level::Debug : log::Level::Info, "http_request",
             {{"method", outcome.method},
              {"operation", operation},
              {"status", static_cast<int>(outcome.status)},
              {"problem", outcome.problem},
              {"ms", std::int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(outcome.lasted).count()}},
              {"peer", format_ip_address(outcome.peer)},
              {"key", outcome.key ? format_id(*outcome.key) : std::string()},
              {"request", outcome.request_id}});
}

}  // namespace postern::api
