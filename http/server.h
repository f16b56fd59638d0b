// Server: the HTTP listeners; the same runtime and TLS as SMTP's.
#pragma once

#include "http/connection.h"
#include "net/server.h"

#include <memory>
#include <vector>

namespace postern::http {

struct ServerOptions {
  net::AdmissionLimits admission;  // for all listeners together
  ConnectionTimeouts timeouts;
  std::size_t max_held_body_octets = kMaxHeldBodyOctets;             // of all connections; beyond it 503
  std::size_t max_held_body_octets_of_one = kMaxHeldBodyOctetsOfOne;  // of those with one account's requests
};

class Server final : public net::Server {
 public:
  // What is referred to outlives the server. Drained, a connection that is idle closes, a stream ends, and a request under way is
  // answered.
  Server(std::vector<net::Executor> executors, RequestHandler& handler, const Clock& clock, Random& random,
         const ServerOptions& options);

  // Binds; nothing is accepted before start(). Without TLS it is plain HTTP.
  Result<void> listen(net::ListenerOptions options) { return bind(std::move(options)); }

 private:
  std::unique_ptr<net::Task> serve(net::Arrival arrival, std::unique_ptr<net::AdmittedPeer> admitted) override;
  std::unique_ptr<net::Task> turn_away(net::Arrival arrival, net::TurnedAway why) override;

  BodyRoom bodies_;
  ConnectionContext context_;
};

}  // namespace postern::http
