// The HTTP endpoints over a real store, without a server: a test names method and path, and gets what the handler answers. The
// store, its clock and its chance are the test's own; workers are real threads.
#pragma once

#include "api/api.h"
#include "events/webhook_admin.h"
#include "tests/support/api_parts.h"
#include "tests/support/scripted_resolver.h"

#include <boost/json/value.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::test {


// A status and the JSON body; null where there is none.
struct ApiAnswer {
  std::uint16_t status = 0;
  boost::json::value body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool holds_secret = false;

  // Of a member, or of a member's member ("user.id"); "" where the body has no such text.
  std::string text(std::string_view path) const;
  // Of a failure.
  std::string name() const { return text("name"); }
  std::string header(std::string_view name) const;
};

class ApiFixture : public ApiParts {
 public:
  explicit ApiFixture(api::ApiArea area, auth::KeyScheme wanted = {}, auth::ProofRules rules = {});
  ~ApiFixture();

  // `target` is "POST /v1/api-keys/key_…/rotate?a=b"; `body` is JSON or nothing. A target without a row answers 404 and 405 as
  // the server does. `caller` is not looked at here: what a credential is worth is the server's question.
  ApiAnswer ask(std::string_view target, const api::Caller& caller, std::string_view body = {});
  ApiAnswer ask(std::string_view target, std::string_view body = {}) { return ask(target, caller, body); }

  // Who may ask.
  api::Caller caller_of(const store::UserRecord& user) const;
  api::Caller caller_of(const KeyId& key) const;
  auth::CreatedKey make_key(const auth::NewKey& wanted);
  auth::CreatedKey make_key(Environment environment = Environment::Live);  // full_access
  AccountId make_account(std::string name);

  store::Directory& directory() { return store.directory(); }

  TempFolder folder;
  std::unique_ptr<auth::SessionTokens> tokens;
  ScriptedResolver dns;
  domains::DomainAdmin domains{store.directory(), dns, clock, random, {.spf = {"a:relay.example.net"}, .seal = {}}};
  events::WebhookAdmin webhooks{*store, clock, random, events::WebhookPolicy{}};
  api::ApiContext context;
  AccountId account;     // "team", in sandbox mode
  api::Caller caller;   // its user; who asks where a test names nobody
  std::string peer = "192.0.2.1";

 private:
  api::ApiArea area_;
};

}  // namespace postern::test
