// What a submission needs, and no door: a real store with an account and a key, a clock and chance
// of the test's own, one route that leads to example.net.
#pragma once

#include "auth/account_admin.h"
#include "auth/key_admin.h"
#include "submission/context.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"
#include "tests/support/temp_store.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace postern::test {

class SubmissionParts {
 public:
  SubmissionParts() {
    use_account(AccountMode::Production);
    use_key(Environment::Live);
  }

  // From here on of a new account, which has no key yet.
  void use_account(AccountMode mode, const store::Plan& plan = {"custom", {}, {}, {}}) {
    auth::NewAccount wanted;
    wanted.name = "team " + std::to_string(++accounts_made_);
    wanted.mode = mode;
    wanted.plan = plan;
    account = accounts.create(wanted).value().id;
  }
  void use_key(Environment environment, std::vector<std::string> from_domains = {}) {
    auth::NewKey wanted;
    wanted.name = "key";
    wanted.environment = environment;
    wanted.from_domains = std::move(from_domains);
    submitter.key = keys.create(account, wanted).value().record.id;
  }

  FakeClock clock;
  FakeRandom random;
  TempStore store;
  auth::KeyScheme scheme;
  auth::Authenticator authenticator{store.directory(), scheme};
  auth::AccountAdmin accounts{store.directory(), clock, random};
  auth::KeyAdmin keys{store.directory(), scheme, clock, random};
  auth::UsageTracker usage;
  submission::QuotaTable quota{
      [](const AccountId&, store::CounterPeriod, Instant) { return std::uint64_t{0}; }};
  std::vector<store::DueEntry> woken;
  submission::SubmissionContext context{
      .store = *store,
      .authenticator = authenticator,
      .quota = quota,
      .usage = usage,
      .routes = [this] { return routes_; },
      .wake_queue = [this](const store::DueEntry& due) { woken.push_back(due); },
      .clock = clock,
      .random = random,
      .settings = {.hostname = "relay.example"}};
  AccountId account;
  submission::Submitter submitter{
      .key = {}, .address = *parse_ip_address("192.0.2.7"), .user_name = "ci-1"};

 private:
  static std::vector<relay::Route> one_route() {
    relay::Route route;
    route.name = "net";
    route.domains = {"example.net"};
    return {route};
  }

  int accounts_made_ = 0;
  std::shared_ptr<const relay::RouteTable> routes_ =
      std::make_shared<const relay::RouteTable>(one_route());
};

inline Recipient recipient_at(std::string local_part, std::string domain) {
  return {Mailbox{std::move(local_part), std::move(domain)}, {}, {}};
}

}  // namespace postern::test
