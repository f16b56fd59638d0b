#include "smtp/server.h"

#include "core/check.h"
#include "core/refusals.h"
#include "smtp/replies.h"

#include <utility>

namespace postern::smtp {
namespace {

// What loopback may do, a client may not that only came through it.
Config without_local_rights(Config config) {
  config.allows_auth_without_tls = false;
  return config;
}

}  // namespace

// What the connections of a listener refer to.
struct Server::Contexts {
  const Config local_config;
  const Config distant_config;
  const ConnectionContext local;    // for peers on this machine
  const ConnectionContext distant;

  Contexts(Config config, SubmissionHandler& handler, const ConnectionTimeouts& timeouts)
      : local_config(std::move(config)),
        distant_config(without_local_rights(local_config)),
        local{.config = local_config, .handler = handler, .timeouts = timeouts},
        distant{.config = distant_config, .handler = handler, .timeouts = timeouts} {}
};

Server::Server(std::vector<net::Executor> executors, SubmissionHandler& handler, const ServerOptions& options)
    : net::Server(std::move(executors), options.admission), handler_(handler), timeouts_(options.timeouts) {}

Server::~Server() = default;

Result<void> Server::listen(net::ListenerOptions options, Config config) {
  POSTERN_CHECK(config.tls == TlsMode::None || options.tls.has_value());
  Result<void> bound = bind(std::move(options));
  if (bound) contexts_.push_back(std::make_unique<Contexts>(std::move(config), handler_, timeouts_));
  return bound;
}

const ConnectionContext& Server::context_for(const net::Arrival& arrival) const {
  const Contexts& contexts = *contexts_[arrival.listener];
  return arrival.peer.is_local ? contexts.local : contexts.distant;
}

std::unique_ptr<net::Task> Server::serve(net::Arrival arrival, std::unique_ptr<net::AdmittedPeer> admitted) {
  const ConnectionContext& context = context_for(arrival);
  return std::make_unique<Connection>(std::move(arrival.socket), arrival.peer, context, std::move(arrival.tls),
                                      std::move(admitted));
}

// RFC 5321 §3.8 and §4.2.1: 421 may stand instead of the greeting.
std::unique_ptr<net::Task> Server::turn_away(net::Arrival arrival, net::TurnedAway why) {
  const bool is_stranger = why == net::TurnedAway::NotThroughAProxy;
  Status status = is_stranger ? to_status(replies::k421_4_7_0_proxies_only) : refusal_status(Refusal::TooManyConnections);
  const ConnectionContext& context = context_for(arrival);
  const std::string_view token =
      is_stranger ? token_of(replies::k421_4_7_0_proxies_only) : refusal_row(Refusal::TooManyConnections).token;
  return std::make_unique<RefusedConnection>(std::move(arrival.socket), arrival.peer, context, std::move(status), token);
}

// With implicit TLS nobody could read it.
std::string Server::farewell(std::size_t listener) const {
  const Config& config = contexts_[listener]->local_config;
  if (config.tls == TlsMode::Implicit) return {};
  return std::string(Session::refused(config, refusal_status(Refusal::TooManyConnections)).output());
}

}  // namespace postern::smtp
