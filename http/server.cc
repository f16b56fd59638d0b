// From the accepted socket to its connection.
#include "http/server.h"

#include "core/check.h"

#include <utility>

namespace postern::http {
namespace {

// Beyond so many connections that wait to read their 503 the next ones are closed without one.
constexpr std::size_t kMaxRefusalsAtOnce = 256;

IpAddress peer_of(const net::asio::ip::tcp::socket& socket) {
  boost::system::error_code ec;
  const net::asio::ip::address address = socket.remote_endpoint(ec).address();
  IpAddress peer;
  if (ec) return peer;
  peer.octets = address.is_v6() ? address.to_v6().to_bytes()
                                : net::asio::ip::make_address_v6(net::asio::ip::v4_mapped, address.to_v4()).to_bytes();
  return peer;
}

}  // namespace

Server::Server(std::vector<net::Executor> executors, RequestHandler& handler, const Clock& clock, Random& random,
               ServerOptions options)
    : executors_(std::move(executors)),
      context_{.handler = handler, .clock = clock, .random = random, .timeouts = options.timeouts},
      admission_(options.admission) {}

Server::~Server() = default;

void Server::set_tls(net::TlsServerContext context) {
  const std::lock_guard lock(tls_mutex_);
  tls_ = std::move(context);
}

std::optional<net::TlsServerContext> Server::tls() const {
  const std::lock_guard lock(tls_mutex_);
  return tls_;
}

Result<void> Server::listen(const ListenerOptions& options) {
  POSTERN_CHECK(!options.is_tls || tls().has_value());
  Result<std::unique_ptr<net::Listener>> listener = net::Listener::open(options.address, options.port, executors_);
  if (!listener) return listener.error();
  entrances_.push_back({options.is_tls, std::move(*listener)});
  return {};
}

void Server::start() {
  for (const Entrance& entrance : entrances_) {
    entrance.listener->start(
        [this, is_tls = entrance.is_tls](net::asio::ip::tcp::socket socket) { accept(is_tls, std::move(socket)); });
  }
}

void Server::accept(bool is_tls, net::asio::ip::tcp::socket socket) {
  const IpAddress peer = peer_of(socket);
  if (admission_.admit(peer) != net::AdmissionVerdict::Admitted) return refuse(is_tls, std::move(socket));
  auto admitted = std::make_unique<net::AdmittedPeer>(admission_, peer);
  const net::Executor executor = socket.get_executor();
  connections_.start(executor, std::make_unique<Connection>(std::move(socket), context_,
                                                            is_tls ? tls() : std::nullopt, std::move(admitted)));
}

// With TLS there is nobody yet who could read an answer: a handshake is more than a refusal is worth.
void Server::refuse(bool is_tls, net::asio::ip::tcp::socket socket) {
  if (is_tls || refusals_.count() >= kMaxRefusalsAtOnce) return;
  const net::Executor executor = socket.get_executor();
  refusals_.start(executor, std::make_unique<RefusedConnection>(std::move(socket), context_));
}

void Server::drain(std::chrono::steady_clock::duration grace) {
  for (const Entrance& entrance : entrances_) entrance.listener->stop();
  connections_.drain(grace);
  refusals_.drain(std::chrono::seconds{0});
}

void Server::set_admission_limits(net::AdmissionLimits limits) { admission_.set_limits(limits); }

std::vector<std::uint16_t> Server::ports() const {
  std::vector<std::uint16_t> ports;
  for (const Entrance& entrance : entrances_) ports.push_back(entrance.listener->port());
  return ports;
}

}  // namespace postern::http
