#include "app/route_probe.h"

#include "app/config_values.h"
#include "core/bytes.h"
#include "dns/host_lookup.h"
#include "dns/unbound_resolver.h"
#include "net/tls_context.h"
#include "smtp/client_connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace postern::app {
namespace {

constexpr std::size_t kMaxReplyOctets = 300;

smtp::ClientTls wanted_tls(const relay::Route& route) {
  if (route.implicit_tls) return smtp::ClientTls::Implicit;
  if (route.tls == relay::TlsPolicy::Required) return smtp::ClientTls::Required;
  return route.tls == relay::TlsPolicy::None ? smtp::ClientTls::None : smtp::ClientTls::IfOffered;
}

// As relay/smtp_transport.
smtp::ClientConfig config_of(const relay::Route& route, const std::string& hostname, bool is_loopback) {
  return {.hostname = hostname,
          .tls = wanted_tls(route),
          .user_name = route.user_name,
          .password = route.password,
          .verifies_peer = route.tls == relay::TlsPolicy::Required,
          .allows_auth_without_tls = is_loopback};
}

std::string describe_session(const smtp::ClientConnection& connection, const relay::Route& route) {
  std::string words = "connected";
  if (!connection.is_tls()) {
    words += ", without TLS";
  } else if (route.tls == relay::TlsPolicy::Required) {
    words += ", TLS with a certificate that is valid for it";
  } else {
    words += ", TLS, certificate not looked at";
  }
  if (!route.user_name.empty()) words += ", logged in as " + escape_for_log(route.user_name, kMaxReplyOctets);
  return words;
}

// Against what the route's own settings, TLS or AUTH, got as an answer.
bool is_down(const Status& failure) {
  const bool is_of_policy = failure.enhanced && failure.enhanced->subject == 7;
  return failure.code < 500 && (failure.code == 421 || !is_of_policy);
}

// A coroutine's own copies of what it needs.
struct Attempt {
  dns::Resolver* resolver = nullptr;
  relay::Route route;
  std::string hostname;
  smtp::ClientTimeouts timeouts;
};

net::Awaitable<void> run_probe(Attempt attempt, RouteProbe& probe) {
  const std::string place = attempt.route.host + " port " + std::to_string(attempt.route.port);
  const bool verifies = attempt.route.tls == relay::TlsPolicy::Required;
  const auto tls = net::TlsClientContext::create(
      verifies ? net::TlsVerification::Required : net::TlsVerification::None, attempt.route.ca_file);
  if (!tls) {
    probe.words = "TLS cannot be set up: " + tls.error().message();
    co_return;
  }
  const auto endpoints = co_await dns::find_endpoints(attempt.resolver, attempt.route.host, attempt.route.port,
                                                        {.timeout = attempt.timeouts.connect});
  if (!endpoints) {
    probe.words = place + ": " + endpoints.error().context() + "; check the name and the DNS";
    co_return;
  }
  for (const auto& endpoint : *endpoints) {
    const std::string address = endpoint.address().to_string();
    smtp::ClientConfig config = config_of(attempt.route, attempt.hostname, endpoint.address().is_loopback());
    if (!attempt.route.egress.members.empty()) {
      const relay::EgressSource& source = attempt.route.egress.members.front().source;
      config.source = endpoint.address().is_v4() ? source.v4 : source.v6;
      if (!source.ehlo_name.empty()) config.hostname = source.ehlo_name;
    }
    probe.words = place + " [" + address + "]: no answer in time";
    probe.is_down = true;
    auto opened = co_await smtp::ClientConnection::open(endpoint, attempt.route.host, config, *tls, attempt.timeouts);
    if (!opened.connection) {
      probe.words = place + " [" + address + "]: " + escape_for_log(format_status(opened.failure), kMaxReplyOctets);
      probe.is_down = is_down(opened.failure);
      continue;
    }
    probe.is_good = true;
    probe.is_down = false;
    probe.words = place + " [" + address + "]: " + describe_session(*opened.connection, attempt.route);
    co_await opened.connection->quit();
    co_return;
  }
}

}  // namespace

RouteProbe probe_route(const Settings& settings, const RouteSettings& route, std::chrono::seconds limit) {
  RouteProbe probe;
  probe.words = route.host + ": no answer within " + std::to_string(limit.count()) + " seconds";
  Attempt attempt;
  const relay::RouteTable routes = make_route_table(settings);
  if (const relay::Route* const made = routes.find_named(route.name)) attempt.route = *made;
  attempt.hostname = effective_hostname(settings);
  attempt.timeouts = {.connect = limit, .greeting = limit, .command = limit, .data_block = limit, .end_of_data = limit};
  const auto resolver = dns::open_resolver(make_resolver_settings(settings));
  if (!resolver) {
    probe.words = "the DNS cannot be asked: " + resolver.error().context();
    return probe;
  }
  attempt.resolver = resolver->get();
  {
    net::asio::io_context context;
    net::asio::co_spawn(context, run_probe(std::move(attempt), probe), net::asio::detached);
    context.run_for(limit);
  }
  return probe;
}

}  // namespace postern::app
