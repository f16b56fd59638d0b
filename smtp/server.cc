// From the accepted socket to its connection.
#include "smtp/server.h"

#include "core/check.h"
#include "core/log.h"
#include "core/refusals.h"
#include "net/proxy_gate.h"
#include "smtp/replies.h"

#include <mutex>

namespace postern::smtp {
namespace {

// Beyond so many connections that wait to read their 421 the next ones are closed without one.
constexpr std::size_t kMaxRefusalsAtOnce = 256;

// What a client is told for whom there is no descriptor. With implicit TLS nobody could read it.
std::string farewell(const Config& config) {
  if (config.tls == TlsMode::Implicit) return {};
  return std::string(Session::refused(config, refusal_status(Refusal::TooManyConnections)).output());
}

// What loopback may do, a client may not that only came through it.
Config without_local_rights(Config config) {
  config.allows_auth_without_tls = false;
  return config;
}

}  // namespace

// A listener and what its connections refer to.
struct Server::Entrance {
  const Config local_config;
  const Config distant_config;
  const ConnectionContext local;    // for peers on this machine
  const ConnectionContext distant;
  net::ProxyGate gate;
  std::unique_ptr<net::Listener> listener;

  Entrance(ListenerOptions options, SubmissionHandler& handler, const ConnectionTimeouts& timeouts)
      : local_config(std::move(options.config)),
        distant_config(without_local_rights(local_config)),
        local{.config = local_config, .handler = handler, .timeouts = timeouts},
        distant{.config = distant_config, .handler = handler, .timeouts = timeouts},
        gate(std::move(options.proxy_networks)),
        tls_(std::move(options.tls)) {}

  const ConnectionContext& context_for(const net::Peer& peer) const { return peer.is_local ? local : distant; }

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

Server::Server(std::vector<net::Executor> executors, SubmissionHandler& handler, ServerOptions options)
    : executors_(std::move(executors)), handler_(handler), options_(options), admission_(options.admission) {}

Server::~Server() = default;

Result<void> Server::listen(ListenerOptions options) {
  POSTERN_CHECK(options.config.tls == TlsMode::None || options.tls.has_value());
  Result<std::unique_ptr<net::Listener>> listener = net::Listener::open(options.address, options.port, executors_);
  if (!listener) return listener.error();
  auto entrance = std::make_unique<Entrance>(std::move(options), handler_, options_.timeouts);
  entrance->listener = std::move(*listener);
  entrances_.push_back(std::move(entrance));
  return Result<void>();
}

void Server::set_tls(std::size_t listener, net::TlsServerContext context) {
  POSTERN_CHECK(listener < entrances_.size() && entrances_[listener]->local_config.tls != TlsMode::None);
  entrances_[listener]->set_tls(std::move(context));
}

void Server::start() {
  for (const auto& entrance : entrances_) {
    Entrance& where = *entrance;
    where.listener->start([this, &where](net::asio::ip::tcp::socket socket) { accept(where, std::move(socket)); },
                          farewell(where.local_config));
  }
}

void Server::accept(Entrance& entrance, net::asio::ip::tcp::socket socket) {
  const net::Peer peer = net::peer_of(socket);
  if (!entrance.gate.is_in_use()) return admit(entrance, std::move(socket), peer);
  if (!entrance.gate.admits(peer.address)) {
    return refuse(entrance, std::move(socket), peer, to_status(replies::k421_4_7_0_proxies_only));
  }
  entrance.gate.read_header(std::move(socket), peer, [this, &entrance](net::asio::ip::tcp::socket arrived, const net::Peer& client) {
    admit(entrance, std::move(arrived), client);
  });
}

void Server::admit(Entrance& entrance, net::asio::ip::tcp::socket socket, const net::Peer& peer) {
  if (admission_.admit(peer.address) != net::AdmissionVerdict::Admitted) {
    return refuse(entrance, std::move(socket), peer, refusal_status(Refusal::TooManyConnections));
  }
  auto admitted = std::make_unique<net::AdmittedPeer>(admission_, peer.address);
  const net::Executor executor = socket.get_executor();
  connections_.start(executor, std::make_unique<Connection>(std::move(socket), peer, entrance.context_for(peer), entrance.tls(),
                                                            std::move(admitted)));
}

// RFC 5321 §3.8 and §4.2.1: 421 may stand instead of the greeting.
void Server::refuse(Entrance& entrance, net::asio::ip::tcp::socket socket, const net::Peer& peer, Status status) {
  if (refusals_.count() >= kMaxRefusalsAtOnce) return;
  const net::Executor executor = socket.get_executor();
  refusals_.start(executor, std::make_unique<RefusedConnection>(std::move(socket), peer, entrance.context_for(peer), std::move(status)));
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

}  // namespace postern::smtp
