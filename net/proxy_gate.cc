// One task for each connection whose header has not come yet.
#include "net/proxy_gate.h"

#include "core/error.h"
#include "core/log.h"
#include "net/proxy_header.h"
#include "net/watchdog.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

namespace postern::net {
namespace {

using asio::ip::tcp;

// Each holds a descriptor and some hundred octets, for kHeaderTimeout at most. A burst that a proxy passes on is smaller.
constexpr std::size_t kMaxAwaitedHeaders = 4096;

void log_refused(const Peer& proxy, std::string_view cause) {
  log::write(log::Level::Warning, "proxy_header_refused", {{"peer", format_ip_address(proxy.address)}, {"cause", cause}});
}

Peer announced_by(const Peer& proxy, const ProxyHeader& header) {
  if (!header.source) return {.address = proxy.address, .port = proxy.port, .is_local = false};
  return {.address = header.source->address,
          .port = header.source->port,
          .is_local = proxy.is_local && header.source->address.is_loopback()};
}

class HeaderWait final : public Task {
 public:
  HeaderWait(tcp::socket socket, const Peer& proxy, ProxyGate::OnArrival on_arrival)
      : socket_(std::move(socket)),
        watchdog_(std::make_shared<Watchdog>(socket_, ProxyGate::kHeaderTimeout)),
        proxy_(proxy),
        on_arrival_(std::move(on_arrival)) {}
  ~HeaderWait() override { watchdog_->stop(); }

  Awaitable<void> run() override;
  void stop() override { cancel(); }
  void cancel() override;

 private:
  // False: the connection ended, was cancelled, or its time is over.
  Awaitable<bool> read(std::size_t count);
  void log_lost() const;

  tcp::socket socket_;
  std::shared_ptr<Watchdog> watchdog_;
  Peer proxy_;
  ProxyGate::OnArrival on_arrival_;
  std::string octets_;  // kMaxProxyHeaderOctets at most: the parser asks for no more
  bool is_cancelled_ = false;
};

Awaitable<void> HeaderWait::run() {
  ProxyParse parsed = parse_proxy_header(octets_);
  while (const auto* needed = std::get_if<ProxyNeedsOctets>(&parsed)) {
    const bool is_alive = co_await read(needed->count);
    if (!is_alive) co_return log_lost();
    parsed = parse_proxy_header(octets_);
  }
  if (const auto* fault = std::get_if<ProxyFault>(&parsed)) co_return log_refused(proxy_, fault->reason);
  watchdog_->stop();
  on_arrival_(std::move(socket_), announced_by(proxy_, std::get<ProxyHeader>(parsed)));
}

// What there is, up to `count`: TLS and the protocol read the socket themselves behind the header.
Awaitable<bool> HeaderWait::read(std::size_t count) {
  if (is_cancelled_ || watchdog_->has_passed()) co_return false;
  const std::size_t had = octets_.size();
  octets_.resize(had + count);
  watchdog_->watch();
  const auto outcome =
      co_await socket_.async_read_some(asio::buffer(octets_.data() + had, count), asio::as_tuple(asio::use_awaitable));
  watchdog_->rest();
  octets_.resize(had + std::get<1>(outcome));
  co_return !std::get<0>(outcome);
}

void HeaderWait::cancel() {
  is_cancelled_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

// A connection that said nothing at all is how a proxy looks whether the port is open: no line.
void HeaderWait::log_lost() const {
  if (is_cancelled_) return;
  if (watchdog_->has_passed()) return log_refused(proxy_, "timed out");
  if (!octets_.empty()) log_refused(proxy_, "closed within the header");
}

}  // namespace

bool ProxyGate::admits(const IpAddress& proxy) const {
  return std::ranges::any_of(networks_, [&](const IpNetwork& network) { return network.contains(proxy); });
}

void ProxyGate::read_header(tcp::socket socket, const Peer& proxy, OnArrival on_arrival) {
  if (arrivals_.count() >= kMaxAwaitedHeaders) return log_refused(proxy, "too many headers are awaited");
  const Executor executor = socket.get_executor();
  arrivals_.start(executor, std::make_unique<HeaderWait>(std::move(socket), proxy, std::move(on_arrival)));
}

}  // namespace postern::net
