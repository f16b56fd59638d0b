#include "http/dispatcher.h"

#include "core/log.h"
#include "http/json_body.h"
#include "http/limits.h"
#include "http/metrics.h"
#include "http/openapi.h"

#include <boost/json/serialize.hpp>

#include <memory>
#include <utility>

namespace postern::http {
namespace {

// What a load balancer on another machine asks in the clear; it says nothing about anybody.
constexpr std::string_view kHealthPath = "/healthz";

bool is_in_the_clear(const PeerFacts& peer) { return peer.tls.empty() && !peer.is_local; }

std::string base_url(const PeerFacts& peer, const std::string& host, const std::string& hostname) {
  return (peer.tls.empty() ? "http://" : "https://") + (host.empty() ? hostname : host);
}

}  // namespace

class Dispatcher::RoutedExchange final : public Exchange {
 public:
  RoutedExchange(Dispatcher& dispatcher, const PeerFacts& peer) : dispatcher_(dispatcher), peer_(peer) {}

  net::Awaitable<std::optional<ApiResponse>> begin(RequestHead& head) override;
  std::size_t max_body_octets() const override {
    return http::max_body_octets(route_->body_size, dispatcher_.context_.settings.max_message_octets);
  }
  net::Awaitable<ApiResponse> answer(std::string body) override;

  std::string_view operation() const override { return route_ == nullptr ? std::string_view() : route_->operation; }
  std::optional<KeyId> key() const override {
    return request_.caller.key ? std::optional(request_.caller.key->key) : std::nullopt;
  }

 private:
  std::optional<ApiResponse> find_route(const RequestHead& head);
  std::optional<ApiResponse> count_request();
  void fill_request(RequestHead& head);
  net::Awaitable<std::optional<ApiResponse>> authenticate(RequestHead& head);
  net::Awaitable<std::optional<ApiResponse>> parse_json();

