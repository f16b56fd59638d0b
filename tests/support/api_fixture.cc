#include "tests/support/api_fixture.h"

#include "core/check.h"

#include <boost/json/parse.hpp>
#include <boost/json/string.hpp>

#include <algorithm>

namespace postern::test {
namespace {

constexpr std::pair<std::string_view, api::Method> kMethods[] = {{"GET", api::Method::Get},
                                                                  {"POST", api::Method::Post},
                                                                  {"PATCH", api::Method::Patch},
                                                                  {"DELETE", api::Method::Delete}};

api::Method method_named(std::string_view name) {
  const auto found = std::ranges::find(kMethods, name, [](const auto& pair) { return pair.first; });
  POSTERN_CHECK(found != std::end(kMethods));
  return found->second;
}

// The part before `separator`; what is behind it stays in `text`.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

std::optional<Parameters> match(std::string_view pattern, std::string_view path) {
  Parameters parameters;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = take(pattern, '/');
    const std::string_view part = take(path, '/');
    if (wanted.starts_with(':') && !part.empty()) {
      parameters.emplace_back(wanted.substr(1), part);
    } else if (wanted != part) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return parameters;
}

const api::Route* find_route(const api::ApiArea& area, api::Method method, std::string_view path, Parameters& parameters,
                              bool& has_path) {
  for (const api::Route& route : area.routes) {
    auto matched = match(route.path, path);
    if (!matched) continue;
    has_path = true;
    if (route.method != method) continue;
    parameters = std::move(*matched);
    return &route;
  }
  return nullptr;
}

}  // namespace

std::string ApiAnswer::text(std::string_view path) const {
  const boost::json::value* value = &body;
  while (!path.empty() && value != nullptr) {
    const std::string_view member = take(path, '.');
    const auto* object = value->if_object();
    value = object == nullptr ? nullptr : object->if_contains({member.data(), member.size()});
  }
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

std::string ApiAnswer::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, [](const auto& pair) { return std::string_view(pair.first); });
  return found == headers.end() ? std::string() : found->second;
}

ApiFixture::ApiFixture(api::ApiArea area, auth::KeyScheme wanted, auth::ProofRules rules)
    : ApiParts({.key_scheme = std::move(wanted), .proof_rules = rules}),
      tokens(
          auth::SessionTokens::open(folder.path() / "session-keys", std::chrono::hours(1), std::chrono::hours(720), clock, random)
              .value()),
      context(make_context(tokens.get(), &domains, &webhooks)),
      area_(area) {
  account = make_account("team");
  caller.account = account;
  caller.user = make_user_id(random);
}

ApiFixture::~ApiFixture() {
  for (net::WorkerPool* pool : {&workers, &write_workers, &password_workers, &domain_workers}) pool->stop();
}

AccountId ApiFixture::make_account(std::string name) {
  auth::NewAccount wanted;
  wanted.name = std::move(name);
  wanted.plan = *auth::plan_named("starter");
  return accounts.create(wanted).value().id;
}

auth::CreatedKey ApiFixture::make_key(const auth::NewKey& wanted) { return keys.create(account, wanted).value(); }

auth::CreatedKey ApiFixture::make_key(Environment environment) {
  return make_key({.name = "key", .environment = environment, .permission = store::Permission::FullAccess, .from_domains = {},
                   .networks = {}, .expires_at = {}, .per_second = {}});
}

api::Caller ApiFixture::caller_of(const store::UserRecord& user) const {
  const auth::SessionClaims session{.user = user.id,
                                    .account = user.account,
                                    .expires_at = clock.now() + std::chrono::hours(1),
                                    .password_mark = auth::password_mark(user),
                                    .token_id = "session",
                                    .opened_at = clock.now()};
  return {user.account, std::nullopt, user.id, session};
}

api::Caller ApiFixture::caller_of(const KeyId& key) const {
  const auto result = authenticator.refresh(key, *parse_ip_address(peer), clock.now());
  const auto& principal = std::get<auth::Principal>(result);
  return {principal.account, principal, std::nullopt, {}};
}

ApiAnswer ApiFixture::ask(std::string_view target, const api::Caller& who, std::string_view body) {
  api::ApiRequest request;
  request.method = method_named(take(target, ' '));
  request.path = take(target, '?');
  while (!target.empty()) {
    std::string_view pair = take(target, '&');
    const std::string_view name = take(pair, '=');
    request.query.emplace_back(name, pair);
  }
  request.body = body;
  if (!body.empty()) request.json = boost::json::parse({body.data(), body.size()});
  request.caller = who;
  request.peer = *parse_ip_address(peer);
  request.base_url = "https://relay.example.net";
  bool has_path = false;
  const api::Route* route = find_route(area_, request.method, request.path, request.path_parameters, has_path);
  api::ApiResponse response =
      route != nullptr ? loop.run(route->handler(context, request))
                       : api::api_problem(has_path ? api::ApiProblem::MethodNotAllowed : api::ApiProblem::NotFound);
  ApiAnswer answer{response.status, nullptr, std::move(response.headers), response.holds_secret};
  if (!response.body.empty() && response.content_type == "application/json") answer.body = boost::json::parse(response.body);
  return answer;
}

}  // namespace postern::test
