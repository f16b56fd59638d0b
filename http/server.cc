// From the accepted socket to its connection.
#include "http/server.h"

#include "core/check.h"
#include "core/log.h"
#include "net/proxy_gate.h"

#include <mutex>
#include <utility>

namespace postern::http {
namespace {

// Beyond so many connections that wait to read their 503 the next ones are closed without one.
constexpr std::size_t kMaxRefusalsAtOnce = 256;

void log_stranger(const net::Peer& peer) {
  log::write(log::Level::Info, "http_connection_refused",
             {{"peer", format_ip_address(peer.address)}, {"reason", "this port serves proxies only"}});
}

}  // namespace

// A listener and the certificate that its handshakes use.
struct Server::Entrance {
  std::unique_ptr<net::Listener> listener;
  net::ProxyGate gate;
  const bool is_tls;

  Entrance(std::unique_ptr<net::Listener> opened, ListenerOptions options)
      : listener(std::move(opened)),
        gate(std::move(options.proxy_networks)),
        is_tls(options.tls.has_value()),
        tls_(std::move(options.tls)) {}

  std::optional<net::TlsServerContext> tls() const {
    const std::lock_guard lock(tls_mutex_);
    return tls_;
  }
  void set_tls(net::TlsServerContext tls) {
    const std::lock_guard lock(tls_mutex_);
    tls_ = std::move(tls);
  }

 private:
  mutable std::mutex tls_mutex_;  // handshakes on the I/O threads, reloads on the main thread
  std::optional<net::TlsServerContext> tls_;
};

Server::Server(std::vector<net::Executor> executors, RequestHandler& handler, const Clock& clock, Random& random,
               ServerOptions options)
    : executors_(std::move(executors)),
      context_{.handler = handler, .clock = clock, .random = random, .timeouts = options.timeouts},
      admission_(options.admission) {}

Server::~Server() = default;

Result<void> Server::listen(ListenerOptions options) {
  Result<std::unique_ptr<net::Listener>> listener = net::Listener::open(options.address, options.port, executors_);
  if (!listener) return listener.error();
  entrances_.push_back(std::make_unique<Entrance>(std::move(*listener), std::move(options)));
  return {};
}

void Server::set_tls(std::size_t listener, net::TlsServerContext context) {
  POSTERN_CHECK(listener < entrances_.size() && entrances_[listener]->is_tls);
  entrances_[listener]->set_tls(std::move(context));
}

void Server::start() {
  for (const auto& entrance : entrances_) {
    Entrance& where = *entrance;
    where.listener->start([this, &where](net::asio::ip::tcp::socket socket) { accept(where, std::move(socket)); });
  }
}

void Server::accept(Entrance& entrance, net::asio::ip::tcp::socket socket) {
  const net::Peer peer = net::peer_of(socket);
  if (!entrance.gate.is_in_use()) return admit(entrance, std::move(socket), peer);
  if (!entrance.gate.admits(peer.address)) return log_stranger(peer);
  entrance.gate.read_header(std::move(socket), peer, [this, &entrance](net::asio::ip::tcp::socket arrived, const net::Peer& client) {
    admit(entrance, std::move(arrived), client);
  });
}

void Server::admit(Entrance& entrance, net::asio::ip::tcp::socket socket, const net::Peer& peer) {
  if (admission_.admit(peer.address) != net::AdmissionVerdict::Admitted) return refuse(entrance, std::move(socket), peer);
  auto admitted = std::make_unique<net::AdmittedPeer>(admission_, peer.address);
  const net::Executor executor = socket.get_executor();
  connections_.start(executor, std::make_unique<Connection>(std::move(socket), peer, context_, entrance.tls(), std::move(admitted)));
}

// With TLS there is nobody yet who could read an answer: a handshake is more than a refusal is worth.
void Server::refuse(const Entrance& entrance, net::asio::ip::tcp::socket socket, const net::Peer& peer) {
  if (entrance.is_tls || refusals_.count() >= kMaxRefusalsAtOnce) return;
  const net::Executor executor = socket.get_executor();
  refusals_.start(executor, std::make_unique<RefusedConnection>(std::move(socket), peer, context_));
}

void Server::drain(std::chrono::steady_clock::duration grace) {
  for (const auto& entrance : entrances_) entrance->listener->stop();
  for (const auto& entrance : entrances_) entrance->gate.drain();
  connections_.drain(grace);
  refusals_.drain(std::chrono::seconds{0});
}

void Server::set_admission_limits(net::AdmissionLimits limits) { admission_.set_limits(limits); }

std::vector<std::uint16_t> Server::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& entrance : entrances_) ports.push_back(entrance->listener->port());
  return ports;
}

}  // namespace postern::http
