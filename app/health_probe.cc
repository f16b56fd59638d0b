#include "app/health_probe.h"

#include "app/config_values.h"
#include "core/bytes.h"
#include "net/tls_context.h"
#include "smtp/client_connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>

namespace postern::app {
namespace {

constexpr std::size_t kMaxAnswerOctets = 300;

net::Awaitable<void> ask(net::asio::ip::tcp::endpoint endpoint, smtp::ClientConfig config, smtp::ClientTimeouts timeouts,
                         HealthProbe& probe) {
  const std::string address = endpoint.address().to_string();
  const auto tls = net::TlsClientContext::create(net::TlsVerification::None, "");
  if (!tls) {
    probe.words = "TLS cannot be set up: " + tls.error().message();
    co_return;
  }
  auto opened = co_await smtp::ClientConnection::open(endpoint, address, std::move(config), *tls, timeouts);
  probe.is_good = opened.connection != nullptr;
  probe.words = probe.is_good ? "answers" : escape_for_log(format_status(opened.failure), kMaxAnswerOctets);
  if (opened.connection) co_await opened.connection->quit();
}

}  // namespace

HealthProbe probe_health(const Settings& settings, std::chrono::seconds limit) {
  const auto listener = std::ranges::find_if(settings.listeners, [](const auto& one) { return one.proxy_networks.empty(); });
  if (listener == settings.listeners.end()) {
    return {false, "every listener waits for a PROXY header: there is none that could be asked"};
  }
  const std::string text = listener->address == "*" ? "127.0.0.1" : listener->address;
  HealthProbe probe{false, "no answer in time"};
  smtp::ClientConfig config;
  config.hostname = effective_hostname(settings);
  config.tls = listener->tls == "implicit" ? smtp::ClientTls::Implicit : smtp::ClientTls::None;
  const smtp::ClientTimeouts timeouts{
      .connect = limit, .greeting = limit, .command = limit, .data_block = limit, .end_of_data = limit};
  net::asio::io_context context;
  const net::asio::ip::tcp::endpoint endpoint(net::asio::ip::make_address(text), static_cast<std::uint16_t>(listener->port));
  net::asio::co_spawn(context, ask(endpoint, std::move(config), timeouts, probe), net::asio::detached);
  context.run_for(limit);
  probe.words = text + " port " + std::to_string(listener->port) + ": " + probe.words;
  return probe;
}

}  // namespace postern::app
