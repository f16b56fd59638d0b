#include "http/server.h"

#include "core/log.h"

#include <utility>

namespace postern::http {

Server::Server(std::vector<net::Executor> executors, RequestHandler& handler, const Clock& clock, Random& random,
               const ServerOptions& options)
    : net::Server(std::move(executors), options.admission),
      bodies_(options.max_held_body_octets, options.max_held_body_octets_of_one),
      context_{.handler = handler, .clock = clock, .random = random, .bodies = bodies_, .timeouts = options.timeouts} {}

std::unique_ptr<net::Task> Server::serve(net::Arrival arrival, std::unique_ptr<net::AdmittedPeer> admitted) {
  return std::make_unique<Connection>(std::move(arrival.socket), arrival.peer, context_, std::move(arrival.tls),
                                      std::move(admitted));
}

std::unique_ptr<net::Task> Server::turn_away(net::Arrival arrival, net::TurnedAway why) {
  if (why == net::TurnedAway::NotThroughAProxy) {
    log::write(log::Level::Info, "http_connection_refused",
               {{"peer", format_ip_address(arrival.peer.address)}, {"reason", "this port serves proxies only"}});
    return nullptr;
  }
  // With TLS there is nobody yet who could read an answer: a handshake is more than a refusal is worth.
  if (arrival.tls) return nullptr;
  return std::make_unique<RefusedConnection>(std::move(arrival.socket), arrival.peer, context_);
}

}  // namespace postern::http
