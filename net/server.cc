// From the accepted socket to its connection.
#include "net/server.h"

#include "core/check.h"
#include "net/listener.h"
#include "net/proxy_gate.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace postern::net {
namespace {

// Beyond so many connections that wait to read why they are turned away the next ones are closed without a word.
constexpr std::size_t kMaxRefusalsAtOnce = 256;

}  // namespace

// A listener and the certificate that its handshakes use.
struct Server::Entrance {
  const std::size_t number;
  const std::unique_ptr<Listener> listener;
  ProxyGate gate;

  Entrance(std::size_t place, std::unique_ptr<Listener> opened, ListenerOptions options)
      : number(place), listener(std::move(opened)), gate(std::move(options.proxy_networks)), tls_(std::move(options.tls)) {}

  Arrival arrival(asio::ip::tcp::socket socket, const Peer& peer) const {
    const std::lock_guard lock(tls_mutex_);
    return {.listener = number, .socket = std::move(socket), .peer = peer, .tls = tls_};
  }
  void set_tls(TlsServerContext tls) {
    const std::lock_guard lock(tls_mutex_);
    POSTERN_CHECK(tls_.has_value());
    tls_ = std::move(tls);
  }

 private:
  mutable std::mutex tls_mutex_;  // handshakes on the I/O threads, reloads on the main thread
  std::optional<TlsServerContext> tls_;
};

Result<std::unique_ptr<Listener>> open_listener(const ListenerOptions& options, const std::vector<Executor>& executors) {
  boost::system::error_code ec;
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(options.address, ec), options.port);
  std::vector<Descriptor> sockets;
  if (!ec && options.inherited != nullptr) sockets = options.inherited->take(endpoint);
  if (!sockets.empty()) return Listener::adopt(std::move(sockets), executors);
  return Listener::open(options.address, options.port, executors);
}

Server::Server(std::vector<Executor> executors, AdmissionLimits limits) : executors_(std::move(executors)), admission_(limits) {}

Server::~Server() = default;

Result<void> Server::bind(ListenerOptions options) {
  Result<std::unique_ptr<Listener>> listener = open_listener(options, executors_);
  if (!listener) return listener.error();
  entrances_.push_back(std::make_unique<Entrance>(entrances_.size(), std::move(*listener), std::move(options)));
  return {};
}

void Server::set_tls(std::size_t listener, TlsServerContext context) {
  POSTERN_CHECK(listener < entrances_.size());
  entrances_[listener]->set_tls(std::move(context));
}

void Server::start() {
  for (const auto& entrance : entrances_) {
    Entrance& where = *entrance;
    where.listener->start([this, &where](asio::ip::tcp::socket socket) { accept(where, std::move(socket)); },
                          farewell(where.number));
  }
}

void Server::accept(Entrance& entrance, asio::ip::tcp::socket socket) {
  const Peer peer = peer_of(socket);
  if (!entrance.gate.is_in_use()) return admit(entrance, std::move(socket), peer);
  if (!entrance.gate.admits(peer.address)) return refuse(entrance, std::move(socket), peer, TurnedAway::NotThroughAProxy);
  entrance.gate.read_header(std::move(socket), peer, [this, &entrance](asio::ip::tcp::socket arrived, const Peer& client) {
    admit(entrance, std::move(arrived), client);
  });
}

void Server::admit(Entrance& entrance, asio::ip::tcp::socket socket, const Peer& peer) {
  if (admission_.admit(peer.address) != AdmissionVerdict::Admitted) {
    return refuse(entrance, std::move(socket), peer, TurnedAway::TooManyConnections);
  }
  auto admitted = std::make_unique<AdmittedPeer>(admission_, peer.address);
  const Executor executor = socket.get_executor();
  connections_.start(executor, serve(entrance.arrival(std::move(socket), peer), std::move(admitted)));
}

void Server::refuse(Entrance& entrance, asio::ip::tcp::socket socket, const Peer& peer, TurnedAway why) {
  const Executor executor = socket.get_executor();
  std::unique_ptr<Task> answer = turn_away(entrance.arrival(std::move(socket), peer), why);
  if (answer && refusals_.count() < kMaxRefusalsAtOnce) refusals_.start(executor, std::move(answer));
}

void Server::close() {
  if (std::exchange(is_closed_, true)) return;
  for (const auto& entrance : entrances_) entrance->listener->stop();
  for (const auto& entrance : entrances_) entrance->gate.drain();
  connections_.stop_all();
}

void Server::drain(std::chrono::steady_clock::duration grace) {
  close();
  if (!connections_.wait_for(grace)) connections_.cancel_all();
  connections_.wait();
  refusals_.drain(std::chrono::seconds{0});
}

std::vector<std::pair<std::string, int>> Server::descriptors() const {
  std::vector<std::pair<std::string, int>> all;
  for (const auto& entrance : entrances_) {
    std::string name = entrance->listener->address() + "-" + std::to_string(entrance->listener->port());
    std::ranges::replace(name, ':', '.');
    for (const int descriptor : entrance->listener->descriptors()) all.emplace_back(name, descriptor);
  }
  return all;
}

std::vector<std::uint16_t> Server::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& entrance : entrances_) ports.push_back(entrance->listener->port());
  return ports;
}

}  // namespace postern::net
