// Both doors of one relay, without a socket: SMTP's session with the real submission behind it, and the endpoints of HTTP with the
// same key: called directly, as in a request that was let in, or through all the gates of the service.
#pragma once

#include "api/api.h"
#include "api/dispatcher.h"
#include "api/send_handlers.h"
#include "api/service_state.h"
#include "http/request_reader.h"

#include "core/base64.h"
#include "smtp/session.h"
#include "submission/smtp_submission.h"
#include "tests/support/api_parts.h"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::api {

class Doors : public test::ApiParts {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  explicit Doors(const store::SpoolLimits& limits = test::small_limits()) : ApiParts({.spool = limits}) {
    relay::Route all;
    all.name = "all";
    all.domains = {"example.net"};
    submission.routes = [table = std::make_shared<const relay::RouteTable>(std::vector<relay::Route>{all})] { return table; };
    submission.wake_queue = [this](const store::DueEntry&) { ++wakes_; };
    smtp_config.hostname = "relay.example";
    smtp_config.allows_auth_without_tls = true;
    use_account(AccountMode::Production);
    use_key(Environment::Live);
  }

  void use_account(AccountMode mode, const store::Plan& plan = {"custom", {}, {}, {}}) {
    auth::NewAccount wanted;
    wanted.name = "team " + std::to_string(++accounts_made_);
    wanted.mode = mode;
    wanted.plan = plan;
    account = accounts.create(wanted).value().id;
  }
  void use_key(Environment environment, auth::NewKey wanted = {}) {
    if (wanted.name.empty()) wanted.name = "key";
    wanted.environment = environment;
    auth::CreatedKey created = keys.create(account, wanted).value();
    key = created.record.id;
    credential = std::string(created.text.reveal());
    authenticate();
  }

  // What HTTP knows of the key from here on: as at the beginning of a request, or of an SMTP session.
  void authenticate() {
    auto result = authenticator.authenticate(credential, peer, clock.now());
    principal_ = std::get<auth::Principal>(std::move(result));
  }

  // All replies of a session that authenticates, then runs `between`, then sends `input`.
  std::string smtp(std::string_view input, const std::function<void()>& between = [] {}) {
    return loop.run(dialogue(login_line(), std::string(input), between));
  }
  // All replies of a session whose client goes straight for MAIL, with AUTH before it if there is a credential.
  std::string smtp_from_the_start() {
    const std::string login = credential.empty() ? std::string() : login_line();
    return loop.run(dialogue({}, login + "MAIL FROM:<a@example.org>\r\n", [] {}));
  }
  // The replies to a whole message.
  std::string smtp_message(std::string_view from, std::string_view to, std::string_view content) {
    return smtp("MAIL FROM:<" + std::string(from) + ">\r\nRCPT TO:<" + std::string(to) + ">\r\nDATA\r\n" + std::string(content) +
                "\r\n.\r\n");
  }

