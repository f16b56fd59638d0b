// What the endpoints of the HTTP API refer to: a real store with keys and accounts, submission and workers on real threads. The
// clock and chance are the test's own; an AUTH failure is not delayed, because a delay's clock is the machine's.
#pragma once

#include "api/api.h"
#include "api/api_context.h"
#include "auth/address_proof.h"
#include "auth/browser_session.h"
#include "auth/session_token.h"
#include "auth/usage_tracker.h"
#include "auth/user_admin.h"
#include "submission/quota.h"
#include "tests/support/coroutine_loop.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

#include <memory>

namespace postern::test {

// What the wire gets, as the endpoint answered it.
inline api::ApiResponse api_response(http::Response response) {
  api::ApiResponse answered;
  static_cast<http::Response&>(answered) = std::move(response);
  return answered;
}

struct ApiPartsOptions {
  auth::KeyScheme key_scheme{};
  store::SpoolLimits spool = small_limits();
  auth::ProofRules proof_rules{};
  auth::ThrottleLimits throttle{.first_delay = Duration(0), .longest_delay = Duration(0)};
};

class ApiParts {
 public:
  explicit ApiParts(const ApiPartsOptions& options = {})
      : store(options.spool),
        scheme(options.key_scheme),
        throttle(options.throttle),
        password_throttle(options.throttle),
        proof_rules(options.proof_rules) {}

  // An endpoint that asks for a part that is not given looks at nothing.
  api::ApiContext make_context(auth::SessionTokens* tokens = nullptr, domains::DomainAdmin* domains = nullptr,
                                events::WebhookAdmin* webhooks = nullptr, events::EventHub* event_hub = nullptr) {
    return {.store = *store,
            .workers = workers,
            .write_workers = write_workers,
            .password_workers = password_workers,
            .domain_workers = domain_workers,
            .authenticator = authenticator,
            .throttle = throttle,
            .password_throttle = password_throttle,
            .usage = usage,
            .accounts = accounts,
            .keys = keys,
            .users = users,
            .proofs = proofs,
            .tokens = tokens ? *tokens : absent<auth::SessionTokens>(),
            .browsers = browsers,
            .domains = domains ? *domains : absent<domains::DomainAdmin>(),
            .webhooks = webhooks ? *webhooks : absent<events::WebhookAdmin>(),
            .event_hub = event_hub ? *event_hub : absent<events::EventHub>(),
            .submission = submission,
            .clock = clock,
            .random = random,
            .settings = settings};
  }

  FakeClock clock;
  FakeRandom random;
  CoroutineLoop loop;
  TempStore store;
  auth::KeyScheme scheme;
  auth::Authenticator authenticator{store.directory(), scheme};
  auth::AuthThrottle throttle;
  auth::PasswordThrottle password_throttle;
  auth::UsageTracker usage;
  auth::AccountAdmin accounts{store.directory(), clock, random};
  auth::KeyAdmin keys{store.directory(), scheme, clock, random};
  auth::UserAdmin users{store.directory(), accounts, clock, random};
  auth::BrowserSessions browsers{store.directory(), clock, random};
  // Tests that want them say so, before the first request.
  auth::ProofRules proof_rules;
  std::vector<auth::ProofMail> proof_mails;  // as they would be sent
  Result<void> keep_mail(const auth::ProofMail& mail) {
    proof_mails.push_back(mail);
    return {};
  }
  auth::AddressProofs proofs{store.directory(), clock, random, proof_rules,
                             [this](const auth::ProofMail& mail) { return keep_mail(mail); }};
  submission::QuotaTable quota{[](const AccountId&, store::CounterPeriod, Instant) { return std::uint64_t{0}; }};
  submission::SubmissionContext submission{.store = *store,
                                      .authenticator = authenticator,
                                      .quota = quota,
                                      .usage = usage,
                                      .routes = [] { return std::shared_ptr<const relay::RouteTable>(); },
                                      .wake_queue = [](const store::DueEntry&) {},
                                      .clock = clock,
                                      .random = random,
                                      .settings = {.hostname = "relay.example"}};
  api::ApiSettings settings{.hostname = "relay.example.net"};
  net::WorkerPool workers{1, 64};
  net::WorkerPool write_workers{1, 64};
  net::WorkerPool password_workers{1, 64};
  net::WorkerPool domain_workers{1, 64};

 private:
  template <class T>
  static T& absent() {
    alignas(std::max_align_t) static std::byte nothing[sizeof(std::max_align_t)];
    return *reinterpret_cast<T*>(nothing);
  }
};

}  // namespace postern::test