  Dispatcher& dispatcher_;
  PeerFacts peer_;
  const Route* route_ = nullptr;
  ApiRequest request_;
};

net::Awaitable<std::optional<ApiResponse>> Dispatcher::RoutedExchange::begin(RequestHead& head) {
  if (is_in_the_clear(peer_) && head.target.path != kHealthPath) co_return api_refusal(Refusal::TlsRequired);
  std::optional<ApiResponse> refused = find_route(head);
  if (refused) co_return refused;
  if (route_->access != Access::Open) {
    if (dispatcher_.state_.is_draining) co_return api_refusal(Refusal::ShuttingDown);
    refused = co_await authenticate(head);
    if (!refused) refused = count_request();
    if (refused) co_return refused;
  }
  const bool has_foreign_body = head.has_body() && !is_json_content_type(head.field("content-type"));
  if (route_->body == Body::Json && has_foreign_body) co_return api_problem(ApiProblem::UnsupportedMediaType);
  fill_request(head);
  co_return std::nullopt;
}

std::optional<ApiResponse> Dispatcher::RoutedExchange::find_route(const RequestHead& head) {
  RouteAnswer answer = dispatcher_.router_.find(head.method, head.target);
  if (const auto* wrong = std::get_if<WrongMethod>(&answer)) {
    ApiResponse response = api_problem(ApiProblem::MethodNotAllowed);
    response.headers.emplace_back("Allow", wrong->allow);
    return response;
  }
  auto* match = std::get_if<RouteMatch>(&answer);
  if (match == nullptr) return api_problem(ApiProblem::NotFound);
  route_ = match->route;
  request_.path_parameters = std::move(match->path_parameters);
  return std::nullopt;
}

net::Awaitable<std::optional<ApiResponse>> Dispatcher::RoutedExchange::authenticate(RequestHead& head) {
  CredentialFacts facts{
      .authorization = std::move(head.authorization), .peer = peer_.address, .user_agent = head.field("user-agent")};
  std::variant<Caller, ApiResponse> admitted = co_await dispatcher_.auth_filter_.admit(route_->access, std::move(facts));
  if (auto* refused = std::get_if<ApiResponse>(&admitted)) co_return std::move(*refused);
  request_.caller = std::move(std::get<Caller>(admitted));
  co_return std::nullopt;
}

std::optional<ApiResponse> Dispatcher::RoutedExchange::count_request() {
  if (route_->has_plan_rate) return std::nullopt;
  RequestRate& rate = dispatcher_.request_rate_;
  const auto wait = rate.take(request_.caller, dispatcher_.context_.clock.now());
  if (!wait) return std::nullopt;
  const std::string detail = "too many requests a second: wait " + std::to_string(wait->count()) + " s";
  return api_refusal_with_wait(Refusal::RateLimited, detail, *wait, rate.per_second());
}

void Dispatcher::RoutedExchange::fill_request(RequestHead& head) {
  request_.method = route_->method;
  request_.path = std::move(head.target.path);
  request_.query = std::move(head.target.query);
  request_.headers = std::move(head.fields);
  request_.peer = peer_.address;
  request_.peer_port = peer_.port;
  request_.is_peer_local = peer_.is_local;
  request_.tls = peer_.tls;
  request_.base_url = base_url(peer_, head.host, dispatcher_.context_.settings.hostname);
}

net::Awaitable<ApiResponse> Dispatcher::RoutedExchange::answer(std::string body) {
  if (route_->body == Body::Json) {
    request_.body = std::move(body);
    std::optional<ApiResponse> refused = co_await parse_json();
    if (refused) co_return std::move(*refused);
  }
  ApiResponse response = co_await route_->handler(dispatcher_.context_, request_);
  co_return response;
}

// A big body would keep the other connections of this thread waiting: a worker parses it.
net::Awaitable<std::optional<ApiResponse>> Dispatcher::RoutedExchange::parse_json() {
  if (request_.body.empty()) co_return std::nullopt;
  std::optional<boost::json::value> parsed;
  if (request_.body.size() <= kMaxInlineJsonOctets) {
    parsed = parse_json_body(request_.body);
  } else {
    const std::string* text = &request_.body;
    auto job = [text] { return parse_json_body(*text); };
    auto done = co_await dispatcher_.context_.workers.run(std::move(job));
    if (!done) co_return api_problem(ApiProblem::Unavailable);
    parsed = std::move(*done);
  }
  if (route_->access == Access::Open) wipe_string(request_.body);  // who signs in sends a password
  if (!parsed) co_return api_problem(ApiProblem::MalformedJson);
  // Assigned it would be copied into memory that nobody wipes: a value stays in the memory it was made in.
  std::destroy_at(&request_.json);
  std::construct_at(&request_.json, std::move(*parsed));
  co_return std::nullopt;
}

Dispatcher::Dispatcher(ApiContext& context, std::span<const ApiArea> areas)
    : context_(context), router_(areas), auth_filter_(context), request_rate_(context.settings.requests_per_second) {
  state_.openapi = boost::json::serialize(make_openapi(areas));
  context_.service = &state_;
}

Dispatcher::~Dispatcher() { context_.service = nullptr; }

std::unique_ptr<Exchange> Dispatcher::open_exchange(const PeerFacts& peer) { return std::make_unique<RoutedExchange>(*this, peer); }

void Dispatcher::request_ended(const RequestOutcome& outcome) {
  const std::string_view operation = outcome.operation.empty() ? "none" : outcome.operation;
  context_.metrics.count_request(operation, outcome.status, outcome.lasted);
  if (!outcome.problem.empty()) context_.metrics.count_refusal(Door::Http, outcome.problem);
  log::write(log::Level::Info, "http_request",
             {{"method", outcome.method},
              {"operation", operation},
              {"status", static_cast<int>(outcome.status)},
              {"problem", outcome.problem},
              {"ms", std::int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(outcome.lasted).count()}},
              {"peer", format_ip_address(outcome.peer)},
              {"key", outcome.key ? format_id(*outcome.key) : std::string()},
              {"request", outcome.request_id}});
}

}  // namespace postern::http
