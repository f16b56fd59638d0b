// Server: the listeners of one protocol, each with its own certificate. Listener → PROXY header where proxies stand in front →
// admission → connection, each on the I/O thread that accepted it. The admission is one for all of them.
#pragma once

#include "core/result.h"
#include "net/admission.h"
#include "net/awaitable.h"
#include "net/inherited_listeners.h"
#include "net/peer.h"
#include "net/task_group.h"
#include "net/tls_context.h"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postern::net {

struct ListenerOptions {
  std::string address;     // an IP address; "::" takes IPv4 too
  std::uint16_t port = 0;  // 0: a free one, see ports()
  std::optional<TlsServerContext> tls{};  // nullopt: none of its connections can have TLS
  // Whoever connects from here must send a PROXY header, and nobody else is served. Empty: clients connect directly.
  std::vector<IpNetwork> proxy_networks{};
  // Sockets that listen there already are taken from here instead of being made.
  InheritedListeners* inherited = nullptr;
};

// A connection that was accepted.
struct Arrival {
  std::size_t listener = 0;  // in the order of listen()
  asio::ip::tcp::socket socket;
  Peer peer;
  std::optional<TlsServerContext> tls;  // that a handshake is to use
};

enum class TurnedAway { NotThroughAProxy, TooManyConnections };

// Used from the main thread; the connections run on the I/O threads.
class Server {
 public:
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Of a listener with TLS, counted in the order of listen(): handshakes from now on use the new context, connections under way
  // keep theirs. Any thread.
  void set_tls(std::size_t listener, TlsServerContext context);
  void start();
  // The beginning of drain(): accepts nothing more and tells the connections to end. Blocks for a moment.
  void close();
  // Shutdown: stops accepting, lets the connections end for up to `grace` (Task::stop), cancels the rest and waits. Blocks; never
  // on an I/O thread.
  void drain(std::chrono::steady_clock::duration grace);

  void set_admission_limits(AdmissionLimits limits) { admission_.set_limits(limits); }
  // Of the listeners, in the order of listen().
  std::vector<std::uint16_t> ports() const;
  // Of all listeners, with the name of each (no colon in it), for who keeps them over a restart. Before start().
  std::vector<std::pair<std::string, int>> descriptors() const;
  std::size_t connection_count() const { return admission_.count(); }

 protected:
  // `executors` are those of the I/O threads; the runtime outlives the server.
  Server(std::vector<Executor> executors, AdmissionLimits limits);
  // Requires: drained, if it was started.
  virtual ~Server();

  // Binds; nothing is accepted before start().
  Result<void> bind(ListenerOptions options);

 private:
  struct Entrance;

  // The protocol's part, on the socket's I/O thread: who serves a connection, until `admitted` ends with it; and who tells one
  // that it is turned away, nullptr if it is just closed.
  virtual std::unique_ptr<Task> serve(Arrival arrival, std::unique_ptr<AdmittedPeer> admitted) = 0;
  virtual std::unique_ptr<Task> turn_away(Arrival arrival, TurnedAway why) = 0;
  // What is said, without waiting, to a client for whom there is no descriptor. Empty: nothing.
  virtual std::string farewell(std::size_t) const { return {}; }

  void accept(Entrance& entrance, asio::ip::tcp::socket socket);
  void admit(Entrance& entrance, asio::ip::tcp::socket socket, const Peer& peer);
  void refuse(Entrance& entrance, asio::ip::tcp::socket socket, const Peer& peer, TurnedAway why);

  std::vector<Executor> executors_;
  Admission admission_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
  TaskGroup connections_;
  TaskGroup refusals_;
  bool is_closed_ = false;
};

}  // namespace postern::net
