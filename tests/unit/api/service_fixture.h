// The HTTP service without sockets: octets of one request in, the response out, over a real store.
#pragma once

#include "api/dispatcher.h"
#include "http/request_reader.h"
#include "tests/support/api_parts.h"

#include <gtest/gtest.h>

#include <map>

namespace postern::test {

// "a.<name>.b" is a token of whoever `name` was said to be.
class FakeSessionTokens final : public auth::SessionTokens {
 public:
  std::map<std::string, auth::SessionClaims, std::less<>> claims;

  Secret issue(const store::UserRecord&) override { return Secret("a.issued.b"); }
  Result<auth::SessionClaims> verify(std::string_view token) const override {
    if (token == "a.expired.b") return Error(ErrorCode::DeadlinePassed);
    const auto found = claims.find(token);
    if (found == claims.end()) return Error(ErrorCode::Malformed);
    return found->second;
  }
};

class ServiceTest : public testing::Test, protected ApiParts {
 protected:
  ServiceTest() : ApiParts({.throttle = {.free_failures = 3, .max_failures = 3}}) {}

  static http::PeerFacts peer_at(std::string_view address, std::string tls = {}) {
    const IpAddress parsed = parse_ip_address(address).value();
    return {.address = parsed, .port = 40'000, .is_local = parsed.is_loopback(), .tls = std::move(tls)};
  }

  api::ApiResponse request(const std::string& octets, const http::PeerFacts& peer = peer_at("127.0.0.1")) {
    http::RequestReader reader;
    reader.received(octets);
    EXPECT_EQ(reader.state(), http::RequestReader::State::HasHead) << octets;
    const auto exchange = dispatcher_->open_exchange(peer);
    std::optional<http::Response> early = loop.run(exchange->begin(reader.head()));
    operation_ = exchange->operation();
    if (early) return test::api_response(std::move(*early));
    reader.allow_body(exchange->max_body_octets());
    EXPECT_EQ(reader.state(), http::RequestReader::State::HasRequest) << octets;
    return test::api_response(loop.run(exchange->answer(reader.take_body())));
  }

  void serve(std::span<const api::ApiArea> areas) { dispatcher_ = std::make_unique<api::Dispatcher>(context_, areas); }

  static std::string head(const std::string& line, const std::string& credential = {}, const std::string& fields = {}) {
    const std::string field = credential.empty() ? "" : "Authorization: Bearer " + credential + "\r\n";
    return line + " HTTP/1.1\r\nHost: relay.example:8025\r\n" + field + fields;
  }
  static std::string with_json(const std::string& start, const std::string& body, const std::string& type = "application/json") {
    return start + "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  std::string make_key(store::Permission permission) {
    auth::NewKey wanted;
    wanted.name = "key";
    wanted.permission = permission;
    return std::string(keys.create(account_, wanted).value().text.reveal());
  }
  std::string make_session() {
    store::UserRecord user;
    user.id = make_user_id(random);
    user.account = account_;
    user.email = "dev@example.org";
    store.directory().write([&](store::DirectoryWriter& writer) { return writer.put_user(user); }).value();
    tokens_.claims["a.good.b"] = {
        .user = user.id, .account = account_, .expires_at = clock.now(), .password_mark = auth::password_mark(user)};
    return "a.good.b";
  }

  FakeSessionTokens tokens_;
  api::ApiContext context_{make_context(&tokens_)};
  AccountId account_ = accounts.create({.name = "acme", .plan = {}, .from_domains = {}}).value().id;
  std::unique_ptr<api::Dispatcher> dispatcher_;
  std::string operation_;  // of the last request
};

}  // namespace postern::test
