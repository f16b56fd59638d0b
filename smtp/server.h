// Server: the SMTP listeners, each with its own certificate. Listener → PROXY header where proxies stand in front → admission →
// connection, each on the I/O thread that accepted it. The admission is one for all of them.
#pragma once

#include "core/result.h"
#include "net/admission.h"
#include "net/listener.h"
#include "net/peer.h"
#include "net/task_group.h"
#include "net/tls_context.h"
#include "smtp/connection.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postern::smtp {

struct ListenerOptions {
  std::string address;     // an IP address; "::" takes IPv4 too
  std::uint16_t port = 0;  // 0: a free one, see port()
  Config config;
  std::optional<net::TlsServerContext> tls;  // needed unless config.tls is None
  // Whoever connects from here must send a PROXY header, and nobody else is served. Empty: clients connect directly.
  std::vector<IpNetwork> proxy_networks{};
};

struct ServerOptions {
  net::AdmissionLimits admission;  // for all listeners together
  ConnectionTimeouts timeouts;
};

// Used from the main thread; the connections run on the I/O threads.
class Server {
 public:
  // `executors` are those of the I/O threads. `handler` and the runtime outlive the server.
  Server(std::vector<net::Executor> executors, SubmissionHandler& handler, ServerOptions options);
  // Requires: drained, if it was started.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds; nothing is accepted before start().
  Result<void> listen(ListenerOptions options);
  // Of a listener with TLS, counted in the order of listen(): handshakes from now on use the new context, sessions under way
  // keep theirs. Any thread.
  void set_tls(std::size_t listener, net::TlsServerContext context);
  void start();
  // Shutdown: stops accepting, lets transactions under way end for up to `grace`, says 421, cancels the rest and waits.
  // Blocks; never on an I/O thread.
  void drain(std::chrono::steady_clock::duration grace);

  void set_admission_limits(net::AdmissionLimits limits);
  // Of the listeners, in the order of listen().
  std::vector<std::uint16_t> ports() const;
  std::size_t connection_count() const { return admission_.count(); }

 private:
  struct Entrance;

  void accept(Entrance& entrance, net::asio::ip::tcp::socket socket);
  void admit(Entrance& entrance, net::asio::ip::tcp::socket socket, const net::Peer& peer);
  void refuse(Entrance& entrance, net::asio::ip::tcp::socket socket, const net::Peer& peer, Status status);

  std::vector<net::Executor> executors_;
  SubmissionHandler& handler_;
  ServerOptions options_;
  net::Admission admission_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
  net::TaskGroup connections_;
  net::TaskGroup refusals_;
};

}  // namespace postern::smtp
