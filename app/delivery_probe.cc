#include "app/delivery_probe.h"

#include "app/config_values.h"
#include "core/clock.h"
#include "core/random.h"
#include "dns/unbound_resolver.h"
#include "mx/lookup.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>

namespace postern::app {
namespace {

// A coroutine's own copies of what it needs.
struct Probing {
  dns::Resolver* resolver = nullptr;
  relay::Route route;
  std::string domain;
  mx::PlanRules rules;
};

net::Awaitable<void> run_delivery_probe(Probing probing, std::optional<DeliveryProbe>& result) {
  SystemRandom random;
  DeliveryProbe probe;
  probe.hosts = co_await mx::look_up_hosts(*probing.resolver, probing.domain, random);
  if (!probe.hosts.failure) probe.plan = mx::make_plan(probe.hosts, probing.rules);
  const SystemClock clock;
  const auto https = std::make_shared<mx::HttpsClient>(*probing.resolver, probing.rules.allows_special);
  const mx::StsMemory nothing{.find = [](const std::string&) { return std::nullopt; },
                              .put = [](const std::string&, const std::string&) {},
                              .erase = [](const std::string&) {}};
  const auto policies = std::make_shared<mx::StsPolicies>(*probing.resolver, clock, mx::make_sts_fetch(https), nothing);
  if (!probing.domain.starts_with('[') && !probe.hosts.failure) probe.sts = co_await policies->find(probing.domain);
  for (const mx::Hop& hop : probe.plan.hops) {
    if (probe.judged.contains(hop.host)) continue;
    const mx::Host host = probe.hosts.hosts[hop.host];
    JudgedHost judged;
    judged.tlsa = co_await mx::look_up_tlsa(*probing.resolver, host, probing.route.port);
    const mx::TlsFacts facts{.domain = probing.domain,
                             .host = host.name,
                             .is_mx_secure = probe.hosts.is_mx_secure,
                             .tlsa = judged.tlsa,
                             .sts = probe.sts ? probe.sts->view(host.name) : mx::StsView{}};
    judged.decision = mx::decide_tls(facts, mx::TlsDemand::Usual, relay::floor_of(probing.route.tls));
    probe.judged.emplace(hop.host, std::move(judged));
  }
  result = std::move(probe);
}

}  // namespace

Result<DeliveryProbe> probe_delivery(const Settings& settings, const relay::Route& route, const std::string& domain,
                                     std::chrono::seconds limit) {
  const auto resolver = dns::open_resolver(make_resolver_settings(settings));
  if (!resolver) return Error(ErrorCode::ResolveFailed, "the DNS cannot be asked: " + resolver.error().context());
  std::optional<DeliveryProbe> probe;
  {
    net::asio::io_context context;
    net::asio::co_spawn(context, run_delivery_probe({resolver->get(), route, domain, make_plan_rules(settings)}, probe),
                        net::asio::detached);
    context.run_for(limit);
  }
  const std::string within = std::to_string(limit.count()) + " seconds";
  if (!probe)
    return Error(ErrorCode::ConnectionTimedOut,
                 "neither all of the DNS nor the host of the MTA-STS policy answered within " + within);
  return std::move(*probe);
}

}  // namespace postern::app