  ApiResponse call(const ApiArea& area, Method method, std::string_view path, ApiRequest request) {
    for (const Route& route : area.routes) {
      if (route.method != method || route.path != path) continue;
      fill(request);
      ApiContext context = make_context();
      return loop.run(handle(route.handler, context, request));
    }
    ADD_FAILURE() << "no route " << path;
    return {};
  }
  ApiResponse post(std::string_view path, std::string_view body, Headers headers = {}) {
    ApiRequest request;
    request.body = std::string(body);
    request.json = boost::json::parse(body);
    request.headers = std::move(headers);
    return call(path == "/v1/explain" ? explain_api() : email_api(), Method::Post, path, std::move(request));
  }
  // A whole request with the credential, through the gates: TLS, shutdown, authentication, JSON.
  ApiResponse request(std::string_view path, std::string_view body) {
    static const ApiArea kAreas[] = {email_api(), explain_api()};
    ApiContext context = make_context();
    Dispatcher service(context, kAreas);
    if (is_draining) service.set_draining();
    const auto exchange = service.open_exchange({.address = peer, .port = 40'000, .tls = tls});
    http::RequestReader reader;
    reader.received("POST " + std::string(path) + " HTTP/1.1\r\nHost: relay.example\r\nContent-Type: application/json\r\n" +
                    (credential.empty() ? "" : "Authorization: Bearer " + credential + "\r\n") +
                    "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
    std::optional<http::Response> early = loop.run(exchange->begin(reader.head()));
    if (early) return test::api_response(std::move(*early));
    reader.allow_body(exchange->max_body_octets());
    return test::api_response(loop.run(exchange->answer(reader.take_body())));
  }
  ApiResponse send(std::string_view body, Headers headers = {}) { return post("/v1/emails", body, std::move(headers)); }
  // Two requests that start before either has ended.
  std::pair<ApiResponse, ApiResponse> send_at_once(const std::array<std::string_view, 2>& bodies, const Headers& headers) {
    ApiContext context = make_context();
    std::array<ApiRequest, 2> requests;
    std::array<test::Pending<ApiResponse>, 2> pending;
    for (std::size_t i = 0; i < 2; ++i) {
      requests[i].body = std::string(bodies[i]);
      requests[i].json = boost::json::parse(bodies[i]);
      requests[i].headers = headers;
      fill(requests[i]);
      pending[i] = loop.start(handle(email_api().routes.front().handler, context, requests[i]));
    }
    ApiResponse first = loop.wait(pending[0]);
    return {std::move(first), loop.wait(pending[1])};
  }
  // As many equal batches, all of which start before any has ended.
  std::vector<ApiResponse> batches_at_once(std::size_t count, std::string_view body, const Headers& headers) {
    ApiContext context = make_context();
    std::vector<ApiRequest> requests(count);
    std::vector<test::Pending<ApiResponse>> pending;
    for (ApiRequest& request : requests) {
      request.body = std::string(body);
      request.json = boost::json::parse(body);
      request.headers = headers;
      fill(request);
      pending.push_back(loop.start(handle(send_batch, context, request)));
    }
    std::vector<ApiResponse> responses;
    for (auto& one : pending) responses.push_back(loop.wait(one));
    return responses;
  }
  ApiResponse get(std::string_view path, std::string_view id = {}, Headers query = {}, std::string_view attachment = {}) {
    return call(email_api(), Method::Get, path, request_for(id, std::move(query), attachment));
  }
  ApiResponse readiness() {
    ServiceState state;
    ApiContext context = make_context();
    context.service = &state;
    ApiRequest request;
    for (const Route& route : service_api().routes) {
      if (route.path == "/readyz") return loop.run(handle(route.handler, context, request));
    }
    ADD_FAILURE() << "no route /readyz";
    return {};
  }
  ApiResponse reschedule(std::string_view id, std::string_view body) {
    ApiRequest request = request_for(id, {}, {});
    request.body = std::string(body);
    request.json = boost::json::parse(body);
    return call(email_api(), Method::Patch, "/v1/emails/:id", std::move(request));
  }
  ApiResponse cancel(std::string_view id) {
    return call(email_api(), Method::Post, "/v1/emails/:id/cancel", request_for(id, {}, {}));
  }

  bool is_signed_in_user = false;  // a user instead of the key, where an endpoint is called directly
  bool is_draining = false;
  std::string credential;          // of whoever comes; use_key() sets it
  std::string user_name = "app";   // of AUTH
  std::string tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";  // of a whole request; empty: in the clear
  AccountId account;
  KeyId key;
  IpAddress peer = parse_ip_address("192.0.2.7").value();
  smtp::Config smtp_config;

  int wakes() const { return wakes_; }

 private:
  static ApiRequest request_for(std::string_view id, Headers query, std::string_view attachment) {
    ApiRequest request;
    request.path_parameters = {{"id", std::string(id)}, {"attachment_id", std::string(attachment)}};
    request.query = std::move(query);
    return request;
  }

  void fill(ApiRequest& request) const {
    request.caller.account = account;
    if (!is_signed_in_user) request.caller.key = principal_;
    request.peer = peer;
    request.base_url = "http://relay.example";
  }

  static net::Awaitable<ApiResponse> handle(Handler handler, ApiContext& context, ApiRequest& request) {
    ApiResponse response = co_await handler(context, request);
    co_return response;
  }

  std::string login_line() const { return "AUTH PLAIN " + encode_base64('\0' + user_name + '\0' + credential) + "\r\n"; }

  // Drops the replies to EHLO and `login`, if there is one, and runs `between` before `input`.
  net::Awaitable<std::string> dialogue(std::string login, std::string input, const std::function<void()>& between) {
    const std::unique_ptr<smtp::Conversation> conversation = smtp_.open_conversation({.address = peer});
    smtp::Session session(smtp_config);
    std::string unsent = "EHLO client.example\r\n" + (login.empty() ? input : login);
    std::string output;
    bool is_logged_in = login.empty();
    while (true) {
      const smtp::Step step = session.next();
      output += session.output();
      session.output_sent();
      if (std::holds_alternative<smtp::Close>(step)) break;
      if (std::holds_alternative<smtp::NeedInput>(step) && is_draining) {
        session.shut_down();
      } else if (std::holds_alternative<smtp::NeedInput>(step)) {
        if (unsent.empty() && !is_logged_in) {
          is_logged_in = true;
          output.clear();
          between();
          unsent = input;
        }
        if (unsent.empty()) break;
        const std::span<char> space = session.input_space();
        const std::size_t count = std::min(space.size(), unsent.size());
        std::memcpy(space.data(), unsent.data(), count);
        unsent.erase(0, count);
        session.received(count);
      } else if (const auto* authenticate_step = std::get_if<smtp::Authenticate>(&step)) {
        smtp::AuthenticateAnswer answer = co_await conversation->authenticate(authenticate_step->credential, facts(session));
        session.answer(std::move(answer));
      } else if (const auto* sender = std::get_if<smtp::JudgeSender>(&step)) {
        session.answer(smtp::JudgeAnswer{conversation->judge_sender(*sender)});
      } else if (const auto* recipient = std::get_if<smtp::JudgeRecipient>(&step)) {
        session.answer(smtp::JudgeAnswer{conversation->judge_recipient(*recipient)});
      } else if (const auto* opening = std::get_if<smtp::OpenMessage>(&step)) {
        session.answer(conversation->open_message(*opening, facts(session)));
      } else if (std::holds_alternative<smtp::DrainContent>(step)) {
        co_await conversation->drain_content();
        session.content_drained();
      } else if (std::holds_alternative<smtp::CommitMessage>(step)) {
        smtp::CommitAnswer answer = co_await conversation->commit_message();
        session.answer(std::move(answer));
      } else if (std::holds_alternative<smtp::AbandonMessage>(step)) {
        conversation->abandon_message();
        session.abandoned();
      }
    }
    co_return output;
  }

  static smtp::SessionFacts facts(const smtp::Session& session) {
    return {.helo_name = session.helo_name(), .said_ehlo = session.said_ehlo(), .tls = &session.tls()};
  }

  std::atomic<int> wakes_{0};  // also on the threads of a real server
  submission::SmtpSubmission smtp_{submission, throttle};
  auth::Principal principal_;
  int accounts_made_ = 0;
};

inline boost::json::object body_of(const ApiResponse& response) { return boost::json::parse(response.body).as_object(); }

inline std::string text_of(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace postern::api
